/** How a workbook shows its numbers (ECMA-376 part 1, 18.8.30). */
import { readXml } from './xml.js';

export interface NumberFormat {
  /** `plain`: unchanged. */
  readonly kind: 'plain' | 'date' | 'percent' | 'other';
  /** Roughly what is shown, for dates and percentages. */
  readonly shown: string;
}

export interface CellFormats {
  /** Null for an unknown style. */
  of(style: number | null, value: number): NumberFormat | null;
}

const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);

function kindOf(id: number, code: string | undefined): NumberFormat['kind'] {
  if (code === undefined) {
    if (isBuiltInDate(id)) return 'date';
    if (id === 9 || id === 10) return 'percent';
    return id === 0 || id === 1 || id === 49 ? 'plain' : 'other';
  }
  // Without quoted texts, escapes, fillers, and brackets except [h], [mm] etc.
  const bare = code.replace(/"[^"]*"|[\\_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]/giu, '');
  if (/^(?:general|0|@|)$/iu.test(bare.split(';')[0]?.trim() ?? '')) return 'plain';
  if (/[dmyhs]/iu.test(bare)) return 'date';
  return bare.includes('%') ? 'percent' : 'other';
}

/** Excel has a 29 February 1900: days before March 1900 are one off. */
function dateOf(serial: number, from1904: boolean): string {
  const days = serial - 25_569 + (from1904 ? 1462 : 0);
  const date = new Date(Math.round(days * 86_400) * 1000);
  if (Number.isNaN(date.getTime())) return 'out of range';
  const [day = '', time = ''] = date.toISOString().split(/[T.]/u);
  return time === '00:00:00' ? day : `${day} ${time}`;
}

/** Reads `xl/styles.xml`; without it all numbers are plain. */
export function readFormats(
  path: string,
  styles: { readonly part: string; readonly bytes: Uint8Array } | null,
  from1904: boolean,
): CellFormats {
  const codes = new Map<number, string>();
  const ids: number[] = []; // by style
  if (styles !== null)
    readXml(path, styles.part, styles.bytes, {
      open: ([, group, element, ...deeper], attributes) => {
        if (deeper.length > 0) return;
        const id = Number(attributes['numFmtId'] ?? 0);
        if (group === 'numFmts' && element === 'numFmt') codes.set(id, attributes['formatCode'] ?? '');
        if (group === 'cellXfs' && element === 'xf') ids.push(id);
      },
    });
  return {
    of(style, value) {
      const id = styles === null ? 0 : ids[style ?? 0];
      if (id === undefined) return style === null || style === 0 ? { kind: 'plain', shown: '' } : null;
      const kind = kindOf(id, codes.get(id));
      const shown =
        kind === 'date'
          ? dateOf(value, from1904)
          : kind === 'percent'
            ? `${Number((value * 100).toPrecision(12))} %`
            : '';
      return { kind, shown };
    },
  };
}

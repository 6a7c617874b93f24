/**
 * Text of DICOM by its Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1): single-byte sets, UTF-8, GB 18030, and
 * ISO 2022's escapes between sets, all decoded by `TextDecoder`. Nothing throws: what is unknown becomes U+FFFD.
 */

/** Defined term to the WHATWG label of the decoder. ISO_IR 13 is the half of Shift JIS that has single bytes. */
const SETS: Readonly<Record<string, string>> = {
  '': 'iso-8859-1',
  'ISO_IR 6': 'iso-8859-1',
  'ISO_IR 100': 'iso-8859-1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 149': 'euc-kr',
  'ISO_IR 58': 'gbk',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** Escape sequences (without ESC) to the decoder of what follows; `high`: its bytes lack the top bit that the decoder expects. */
const ESCAPES: Readonly<Record<string, { readonly label: string; readonly high?: 'jis' | 'jis-212' }>> = {
  '(B': { label: 'iso-8859-1' },
  '(J': { label: 'shift_jis' },
  ')I': { label: 'shift_jis' },
  $B: { label: 'euc-jp', high: 'jis' },
  '$(D': { label: 'euc-jp', high: 'jis-212' },
  '$)C': { label: 'euc-kr' },
  '$)A': { label: 'gbk' },
  '-A': { label: 'iso-8859-1' },
  '-B': { label: 'iso-8859-2' },
  '-C': { label: 'iso-8859-3' },
  '-D': { label: 'iso-8859-4' },
  '-L': { label: 'iso-8859-5' },
  '-G': { label: 'iso-8859-6' },
  '-F': { label: 'iso-8859-7' },
  '-H': { label: 'iso-8859-8' },
  '-M': { label: 'iso-8859-9' },
  '-b': { label: 'iso-8859-15' },
  '-T': { label: 'windows-874' },
};

const ESC = 0x1b;
/** Longest text decoded; the longest that a value other than a report may have is 10,240. */
const MAX_BYTES = 1 << 16;

export type TextReader = (bytes: Uint8Array) => string;

/** @param terms values of Specific Character Set; unknown ones read ASCII, and other bytes as U+FFFD */
export function textReader(terms: readonly string[]): TextReader {
  const first = (terms[0] ?? '').trim().replace(/^ISO 2022 IR/u, 'ISO_IR');
  const label = Object.hasOwn(SETS, first) ? SETS[first]! : 'utf-8';
  const escapes = terms.some((term) => term.trim().startsWith('ISO 2022'));
  return (bytes) => {
    const part = bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
    return (escapes && part.includes(ESC) ? escaped(part, label) : decoded(part, label)).replace(
      /[\0 ]+$/u,
      '',
    );
  };
}

function decoded(bytes: Uint8Array, label: string): string {
  return new TextDecoder(label).decode(bytes);
}

function escaped(bytes: Uint8Array, initial: string): string {
  let text = '';
  let current: { readonly label: string; readonly high?: 'jis' | 'jis-212' } = { label: initial };
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === ESC) {
      const sequence = [3, 2]
        .map((length) => String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)))
        .find((candidate) => Object.hasOwn(ESCAPES, candidate));
      if (sequence === undefined) {
        text += '\ufffd';
        at += 1;
        continue;
      }
      current = ESCAPES[sequence]!;
      at += 1 + sequence.length;
      continue;
    }
    let end = bytes.indexOf(ESC, at);
    if (end < 0) end = bytes.length;
    text += segment(bytes.subarray(at, end), current);
    at = end;
  }
  return text;
}

/** Two-byte sets in the lower half are moved to the upper, where EUC has them; delimiters and controls stay. */
function segment(
  bytes: Uint8Array,
  { label, high }: { readonly label: string; readonly high?: 'jis' | 'jis-212' },
): string {
  if (high === undefined) return decoded(bytes, label);
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte <= 0x20 || at + 1 >= bytes.length) {
      out.push(byte);
      continue;
    }
    if (high === 'jis-212') out.push(0x8f);
    out.push(byte | 0x80, bytes[at + 1]! | 0x80);
    at += 1;
  }
  return decoded(Uint8Array.from(out), label);
}

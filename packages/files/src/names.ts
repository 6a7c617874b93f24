/**
 * File names as people and file systems write them. macOS stores "ü" decomposed (NFD), a spreadsheet composed
 * (NFC), so names compare in NFC. Other differences count, and messages suggest the nearest name.
 */
export const nameKey = (name: string): string => name.normalize('NFC');

const foldCase = (name: string): string => name.toLowerCase();
const foldBlanks = (name: string): string => name.replace(/\s+/gu, '');
const foldSigns = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/[\u2010-\u2015\u2212]/gu, '-')
    .replace(/\p{Cf}/gu, '')
    .normalize('NFC');

const FOLDS = [
  { what: 'case', fold: foldCase },
  { what: 'spaces', fold: foldBlanks },
  { what: 'look-alike characters', fold: foldSigns },
] as const;

const looseKey = (name: string): string => FOLDS.reduce((key, { fold }) => fold(key), foldSigns(name));

/** Shows invisible characters, marks and unusual spaces as code points: `"Mu\u{308}ller.png"`. */
export function visibleName(name: string): string {
  const shown = name.replace(
    /[\p{M}\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
    (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `"${shown}"`;
}

/** `case`, `spaces`, `case and spaces`; null for unrelated names. */
export function nameDifference(a: string, b: string): string | null {
  if (a === b || looseKey(a) !== looseKey(b)) return null;
  if (nameKey(a) === nameKey(b)) return 'Unicode form';
  const kinds = FOLDS.filter(({ what }) => {
    const others = FOLDS.filter((other) => other.what !== what);
    const folded = (name: string): string => others.reduce((key, { fold }) => fold(key), nameKey(name));
    return folded(a) !== folded(b);
  }).map(({ what }) => what);
  return kinds.join(' and ') || 'case and spaces';
}

export class NearNames {
  private byKey: Map<string, string> | null = null;

  constructor(private readonly names: Iterable<string>) {}

  /** For a message: ` (found "A.png", which differs in case from "a.png")`, or empty. */
  hint(name: string): string {
    if (this.byKey === null) {
      this.byKey = new Map();
      for (const one of this.names) this.byKey.set(looseKey(one), one);
    }
    const near = this.byKey.get(looseKey(name));
    const difference = near === undefined ? null : nameDifference(near, name);
    if (near === undefined || difference === null) return '';
    return ` (found ${visibleName(near)}, which differs in ${difference} from ${visibleName(name)})`;
  }
}

/** Left behind by systems, file servers and programs; lower case. */
const LITTER = new Set([
  ...['thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', '$recycle.bin', 'recycler', 'recycled'], // Windows
  ...['system volume information', 'wpsettings.dat', 'found.000'],
  ...[
    'icon\r',
    'network trash folder',
    'temporary items',
    'thevolumesettingsfolder',
    'desktop db',
    'desktop df',
    '__macosx',
  ], // macOS
  ...['lost+found', 'aquota.user', 'aquota.group'], // Linux
  ...['@eadir', '#recycle', '#snapshot', '@tmp', '@sharebin', '@recycle', '@recently-snapshot', '@__thumb'], // Synology, QNAP
]);

/**
 * Whether data folders skip a name: it begins with a dot (.DS_Store, ._x), is an office program's lock or
 * backup (~$notes.xlsx, .~lock.notes.xlsx#, notes.csv~), or a system's leftover (@eaDir, Icon\r, lost+found).
 */
export function isLitter(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    name.startsWith('.') ||
    name.startsWith('~$') ||
    name.endsWith('~') ||
    LITTER.has(lower) ||
    /@syno(?:eastream|resource)$|:zone\.identifier$|:\$data$/u.test(lower) // alternate streams, copied as files
  );
}

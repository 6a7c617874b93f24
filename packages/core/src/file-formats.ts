/**
 * The files that we write and read again, each with the format that it states: `reclmis-NAME/VERSION`. A version says how
 * a file is laid out; it changes only when a reader of before would misread the file. The policy, with every file:
 * docs/reference/formats.md, which a test holds to this table.
 */
import { type ErrorCode, ReclmisError } from './errors.js';

/** Versions by name, oldest first: all are read, the last one is written. */
export const FILE_FORMATS = {
  'ablation-score': [1],
  cases: [1],
  checkpoint: [1],
  confidence: [1],
  export: [1],
  model: [1, 2, 3],
  reference: [1],
  resume: [1],
  run: [1],
  session: [1],
  weights: [1],
  words: [1, 2],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type FileFormat = keyof typeof FILE_FORMATS;

/** For files of a newer version. */
export const NEWER_REMEDY = 'Update reclmis to the version that made it, or a later one.';
/** For files of a version that is no longer read. */
const OLDER_REMEDY = 'Use the version of reclmis that made it, or make it again with this one.';

/** As files state it. */
export const statedFormat = (name: FileFormat, version: number): string => `reclmis-${name}/${version}`;

/** What this version writes. */
export const currentFormat = (name: FileFormat): string => statedFormat(name, FILE_FORMATS[name].at(-1) ?? 0);

/** The version that `found` states, whether it is read or not; null for anything else than this format. */
export function versionIn(name: FileFormat, found: unknown): number | null {
  if (typeof found !== 'string' || !found.startsWith(`reclmis-${name}/`)) return null;
  const digits = /^\d{1,9}$/.exec(found.slice(`reclmis-${name}/`.length))?.[0];
  return digits === undefined ? null : Number(digits);
}

export interface FormatPlace {
  /** The file, for messages. */
  readonly where: string;
  readonly code: ErrorCode;
  /** For what is no file of this format; default: the code's. */
  readonly remedy?: string;
}

/** The version of a file, one of those read. @throws `code` for newer versions, ones no longer read, and other files */
export function readFormat(name: FileFormat, found: unknown, { where, code, remedy }: FormatPlace): number {
  const known: readonly number[] = FILE_FORMATS[name];
  const version = versionIn(name, found);
  if (version !== null && known.includes(version)) return version;
  const expected = `${where}: expected format ${known.map((one) => statedFormat(name, one)).join(' or ')}`;
  if (version === null) {
    const got = typeof found === 'string' ? found.slice(0, 40) : 'none';
    throw new ReclmisError(code, `${expected}, got ${got}`, remedy === undefined ? {} : { remedy });
  }
  const newer = version > Math.max(...known);
  throw new ReclmisError(
    code,
    `${expected}, got ${statedFormat(name, version)}, ${newer ? 'made by a newer version of reclmis' : 'which is no longer read'}`,
    { remedy: newer ? NEWER_REMEDY : OLDER_REMEDY },
  );
}

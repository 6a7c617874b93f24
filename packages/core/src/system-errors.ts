/** What the system's errors (errno) mean for a file that is written: the one table. Pure, so that the command needs no files for it. */
import { ReclmisError } from './errors.js';

/** Errors after which room must be made: on the disk, in a quota, under a limit on the size of files. Any other means OUTPUT_UNWRITABLE. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Remedies for one kind of place, where those of the catalogue do not fit. */
export interface WriteRemedies {
  readonly full?: string;
  readonly unwritable?: string;
}

/** The `code` of a Node error (`ENOENT`, `ENOSPC`), or the empty string. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** One line about an error of unknown kind, for messages. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, '; ').trim();
}

/** Whether an error of the system says that there is no room. */
export function isFull(error: unknown): boolean {
  return FULL.has(systemCode(error));
}

/** A failed write as a coded error: DISK_FULL or OUTPUT_UNWRITABLE. Coded errors pass unchanged. */
export function writeError(path: string, error: unknown, remedies: WriteRemedies = {}): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const coded = (code: 'DISK_FULL' | 'OUTPUT_UNWRITABLE', what: string, remedy?: string): ReclmisError =>
    new ReclmisError(code, `${path}: ${what}`, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
  return isFull(error)
    ? coded('DISK_FULL', `no room left (${systemCode(error)})`, remedies.full)
    : coded('OUTPUT_UNWRITABLE', `cannot be written (${oneLine(error)})`, remedies.unwritable);
}

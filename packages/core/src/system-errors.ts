/** What the system's errors (errno) mean for a written file. */
import { ReclmisError } from './errors.js';

/** Disk, quota, limit on file size. All others mean OUTPUT_UNWRITABLE. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Remedies for a kind of place, in place of the catalogue's. */
export interface WriteRemedies {
  readonly full?: string;
  readonly unwritable?: string;
}

/** `ENOENT`, `ENOSPC`, ..., or ''. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, '; ').trim();
}

export function isFull(error: unknown): boolean {
  return FULL.has(systemCode(error));
}

/** A failed write as DISK_FULL or OUTPUT_UNWRITABLE. Coded errors pass unchanged. */
export function writeError(path: string, error: unknown, remedies: WriteRemedies = {}): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const coded = (code: 'DISK_FULL' | 'OUTPUT_UNWRITABLE', what: string, remedy?: string): ReclmisError =>
    new ReclmisError(code, `${path}: ${what}`, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
  return isFull(error)
    ? coded('DISK_FULL', `no room left (${systemCode(error)})`, remedies.full)
    : coded('OUTPUT_UNWRITABLE', `cannot be written (${oneLine(error)})`, remedies.unwritable);
}

/**
 * The only way to standard output and error. Text is made harmless for a terminal, and written whole: a full
 * disk may take half of it silently, and a reader may close its pipe.
 */
import { fstatSync, writeSync } from 'node:fs';
import { printable, type ReclmisError, writeError } from '@reclmis/core/essentials';

/** The reader has closed standard output. */
let closed = false;

/** @throws DISK_FULL, OUTPUT_UNWRITABLE */
export function writeOut(text: string): void {
  if (closed) return;
  const safe = printable(text);
  if (!isFile()) {
    process.stdout.write(safe);
    return;
  }
  // Node's stream for files ignores how much was written.
  const bytes = Buffer.from(safe);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(process.stdout.fd, bytes, done);
  } catch (error) {
    throw outputError(error);
  }
}

/** Columns of standard output's terminal; infinite for a file or pipe. */
export function lineWidth(): number {
  const { isTTY, columns } = process.stdout as { readonly isTTY?: boolean; readonly columns?: number };
  return isTTY === true && columns !== undefined && columns > 0 ? columns : Number.POSITIVE_INFINITY;
}

/** As commander: 80 without a terminal. */
export const helpWidth = (): number => (lineWidth() === Number.POSITIVE_INFINITY ? 80 : lineWidth());

/** Ignores failure. */
export function writeErr(text: string): void {
  try {
    process.stderr.write(printable(text));
  } catch {
    // nobody can be told
  }
}

function isFile(): boolean {
  try {
    return fstatSync(process.stdout.fd).isFile();
  } catch {
    return false;
  }
}

function outputError(error: unknown): ReclmisError {
  return writeError('standard output', error, {
    full: 'Free some space and run the command again; the output is incomplete.',
    unwritable: 'Redirect the output to a file or device with room for it.',
  });
}

/**
 * A closed standard output is no error: its reader has seen enough; its other errors call `fail`. Errors of
 * standard error are ignored, so a worker without its launcher still saves.
 */
export function guardStreams(fail: (error: ReclmisError) => never): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (closed) return;
    if (error.code !== 'EPIPE') fail(outputError(error));
    closed = true;
  });
  process.stderr.on('error', () => undefined);
}

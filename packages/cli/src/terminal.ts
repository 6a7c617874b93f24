/**
 * The one way to standard output and standard error. Everything is made harmless for a terminal, and written whole or not without a word: a full disk may
 * take half of a text and say nothing, a reader may close its pipe.
 */
import { fstatSync, writeSync } from 'node:fs';
import { printable, type ReclmisError, writeError } from '@reclmis/core';

/** Whose standard output was closed by its reader, who has seen enough. */
let closed = false;

/** Writes text to standard output. @throws DISK_FULL, OUTPUT_UNWRITABLE */
export function writeOut(text: string): void {
  if (closed) return;
  const safe = printable(text);
  if (!isFile()) {
    process.stdout.write(safe);
    return;
  }
  // Node's own stream for files takes no notice of how much was written.
  const bytes = Buffer.from(safe);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(process.stdout.fd, bytes, done);
  } catch (error) {
    throw outputError(error);
  }
}

/** Writes text to standard error; that it cannot be written changes nothing. */
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
    return false; // closed
  }
}

/** What standard output's failure is called. */
function outputError(error: unknown): ReclmisError {
  return writeError('standard output', error, {
    full: 'Free some space and run the command again; the output is incomplete.',
    unwritable: 'Redirect the output to a file or device with room for it.',
  });
}

/**
 * Sees to errors of the streams: a reader that closed standard output has seen enough, and the command goes on to its own end and status; any other error
 * of standard output ends the command by `fail`. A worker whose launcher is gone still saves, so errors of standard error change nothing.
 */
export function guardStreams(fail: (error: ReclmisError) => never): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (closed) return;
    if (error.code !== 'EPIPE') fail(outputError(error));
    closed = true;
  });
  process.stderr.on('error', () => undefined);
}

/**
 * `cases.jsonl`: one line per case, appended once its files are in place, for `--resume` and
 * `statistics.json`. The process may be killed at any moment: an incomplete last line is cut off.
 *
 * The first line identifies the model, so results of models never mix. A case's last line holds. Notes are
 * not stored, only 64 bits of an HMAC under a key in this file: enough to tell whether a note changed.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type FileHandle, rm } from 'node:fs/promises';
import { currentFormat, type ErrorCode, readFormat, ReclmisError, versionIn } from '@reclmis/core';
import { openGrown, openToAppend, writeError } from '@reclmis/files';
import type { CaseStatistics } from './case-statistics.js';

const FORMAT = currentFormat('cases');
/** Bytes; a longer file without a header was not cut off in its header. */
const LONGEST_HEADER = 2000;

interface Header {
  readonly format: string;
  /** What all cases share: model, threshold, part. */
  readonly identity: string;
  readonly key: string;
}

export interface DoneEntry {
  readonly id: string;
  /** Bytes and modification time (ms) of the image. */
  readonly input: { readonly bytes: number; readonly modified: number };
  readonly note: string;
  /** Suffix -> bytes. */
  readonly files: Readonly<Record<string, number>>;
  readonly statistics: CaseStatistics;
}

export interface FailedEntry {
  readonly id: string;
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

export type Entry = DoneEntry | FailedEntry;

/** A line's place in a file, bytes. */
export interface Position {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** `new` refuses a place with a journal, `overwrite` replaces it, `resume` continues it. */
export type Beginning = 'new' | 'overwrite' | 'resume';

export class Journal {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly key: string,
    /** id -> the case's last line at opening. */
    private readonly earlier: ReadonlyMap<string, Position>,
  ) {}

  /**
   * @param identity what all cases share
   * @throws OUTPUT_EXISTS (a journal exists, or is of another model), OUTPUT_UNWRITABLE, DISK_FULL
   */
  static async open(path: string, identity: string, beginning: Beginning): Promise<Journal> {
    if (beginning === 'overwrite')
      await rm(path, { force: true }).catch((error: unknown) => {
        throw writeError(path, error);
      });
    const found = await scanJournal(path);
    if (found !== null && beginning === 'new') {
      throw new ReclmisError('OUTPUT_EXISTS', `${path}: an earlier prediction has its results here`, {
        remedy:
          'Continue it with --resume, replace its results with --overwrite, or choose another folder with -o.',
      });
    }
    if (found?.header && found.header.identity !== identity) {
      throw new ReclmisError(
        'OUTPUT_EXISTS',
        `${path}: expected results of ${identity}, found those of ${found.header.identity}`,
        {
          remedy:
            'Use the model that made them, replace them with --overwrite, or choose another folder with -o.',
        },
      );
    }
    if (found !== null && !found.header && found.bytes > LONGEST_HEADER) {
      throw new ReclmisError('OUTPUT_EXISTS', `${path}: is a different kind of file, expected ${FORMAT}`);
    }
    const file = await openToAppend(path);
    const header = found?.header ?? null;
    const key = header?.key ?? randomBytes(16).toString('hex');
    const journal = new Journal(path, file, key, found?.entries ?? new Map());
    try {
      if (found !== null) await file.truncate(header ? found.end : 0);
      if (!header) await journal.write([{ format: FORMAT, identity, key } satisfies Header]);
      return journal;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  mark(note: string): string {
    return createHmac('sha256', Buffer.from(this.key, 'hex')).update(note).digest('hex').slice(0, 16);
  }

  async entryOf(id: string): Promise<Entry | null> {
    const position = this.earlier.get(id);
    return position ? readEntry(position) : null;
  }

  /** @throws OUTPUT_UNWRITABLE, DISK_FULL */
  async append(entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) await this.write(entries);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async write(lines: readonly (Entry | Header)[]): Promise<void> {
    try {
      await this.file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      throw writeError(this.path, error);
    }
  }
}

export interface JournalScan {
  /** Null if its first line is incomplete. */
  readonly header: { readonly identity: string; readonly key: string } | null;
  readonly entries: ReadonlyMap<string, Position>;
  /** End of the last complete line, bytes. */
  readonly end: number;
  readonly bytes: number;
}

/** Scans line by line; null if there is none. @throws OUTPUT_UNWRITABLE if unreadable, OUTPUT_EXISTS if a newer version made it */
export async function scanJournal(path: string): Promise<JournalScan | null> {
  const entries = new Map<string, Position>();
  let header: Header | null = null;
  let end = 0;
  const file = await openGrown(path);
  if (file === null) return null;
  try {
    for await (const { text, offset, length } of linesOf(file)) {
      const line = parseLine(text);
      if (offset === 0) {
        refuseOthers(path, line);
        if (!isHeader(line)) break;
        header = line;
      } else if (isEntry(line)) entries.set(line.id, { path, offset, length });
      end = offset + length + 1;
    }
    return { header, entries, end, bytes: (await file.stat()).size };
  } catch (error) {
    throw writeError(path, error);
  } finally {
    await file.close();
  }
}

/** A journal's identity; null without a complete header. @throws as `scanJournal` */
export async function journalIdentity(path: string): Promise<string | null> {
  const file = await openGrown(path);
  if (file === null) return null;
  try {
    for await (const { text } of linesOf(file)) {
      const line = parseLine(text);
      refuseOthers(path, line);
      return isHeader(line) ? line.identity : null;
    }
    return null;
  } catch (error) {
    throw writeError(path, error);
  } finally {
    await file.close();
  }
}

export async function readEntry({ path, offset, length }: Position): Promise<Entry> {
  const file = await openGrown(path);
  if (file === null) throw new ReclmisError('INTERNAL', `${path}: was removed while it was in use`);
  try {
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, offset);
    const entry = parseLine(bytes.toString('utf8'));
    if (isEntry(entry)) return entry;
  } finally {
    await file.close();
  }
  throw new ReclmisError('INTERNAL', `${path}: the line at byte ${offset} changed while it was in use`);
}

/** Complete lines; bytes exclude the line end. */
async function* linesOf(file: FileHandle): AsyncGenerator<{ text: string; offset: number; length: number }> {
  let rest = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, from)) {
      yield { text: rest.toString('utf8', from, at), offset: offset + from, length: at - from };
      from = at + 1;
    }
    offset += from;
    rest = rest.subarray(from);
  }
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // after a power cut
  }
}

/** A journal of another version is no file cut off in its header, which would be begun again. @throws OUTPUT_EXISTS */
function refuseOthers(path: string, line: unknown): void {
  if (typeof line !== 'object' || line === null || !('format' in line)) return;
  if (versionIn('cases', line.format) !== null)
    readFormat('cases', line.format, { where: path, code: 'OUTPUT_EXISTS' });
}

function isHeader(line: unknown): line is Header {
  return typeof line === 'object' && line !== null && 'format' in line && line.format === FORMAT;
}

function isEntry(line: unknown): line is Entry {
  if (typeof line !== 'object' || line === null || !('id' in line)) return false;
  return 'error' in line || ('statistics' in line && 'files' in line && line.files instanceof Object);
}

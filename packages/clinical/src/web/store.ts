/**
 * STOW-RS (PS3.18, section 10.5): storing files. Servers answer 200 to what they did not store and 400 to what they
 * did, so only one thing means success: each instance that was sent is in Referenced SOP Sequence.
 */
import { ReclmisError } from '@reclmis/core';
import type { PacsConnection } from './connection.js';
import { type DataSet, parseDataSets } from './dicom-json.js';
import { writeParts } from './multipart.js';
import { readFileHead } from './part10.js';

const DICOM = 'application/dicom';
const DICOM_JSON = 'application/dicom+json';
const DOING = 'storing';
/** Sent at a time; a larger file goes alone. */
const BATCH_BYTES = 32 * 2 ** 20;
const BATCH_FILES = 100;

const REFERENCED = '00081199';
const FAILED = '00081198';
const INSTANCE = '00081155';
const REASON = '00081197';

export interface Stored {
  /** SOP Instance UIDs, in the order sent. */
  readonly instances: readonly string[];
  readonly bytes: number;
}

/**
 * Stores DICOM files, some at a time. Servers may keep an instance that they have instead of a new one with its UID,
 * and say that it was stored.
 * @param files whole files, each with its head
 * @throws PACS_FAILED unless each is stored: how many are; IMAGE_UNREADABLE for what is no DICOM file, before its batch is sent
 */
export async function storeFiles(
  pacs: PacsConnection,
  files: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onStored?: (count: number) => void,
): Promise<Stored> {
  const seen = new Set<string>();
  const stored: string[] = [];
  let batch: Uint8Array[] = [];
  let [held, bytes] = [0, 0];
  const flush = async (): Promise<void> => {
    const sent = [...seen].slice(stored.length);
    if (sent.length > 0) await storeBatch(pacs, batch, sent, stored.length);
    stored.push(...sent);
    onStored?.(stored.length);
    bytes += held;
    [batch, held] = [[], 0];
  };
  for await (const file of files) {
    const head = readFileHead(file);
    if (head === null)
      throw new ReclmisError(
        'IMAGE_UNREADABLE',
        `file ${seen.size + 1} to store: not a DICOM file with its head`,
        {
          remedy: 'Send DICOM files (PS3.10) as they were written.',
        },
      );
    if (seen.has(head.sopInstance))
      throw new ReclmisError(
        'PACS_INVALID',
        `file ${seen.size + 1} to store: has the SOP Instance UID of an earlier one`,
        { remedy: 'Send each instance once: of two with the same UID a PACS keeps only one.' },
      );
    if (batch.length > 0 && (held + file.length > BATCH_BYTES || batch.length >= BATCH_FILES)) await flush();
    seen.add(head.sopInstance);
    batch.push(file);
    held += file.length;
  }
  if (batch.length > 0) await flush();
  return { instances: stored, bytes };
}

async function storeBatch(
  pacs: PacsConnection,
  files: readonly Uint8Array[],
  sent: readonly string[],
  before: number,
): Promise<void> {
  // Blob takes no shared memory; files from elsewhere are never in it.
  const { body, boundary } = writeParts(files as readonly Uint8Array<ArrayBuffer>[], DICOM);
  const answer = await pacs.post(
    { doing: DOING, path: 'studies', accept: DICOM_JSON },
    body,
    `multipart/related; type="${DICOM}"; boundary=${boundary}`,
    [400, 409], // may list what was stored nevertheless
  );
  const refused = answer.status >= 300;
  // Orthanc's 400 states no type, though its list is right.
  const types = [DICOM_JSON, 'application/json', ...(refused ? [answer.type] : [])];
  const text = await pacs.textOf(answer, DOING, types);
  const [result] = refused ? lenient(text) : text.trim() === '' ? [] : parseDataSets(text);
  const referenced = new Set(result?.items(REFERENCED).map((item) => item.uid(INSTANCE)));
  const count = sent.filter((one) => referenced.has(one)).length;
  if (count === sent.length) return;
  throw new ReclmisError(
    'PACS_FAILED',
    `${pacs.where}: ${DOING}: answered ${answer.status}; stored ${before + count} of ${before + sent.length} files sent so far${reasons(result)}`,
    { remedy: 'Look into the log of the PACS for why; store the files again once it is mended.' },
  );
}

function lenient(text: string): DataSet[] {
  try {
    return parseDataSets(text);
  } catch {
    return [];
  }
}

/** Failure reasons (PS3.18, table 10.5.3-1) in hexadecimal. */
function reasons(result: DataSet | undefined): string {
  const codes = (result?.items(FAILED) ?? []).flatMap((item) => item.whole(REASON) ?? []);
  const names = [...new Set(codes)].slice(0, 5).map((code) => `0x${code.toString(16).padStart(4, '0')}`);
  return names.length === 0 ? '' : ` (reason ${names.join(', ')})`;
}

/** WADO-RS (PS3.18, section 10.4): instances as they are stored, byte for byte. */
import { ReclmisError } from '@reclmis/core';
import type { Ask, PacsAnswer, PacsConnection } from './connection.js';
import { Passing } from './failures.js';
import { boundaryOf, readParts } from './multipart.js';
import { readFileHead } from './part10.js';
import { findInstances, type FoundInstance, uid } from './search.js';

const DICOM = 'application/dicom';
/** Without the last parameter a server may decode, or fail to. */
const ACCEPT = `multipart/related; type="${DICOM}"; transfer-syntax=*`;
/** More than any series has. */
const MOST_INSTANCES = 100_000;

export interface RetrievedInstance {
  /** SOP Instance UID, digits and dots. */
  readonly instance: string;
  /** The whole file. */
  readonly bytes: Uint8Array;
}

/** @throws PACS_* */
export async function retrieveInstance(
  pacs: PacsConnection,
  study: string,
  series: string,
  instance: string,
): Promise<RetrievedInstance> {
  const path = `studies/${uid(study)}/series/${uid(series)}/instances/${uid(instance)}`;
  const doing = 'fetching an instance';
  return pacs.again(doing, async () => {
    for await (const one of retrieve(pacs, doing, path, pacs.options.instanceBytes, (ask) =>
      pacs.once(ask),
    )) {
      if (one.instance === instance) return one;
      throw new ReclmisError('PACS_INVALID', `${pacs.where}: ${doing}: got another one`);
    }
    throw new ReclmisError('PACS_INVALID', `${pacs.where}: ${doing}: the answer holds none`);
  });
}

/**
 * All instances of a series as they arrive, each once: in one answer, then one by one what it left out, such as after a
 * broken connection.
 * @param onFound told which there are, before the first arrives
 * @throws PACS_* if one is missing in the end
 */
export async function* retrieveSeries(
  pacs: PacsConnection,
  study: string,
  series: string,
  onFound?: (instances: readonly FoundInstance[]) => void,
): AsyncGenerator<RetrievedInstance> {
  const doing = 'fetching a series';
  const { found, more } = await findInstances(pacs, study, series, MOST_INSTANCES);
  if (more)
    throw new ReclmisError('PACS_INVALID', `${pacs.where}: ${doing}: more than ${MOST_INSTANCES} instances`);
  if (found.length === 0)
    throw new ReclmisError('PACS_MISSING', `${pacs.where}: ${doing}: the PACS has no instance of it`);
  onFound?.(found);
  const missing = new Set(found.map(({ instance }) => instance));
  let left = pacs.options.seriesBytes;
  const path = `studies/${uid(study)}/series/${uid(series)}`;
  try {
    for await (const one of retrieve(pacs, doing, path, left, (ask) => pacs.get(ask))) {
      // Instances that came in since the search would make the count wrong.
      if (!missing.delete(one.instance)) continue;
      left -= one.bytes.length;
      yield one;
    }
  } catch (error) {
    if (!(error instanceof Passing)) throw error;
    pacs.options.onRetry?.(error.message);
  }
  for (const instance of missing) {
    const one = await retrieveInstance(pacs, study, series, instance);
    left -= one.bytes.length;
    if (left < 0)
      throw new ReclmisError(
        'IMAGE_TOO_LARGE',
        `${pacs.where}: ${doing}: exceeds ${pacs.options.seriesBytes} bytes`,
      );
    yield one;
  }
}

async function* retrieve(
  pacs: PacsConnection,
  doing: string,
  path: string,
  totalBytes: number,
  request: (ask: Ask) => Promise<PacsAnswer>,
): AsyncGenerator<RetrievedInstance> {
  const answer = await request({ doing, path, accept: ACCEPT });
  try {
    if (answer.type !== 'multipart/related') throw pacs.unexpected(answer, doing, ['multipart/related']);
    const boundary = boundaryOf(answer.headers.get('content-type') ?? '');
    const limits = { partBytes: pacs.options.instanceBytes, totalBytes };
    for await (const { type, bytes } of readParts(answer.chunks, boundary, limits)) {
      if (type !== DICOM && type !== '') throw pacs.unexpected({ ...answer, type }, doing, [DICOM]);
      const head = readFileHead(bytes);
      if (head === null)
        throw new ReclmisError('PACS_INVALID', `${pacs.where}: ${doing}: a part is no DICOM file`);
      yield { instance: head.sopInstance, bytes };
    }
  } finally {
    await answer.chunks.return(undefined);
  }
}

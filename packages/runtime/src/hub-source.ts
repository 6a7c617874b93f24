/** A hub's model by fetch: its revision's commit from the hub's API, then its files at that commit. */
import {
  commitOf,
  type HubAddress,
  HUB_URL,
  hubRefusal,
  isCommit,
  parseHubAddress,
  ReclmisError,
  resolveUrl,
  revisionUrl,
} from '@reclmis/core';
import type { Source } from './seams.js';
import { urlSource } from './url-source.js';

/** @throws OPTION_INVALID, HUB_MISSING, HUB_REFUSED, MODEL_MISSING if the hub cannot be reached; the signal's reason */
export async function hubSource(place: string, hub = HUB_URL, signal?: AbortSignal): Promise<Source> {
  const address = parseHubAddress(place);
  const commit = isCommit(address.revision) ? address.revision : await fetchCommit(hub, address, signal);
  return {
    ...urlSource(resolveUrl(hub, address, commit), signal),
    origin: { ...address, commit },
  };
}

async function fetchCommit(hub: string, address: HubAddress, signal?: AbortSignal): Promise<string> {
  const url = revisionUrl(hub, address);
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new ReclmisError('MODEL_MISSING', `${url}: cannot be reached`, { cause });
  });
  if (!response.ok) {
    await response.body?.cancel();
    const { status, headers } = response;
    const refusal = hubRefusal(status, headers.get('x-error-code'), address, url);
    throw refusal ?? new ReclmisError('MODEL_MISSING', `${url}: the hub answered ${status}`);
  }
  return commitOf(await response.json().catch(() => undefined), address, url);
}

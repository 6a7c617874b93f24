/** Where a model is: a folder of this machine, or an address of a hub, which is fetched into the cache first. */
import { type HubOrigin, isHubAddress, pinnedAddress } from '@reclmis/core';
import { fetchHubModel } from '@reclmis/files';
import type { Command } from 'commander';
import { FileProgress } from '../file-progress.js';
import { interruptSignal, releaseInterrupt } from '../interrupt.js';

export interface HubFlags {
  readonly hubUrl?: string;
  readonly offline?: boolean;
}

export interface ModelPlace {
  readonly folder: string;
  /** If it is from a hub. */
  readonly origin?: HubOrigin;
}

/** `--hub-url` and `--offline`, of commands whose models may be `hf:` addresses. */
export function withHubOptions(command: Command): Command {
  return command
    .option('--hub-url <url>', 'hub or mirror for hf: models (default: HF_ENDPOINT, else Hugging Face)')
    .option('--offline', 'take hf: models from the cache alone (as RECLMIS_OFFLINE=1)');
}

/** @throws as `fetchHubModel` */
export async function placeOf(
  model: string,
  { hubUrl, offline }: HubFlags,
  { quiet }: { readonly quiet: boolean },
): Promise<ModelPlace> {
  if (!isHubAddress(model)) return { folder: model };
  const progress = new FileProgress(quiet);
  try {
    const { folder, origin } = await fetchHubModel(model, {
      ...{ hubUrl, offline },
      signal: interruptSignal(),
      onProgress: ({ name }, done, total) => progress.update(name, done, total),
      onRetry: ({ name }, problem) => progress.say(`${name}: ${problem}; trying again`),
      onWait: ({ name }) => progress.say(`another process fetches ${name}; waiting for it`),
    });
    progress.stop();
    progress.say(`model: ${pinnedAddress(origin)}`);
    return { folder, origin };
  } finally {
    progress.stop();
    releaseInterrupt();
  }
}

/** One after the other. @throws as `fetchHubModel` */
export async function placesOf(
  models: readonly string[],
  flags: HubFlags,
  output: { readonly quiet: boolean },
): Promise<ModelPlace[]> {
  const places: ModelPlace[] = [];
  for (const model of models) places.push(await placeOf(model, flags, output));
  return places;
}

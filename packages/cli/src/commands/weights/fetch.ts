/** `reclmis weights fetch`: downloads published weights into the cache. */
import type { StoredWeights } from '@reclmis/lab';
import type { Command } from 'commander';
import { FileProgress } from '../../file-progress.js';
import { interruptSignal, releaseInterrupt } from '../../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { sayStored } from '../../tables/weights.js';

interface FetchFlags extends OutputOptions {
  readonly url?: string;
  readonly vocabularyUrl?: string;
  readonly sha256?: string;
  readonly vocabularySha256?: string;
  readonly force?: boolean;
}

export function registerFetch(weights: Command): void {
  const command = weights
    .command('fetch')
    .description(
      'download weights into the cache: resumable, verified by SHA-256, keeping only the text tower; ' +
        'RECLMIS_HOME sets the cache folder and RECLMIS_WEIGHTS_URL a mirror; HTTPS_PROXY and NO_PROXY are honoured',
    )
    .argument('<id>', 'clip-vit-b-32 (the paper’s), clip-vit-b-16 or clip-vit-l-14')
    .option('--url <url>', 'download the model from this address; the known SHA-256 still applies')
    .option('--vocabulary-url <url>', 'download the vocabulary from this address')
    .option('--sha256 <hex>', 'SHA-256 of the model, for a file of your own')
    .option('--vocabulary-sha256 <hex>', 'SHA-256 of the vocabulary, for a file of your own')
    .option('--force', 'replace weights of the same id');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights fetch clip-vit-b-32\n')
    .action(runFetch);
}

async function runFetch(id: string, flags: FetchFlags): Promise<void> {
  const { fetchWeights, findWeights, importWeights, refuseStored, weightsSource } =
    await import('@reclmis/lab');
  const output = new Output(flags);
  const source = weightsSource(id, flags);
  if (flags.force !== true && findWeights(id)?.manifest.source.sha256 === source.model.sha256) {
    sayStored(output, findWeights(id), 'is already in the cache');
    return;
  }
  await refuseStored(id, { force: flags.force });
  const progress = new FileProgress(output.quiet);
  const signal = interruptSignal();
  let stored: StoredWeights;
  try {
    stored = await fetchWeights(
      source,
      {
        signal,
        onProgress: (file, done, total) => progress.update(file.file, done, total),
        onRetry: (file, problem) => progress.say(`${file.file}: ${problem}; trying again`),
        onWait: () => progress.say(`another process fetches ${id}; waiting for it`),
      },
      ({ model, vocabulary }) => {
        progress.stop();
        releaseInterrupt(); // the rest is short, and may be ended at any moment
        const name = source.model.url.split('?')[0] ?? source.model.file; // what follows may be a signature
        return importWeights(model, { id, vocabulary, name, force: flags.force === true });
      },
    );
  } finally {
    progress.stop();
    releaseInterrupt();
  }
  sayStored(output, stored, 'was fetched');
}

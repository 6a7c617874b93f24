/** `reclmis weights verify`: whether cached files are still as they were written. */
import { ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';

export function registerVerify(weights: Command): void {
  const command = weights
    .command('verify')
    .description('rehash weight files and compare')
    .argument('[id]', 'e.g. clip-vit-b-32 (default: all)');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights verify clip-vit-b-32\n')
    .action(runVerify);
}

async function runVerify(id: string | undefined, flags: OutputOptions): Promise<void> {
  const { listWeights, verifyWeights } = await import('@reclmis/lab');
  const output = new Output(flags);
  const ids = id === undefined ? listWeights().map((entry) => entry.id) : [id];
  const results: { id: string; error: ReclmisError | null }[] = [];
  for (const each of ids) {
    const error = await verifyWeights(each).then(
      () => null,
      (thrown: unknown) => {
        if (thrown instanceof ReclmisError) return thrown;
        throw thrown;
      },
    );
    results.push({ id: each, error });
    if (error === null) output.say(`${each}: intact`);
    else if (id === undefined) output.say(`${each}: ${error.code}, ${error.message}`);
    else throw error;
  }
  output.result(results.map((result) => ({ id: result.id, intact: result.error === null })));
  if (results.length === 0) output.say('No weights in the cache.');
  const first = results.find(({ error }) => error !== null)?.error;
  if (first) throw first;
}

/** `reclmis weights list`: what the cache holds and what could be fetched. */
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { describeWeights } from '../../tables/weights.js';

export function registerList(weights: Command): void {
  const command = weights.command('list').description('list the weights in the cache');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights list --json\n')
    .action(runList);
}

async function runList(flags: OutputOptions): Promise<void> {
  const { KNOWN_WEIGHTS, listWeights, weightsFolder } = await import('@reclmis/lab');
  const { cacheHome } = await import('@reclmis/files');
  const output = new Output(flags);
  const folder = weightsFolder(cacheHome());
  const entries = listWeights();
  output.result({
    folder,
    weights: entries.map(({ id, dir, weights, error }) =>
      weights
        ? { dir, ...weights.manifest }
        : { id, dir, error: { code: error.code, message: error.message } },
    ),
  });
  if (entries.length > 0) output.say(describeWeights(entries));
  else output.say(`No weights in ${folder}.`);
  const absent = Object.keys(KNOWN_WEIGHTS).filter((id) => !entries.some((entry) => entry.id === id));
  if (absent.length > 0) output.say(`\nAvailable with \`reclmis weights fetch ID\`: ${absent.join(', ')}`);
}

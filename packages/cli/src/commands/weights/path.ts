/** `reclmis weights path`: where the cache keeps weights. */
import type { Command } from 'commander';
import { Output } from '../../output.js';

export function registerPath(weights: Command): void {
  weights
    .command('path')
    .description('print the folder of the weights with this id')
    .argument('<id>', 'e.g. clip-vit-b-32')
    .addHelpText('after', '\nExample:\n  $ reclmis weights path clip-vit-b-32\n')
    .action(runPath);
}

async function runPath(id: string): Promise<void> {
  const { requireWeights } = await import('@reclmis/lab');
  new Output({}).say(requireWeights(id).dir);
}

/**
 * `reclmis weights`: the cache of text-encoder weights, and the authors' checkpoints.
 *
 * To add a subcommand: a file in `weights/` and a line in `SUBCOMMANDS`.
 */
import type { Command } from 'commander';
import { registerExport } from './weights/export.js';
import { registerFetch } from './weights/fetch.js';
import { registerImport } from './weights/import.js';
import { registerList } from './weights/list.js';
import { registerPath } from './weights/path.js';
import { registerVerify } from './weights/verify.js';

const SUBCOMMANDS = [
  registerFetch,
  registerImport,
  registerList,
  registerPath,
  registerVerify,
  registerExport,
];

export function register(program: Command): void {
  const weights = program
    .command('weights')
    .description('fetch, import, list and verify text encoder weights')
    .addHelpText('after', '\nExample:\n  $ reclmis weights fetch clip-vit-b-32\n');
  for (const subcommand of SUBCOMMANDS) subcommand(weights);
}

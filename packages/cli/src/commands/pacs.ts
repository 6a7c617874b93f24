/**
 * `reclmis pacs`: series from and segmentations to a PACS over DICOMweb. With `weights fetch`, the only commands that go
 * out to the network.
 *
 * To add a subcommand: a file in `pacs/` and a line in `SUBCOMMANDS`.
 */
import type { Command } from 'commander';
import { registerFetch } from './pacs/fetch.js';
import { registerFind } from './pacs/find.js';
import { registerSegment } from './pacs/segment.js';
import { registerStore } from './pacs/store.js';

const SUBCOMMANDS = [registerFind, registerFetch, registerSegment, registerStore];

export function register(program: Command): void {
  const pacs = program
    .command('pacs')
    .description('find, fetch, segment and store series of a PACS over DICOMweb')
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis pacs find --url https://pacs.example/dicom-web --token-file token --modality DX\n',
    );
  for (const subcommand of SUBCOMMANDS) subcommand(pacs);
}

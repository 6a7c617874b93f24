/** `reclmis publish`: a hub's repository of a model: its card, manifest and networks. Uploads nothing. */
import { join } from 'node:path';
import { parseHubAddress, ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { openModel } from '../models/open.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { withScratch } from '../scratch.js';

interface PublishFlags extends OutputOptions {
  readonly out: string;
  readonly licence: string;
  readonly licenceLink?: string;
  readonly repository?: string;
}

export function register(program: Command): void {
  const command = program
    .command('publish')
    .description(
      'write the repository of a model for a hub: card, manifest and networks, read back and checked; uploads nothing',
    )
    .argument('<model>', 'folder written by `reclmis export`, or a run, which is exported first, in fp32')
    .requiredOption('-o, --out <dir>', 'folder to create')
    .requiredOption(
      '--licence <id>',
      'the model’s licence, as hubs abbreviate it: apache-2.0, cc-by-nc-4.0, ...; mind that of the training data',
    )
    .option('--licence-link <url>', 'where a licence that hubs do not list can be read')
    .option('--repository <name>', 'owner/name on the hub, for the card’s examples (default: owner/NAME)');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis publish models/qata -o hub/qata --licence cc-by-nc-4.0 --repository ward/qata\n' +
        '  $ hf upload ward/qata hub/qata\n',
    )
    .action(run);
}

async function run(model: string, flags: PublishFlags): Promise<void> {
  const output = new Output(flags);
  const { out, licence, licenceLink, repository } = flags;
  if (!/^[a-z0-9][a-z0-9.-]{0,63}$/.test(licence))
    throw new ReclmisError('OPTION_INVALID', `--licence: expected an identifier such as apache-2.0, got "${licence.slice(0, 80)}"`); // prettier-ignore
  if (licenceLink !== undefined && !/^https:\/\/[^\s"'<>]+$/.test(licenceLink))
    throw new ReclmisError('OPTION_INVALID', '--licence-link: expected an https: address');
  if (repository !== undefined) parseHubAddress(`hf:${repository}`);
  const { publishModel } = await import('../publish/publish.js');
  const { kind } = await openModel({ folder: model });
  await withScratch('reclmis-publish-', async (scratch) => {
    const folder = kind === 'run' ? await exportRun(model, join(scratch, 'model'), output) : model;
    const published = await publishModel(folder, out, {
      licence,
      ...(licenceLink === undefined ? {} : { licenceLink }),
      ...(repository === undefined ? {} : { repository }),
    });
    const { manifest, files } = published;
    const tests = manifest.scores.filter(({ split }) => split === 'test');
    output.result({ out, name: manifest.name, files, testScores: tests });
    if (tests.length === 0)
      output.notice(
        'the card has no scores: none on test cases are recorded (reclmis evaluate RUN, then export the run again)',
      );
    output.say(
      `${out}: ${files.length} files, checked; read README.md, then upload the folder (docs/guide/publish.md)`,
    );
  });
}

async function exportRun(run: string, out: string, output: Output): Promise<string> {
  const { exportModel } = await import('@reclmis/export');
  output.notice(`exporting ${run} ...`);
  await exportModel(run, { out, signal: interruptSignal() });
  return out;
}

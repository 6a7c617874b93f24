/**
 * `reclmis notes`: writes notes in LViT's grammar from masks, for data sets without text, and compares them
 * with existing ones; `notes read` shows how a note in free text is read,
 * `notes check` checks a vocabulary for it.
 */
import { defined, MIN_AREA, ReclmisError, type Sides, type ZoneLines } from '@reclmis/core';
import { checkNotesName, DERIVED } from '@reclmis/files';
import type { Split } from '@reclmis/data';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { describeAgreement } from '../tables/notes.js';
import { shareOption, zoneLinesOf } from '../zone-options.js';
import { registerCheck } from './notes/check.js';
import { registerRead } from './notes/read.js';

interface NotesFlags extends OutputOptions {
  readonly out?: string;
  readonly inPlace?: boolean;
  readonly compare?: boolean;
  readonly overwrite?: boolean;
  readonly split?: Split;
  readonly lungs?: string;
  readonly sides: Sides;
  readonly zoneLines?: ZoneLines;
  readonly minArea: number;
  readonly finding?: string;
}

export function register(program: Command): void {
  const command = program
    .enablePositionalOptions() // options after a subcommand are its own
    .command('notes')
    .description(
      'write notes on lung infections from masks, worded like LViT’s; beware that such notes give away the labels',
    )
    .argument('<dir>', 'a data set in LViT’s layout, or a folder of masks')
    .option('-o, --out <file>', 'file for all notes: .xlsx, .csv or .jsonl')
    .option('--in-place', 'write each split’s notes into the data set, where training looks for them')
    .option('--compare', 'report how often the notes equal the data set’s own; writes nothing by itself')
    .option('--overwrite', 'replace existing notes')
    .addOption(
      new Option('--split <name>', 'split of a data set (default: all that exist)').choices([
        'train',
        'val',
        'test',
      ]),
    )
    .option(
      '--lungs <dir>',
      'folder of lung masks, named like the images; zones are then thirds of each lung',
    )
    .addOption(
      new Option(
        '--sides <whose>',
        'whose left and right to write: the patient’s (left is on the image’s right), or the image’s, as in QaTa-COV19’s notes',
      )
        .choices(['patient', 'image'])
        .default('patient'),
    )
    .option(
      '--zone-lines <upper,lower>',
      'zone borders for images without lung masks, as fractions of the height (default: 0.333,0.5)',
      zoneLinesOf,
    )
    .option(
      '--min-area <share>',
      'smallest area that counts, as a fraction of the image',
      shareOption('--min-area'),
      MIN_AREA,
    )
    .option('--finding <words>', 'what the masks show (default: pulmonary infection)', findingOf);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis notes masks -o notes.xlsx\n' +
        '  $ reclmis notes data/mine --in-place --lungs data/mine-lungs\n' +
        '  $ reclmis notes data/QaTa-COV19 --compare --split train --sides image\n' +
        '  $ reclmis notes read "Opacity in the left lower lobe."\n',
    )
    .action(run);
  registerRead(command);
  registerCheck(command);
}

/** @throws OPTION_INVALID if it would break the sentence */
function findingOf(text: string): string {
  const words = text.trim();
  if (words !== '' && !/[\p{Cc},.]/u.test(words)) return words;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--finding: expected words without commas, full stops and line ends, got ${JSON.stringify(text)}`,
  );
}

async function run(dir: string, flags: NotesFlags): Promise<void> {
  const { out, inPlace = false, compare = false, split, overwrite = false } = flags;
  if (out === undefined && !inPlace && !compare) {
    throw new ReclmisError('OPTION_INVALID', 'expected --out FILE, --in-place or --compare', {
      remedy: 'Use --out notes.xlsx to write the notes to a file, or see `reclmis notes --help`.',
    });
  }
  if (out !== undefined) checkNotesName(out);
  const output = new Output(flags);
  const { writeDerivedNotes } = await import('@reclmis/data');
  let bar: Progress | null = null;
  const { notes, withoutArea, agreement, written } = await writeDerivedNotes(dir, {
    sides: flags.sides,
    minArea: flags.minArea,
    ...defined({ lines: flags.zoneLines, lungs: flags.lungs, finding: flags.finding }),
    ...{ inPlace, compare, overwrite, ...defined({ out, split }) },
    signal: interruptSignal(),
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'reading masks', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  output.result({ notes, withoutArea, source: DERIVED, written, agreement });
  if (agreement !== undefined) output.say(describeAgreement(agreement));
  for (const file of written) output.say(`${file}: notes ${DERIVED}`);
  if (written.length > 0) {
    output.say(
      `${notes} notes${withoutArea > 0 ? `, ${withoutArea} for masks without an area` : ''}. They are derived from the labels: a model that reads them is told part of the answer.`,
    );
  }
}

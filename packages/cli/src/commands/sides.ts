/** `reclmis sides`: shows, infers or states whose left and right a run's or exported model's notes mean. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeSides,
  formatManifest,
  MANIFEST_FILE,
  type ModelManifest,
  parseManifest,
  ReclmisError,
  STATED_SIDES,
  type StatedSides,
  type Vocabulary,
  whoseSides,
} from '@reclmis/core';
import { oneLine, writeFileAtomic, readRegular } from '@reclmis/files';
import type { DataSourceOptions } from '@reclmis/data';
import { type Command, Argument } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';

interface SidesCommandFlags extends OutputOptions {
  readonly data?: string;
}

interface Place {
  readonly kind: 'run' | 'model';
  readonly readsNotes: boolean;
  readonly sides: StatedSides;
  /** The figure it rests on, if known. */
  readonly reason: string | null;
  /** The training data; '' if unknown. */
  readonly data: string;
  /** As the run read them. */
  readonly reading?: DataSourceOptions;
  /** In whose words the notes are, if it is recorded. */
  readonly vocabulary?: Vocabulary | undefined;
  /** @returns notices */
  write(sides: StatedSides, reason: string | null): Promise<string[]>;
}

export function register(program: Command): void {
  const command = program
    .command('sides')
    .description('show whose left and right a run’s or exported model’s notes mean, or record it')
    .argument('<model>', 'folder written by `reclmis train` or `reclmis export`')
    .addArgument(
      new Argument(
        '[whose]',
        'what to record: the patient’s (left is on the image’s right), the image’s, unknown, or data: inferred from the masks of --data',
      ).choices([...STATED_SIDES, 'data']),
    )
    .option('--data <dir>', 'data set it was trained on (default: the run’s)');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis sides runs/qata\n  $ reclmis sides runs/qata data          # inferred from the masks of its training data\n' +
        '  $ reclmis sides models/qata image\n',
    )
    .action(run);
}

async function run(
  dir: string,
  whose: StatedSides | 'data' | undefined,
  flags: SidesCommandFlags,
): Promise<void> {
  const output = new Output(flags);
  const place = existsSync(join(dir, MANIFEST_FILE)) ? await openManifest(dir) : await openRunFolder(dir);
  if (!place.readsNotes) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `${dir}: expected a model that reads notes, but this one does not`,
      {
        remedy: 'Nothing needs to be recorded: its masks do not depend on notes.',
      },
    );
  }
  if (whose === undefined) {
    output.result({ dir, kind: place.kind, sides: place.sides, reason: place.reason, written: false });
    output.say(`${dir}: ${told(place.sides)}${place.reason === null ? '' : ` (${place.reason})`}`);
    if (place.sides === 'unknown')
      output.say(
        `Record it with \`reclmis sides ${dir} patient\` or \`image\`, or use \`data\` to infer it from the training data.`,
      );
    return;
  }
  const { sides, reason } =
    whose === 'data'
      ? await infer(flags.data ?? place.data, flags.data === undefined ? place.reading : {}, place.vocabulary)
      : { sides: whose, reason: null };
  const notices = await place.write(sides, reason);
  output.result({ dir, kind: place.kind, sides, reason, written: true });
  output.say(`${dir}: ${told(sides)}${reason === null ? '' : ` (${reason})`}; written`);
  for (const line of notices) output.notice(line);
}

const told = (sides: StatedSides): string =>
  sides === 'unknown'
    ? 'whose left and right its notes mean is not known'
    : `left and right of its notes are ${whoseSides(sides)}`;

/** @throws OPTION_INVALID if masks do not tell */
async function infer(
  data: string,
  reading: DataSourceOptions = {},
  vocabulary: Vocabulary | null = null,
): Promise<{ readonly sides: StatedSides; readonly reason: string }> {
  const { openDataset } = await import('@reclmis/data');
  const { measureSides } = await import('@reclmis/lab');
  if (data === '')
    throw new ReclmisError('OPTION_INVALID', 'data: the training data are not recorded; expected --data DIR');
  const { cases } = await openDataset(data, 'train', reading);
  const inferred = await measureSides(cases, undefined, vocabulary);
  if (inferred.sides !== 'unknown') return inferred;
  throw new ReclmisError('OPTION_INVALID', `${data}: ${describeSides(inferred)}`, {
    remedy: 'Record it as patient or image if you know it.',
  });
}

async function openRunFolder(dir: string): Promise<Place> {
  const { readAs } = await import('@reclmis/data');
  const { openRun, readsNotes, stateSides } = await import('@reclmis/lab');
  const { config, habits, info, sides } = openRun(dir);
  return {
    kind: 'run',
    readsNotes: readsNotes(config.model),
    sides,
    reason: info.note?.reason ?? null,
    data: config.data.dir,
    vocabulary: habits.vocabulary,
    reading: readAs(config.data),
    write: async (stated, reason) => {
      const notices: string[] = [];
      await stateSides(dir, stated, reason, (line) => notices.push(line));
      return notices;
    },
  };
}

async function openManifest(dir: string): Promise<Place> {
  const path = join(dir, MANIFEST_FILE);
  let json: unknown;
  try {
    json = JSON.parse((await readRegular(path)).toString('utf8'));
  } catch (cause) {
    throw new ReclmisError('MODEL_INVALID', `${path}: is not JSON (${oneLine(cause)})`, { cause });
  }
  const manifest = parseManifest(json, path);
  const { note } = manifest;
  return {
    kind: 'model',
    readsNotes: note !== null,
    sides: note?.sides ?? 'unknown',
    reason: null,
    data: '',
    vocabulary: note?.vocabulary,
    write: async (sides) => {
      if (!note) return [];
      const { underSides } = await import('@reclmis/lab');
      const { reference, ...training } = manifest.training;
      const none = (): Promise<never[]> => Promise.resolve([]); // models have no data
      const under = reference && (await underSides(reference, sides, note.sides, none));
      const stated: ModelManifest = {
        ...manifest,
        note: { ...note, sides },
        training: { ...training, ...(under ? { reference: under.reference } : {}) },
      };
      await writeFileAtomic(path, formatManifest(stated), { sync: true });
      return under?.notice == null ? [] : [under.notice];
    },
  };
}

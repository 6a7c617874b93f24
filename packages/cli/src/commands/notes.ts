/** `reclmis notes`: writes notes in LViT's grammar from masks, or compares them with existing ones. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { defined, MIN_AREA, ReclmisError, type Sides, type ZoneLines } from '@reclmis/core';
import { checkNotesName, DERIVED, writeNotes } from '@reclmis/files';
import type { DeriveNotesOptions, NoteAgreement, Split } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, percent, right } from '../table.js';
import { shareOption, zoneLinesOf } from '../zone-options.js';

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

/** Masks with notes in one file. */
interface Part {
  readonly split: Split | null;
  readonly paths: readonly string[];
}

export function register(program: Command): void {
  const command = program
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
        '  $ reclmis notes data/QaTa-COV19 --compare --split train --sides image\n',
    )
    .action(run);
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
  const { out, inPlace = false, compare = false } = flags;
  if (out === undefined && !inPlace && !compare) {
    throw new ReclmisError('OPTION_INVALID', 'expected --out FILE, --in-place or --compare', {
      remedy: 'Use --out notes.xlsx to write the notes to a file, or see `reclmis notes --help`.',
    });
  }
  if (out !== undefined) checkNotesName(out);
  const output = new Output(flags);
  const parts = await partsOf(dir, flags, inPlace || compare);
  const targets = await refuseTaken(dir, parts, flags);
  const total = parts.reduce((sum, { paths }) => sum + paths.length, 0);
  const bar = new Progress({ label: 'reading masks', total, quiet: output.quiet });
  const options: DeriveNotesOptions = {
    sides: flags.sides,
    minArea: flags.minArea,
    ...defined({ lines: flags.zoneLines, lungs: flags.lungs, finding: flags.finding }),
    signal: interruptSignal(),
  };
  const { deriveNotes } = await import('@reclmis/lab');
  const derived: { readonly split: Split | null; readonly rows: Row[] }[] = [];
  let done = 0;
  for (const { split, paths } of parts) {
    const notes = await deriveNotes(paths, { ...options, onProgress: (count) => bar.update(done + count) });
    done += paths.length;
    derived.push({ split, rows: notes.map((row) => ({ ...row, source: DERIVED })) });
  }
  bar.stop();

  const agreement = compare ? await compareAll(dir, derived, flags) : undefined;
  const written: string[] = [];
  if (inPlace) {
    for (const { split, rows } of derived) {
      const target = targets.get(split);
      if (target === undefined) continue;
      await writeNotes(target, rows);
      written.push(target);
    }
  }
  if (out !== undefined) {
    await writeNotes(
      out,
      derived.flatMap(({ rows }) => rows),
    );
    written.push(out);
  }
  const empty = derived.flatMap(({ rows }) => rows).filter(({ note }) => /^No /.test(note)).length;
  output.result({ notes: total, withoutArea: empty, source: DERIVED, written, agreement });
  if (agreement !== undefined) output.say(describeAgreement(agreement));
  for (const file of written) output.say(`${file}: notes ${DERIVED}`);
  if (written.length > 0) {
    output.say(
      `${total} notes${empty > 0 ? `, ${empty} for masks without an area` : ''}. They are derived from the labels: a model that reads them is told part of the answer.`,
    );
  }
}

interface Row {
  readonly image: string;
  readonly note: string;
  readonly source: string;
}

/** Splits of a data set, or a whole folder of masks. @throws OPTION_INVALID if a data set is needed */
async function partsOf(dir: string, { split }: NotesFlags, needsDataset: boolean): Promise<Part[]> {
  const { FOLDERS, maskPaths, presentSplits } = await import('@reclmis/lab');
  const isDataset = Object.values(FOLDERS).some((name) => existsSync(`${dir}/${name}`));
  if (!isDataset && (needsDataset || split !== undefined)) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `${dir}: --in-place, --compare and --split need a data set with Train_Folder, Val_Folder or Test_Folder`,
    );
  }
  if (!isDataset) return [{ split: null, paths: await maskPaths(dir) }];
  const splits = split === undefined ? await presentSplits(dir) : [split];
  const parts: Part[] = [];
  for (const one of splits) parts.push({ split: one, paths: await maskPaths(dir, one) });
  return parts;
}

/**
 * Where each split's notes go. @throws OUTPUT_EXISTS if notes exist and may not be replaced, or two masks
 * share a name
 */
async function refuseTaken(
  dir: string,
  parts: readonly Part[],
  { out, inPlace, overwrite }: NotesFlags,
): Promise<Map<Split | null, string>> {
  const remedy = 'Add --overwrite to replace them, or use --out FILE to write elsewhere.';
  const targets = new Map<Split | null, string>();
  if (inPlace === true) {
    const { notesOfSplit } = await import('@reclmis/lab');
    for (const { split } of parts) {
      if (split === null) continue;
      const { own, present } = await notesOfSplit(dir, split);
      if (present !== null && overwrite !== true) {
        throw new ReclmisError('OUTPUT_EXISTS', `${present}: the ${split} split already has notes`, {
          remedy,
        });
      }
      targets.set(split, own);
    }
  }
  if (out === undefined) return targets;
  if (existsSync(out) && overwrite !== true) {
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: already exists`, { remedy });
  }
  const names = parts.flatMap(({ paths }) => paths.map((path) => basename(path)));
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return targets;
  throw new ReclmisError('OUTPUT_EXISTS', `${out}: two splits contain a mask named ${twice}`, {
    remedy: 'Write one split at a time with --split, or write into the data set with --in-place.',
  });
}

async function compareAll(
  dir: string,
  derived: readonly { readonly split: Split | null; readonly rows: readonly Row[] }[],
  { sides }: NotesFlags,
): Promise<{ readonly split: Split; readonly sides: Sides; readonly counts: NoteAgreement }[]> {
  const { agreementOf, openDataset } = await import('@reclmis/lab');
  const found: { split: Split; sides: Sides; counts: NoteAgreement }[] = [];
  for (const { split, rows } of derived) {
    if (split === null) continue;
    const { cases } = await openDataset(dir, split);
    const notes = new Map(rows.map(({ image, note }) => [image, note]));
    const pairs = cases.map(({ maskPath, note }) => [notes.get(basename(maskPath)) ?? '', note] as const);
    found.push({ split, sides, counts: agreementOf(pairs) });
  }
  return found;
}

/** Shares in percent. */
function describeAgreement(
  found: readonly { readonly split: Split; readonly counts: NoteAgreement }[],
): string {
  return [
    'Derived notes that agree with the existing ones, % of cases (single zones: % of six times the cases)\n',
    formatTable(
      [
        { title: 'split' },
        ...['cases', 'laterality', 'sides', 'count', 'zones', 'single zones', 'sentence'].map(right),
      ],
      found.map(({ split, counts: { cases, laterality, sides, count, zones, singleZones, sentence } }) => [
        split,
        String(cases),
        ...[laterality, sides, count, zones, singleZones / 6, sentence].map((n) => percent(n / cases)),
      ]),
    ),
  ].join('\n');
}

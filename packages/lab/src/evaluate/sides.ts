/** Converts notes to the left and right that a run has learnt. */
import { resolve } from 'node:path';
import {
  noteForModel,
  type NoteForModel,
  type NoteStyle,
  type Sides,
  sidesWarnings,
  type StatedSides,
  type Warning,
  WarningCounts,
  warningLines,
  whoseSides,
} from '@reclmis/core';
import { measureSides, statedByAll } from '../data/sides.js';
import type { Dataset } from '@reclmis/data';
import type { Run } from '../run/run.js';

const ENOUGH = 400;

export interface NoteSides {
  /** In the data's notes. */
  readonly notes: StatedSides;
  readonly learnt: StatedSides;
  /** Left and right were exchanged for the run. */
  readonly mirrored: boolean;
}

export interface SidedDataset {
  readonly dataset: Dataset;
  readonly sides: NoteSides;
  /** For the user. */
  readonly lines: readonly string[];
}

/**
 * @param asked whose the notes mean; default: for its own data the run's, else as the masks lie
 * @param style how the run is given the notes: those that are swapped are already in it
 */
export async function inSidesOfRun(
  { config, sides: learnt, habits }: Pick<Run, 'config' | 'sides' | 'habits'>,
  dataset: Dataset,
  asked?: Sides,
  style: NoteStyle = 'as-is',
): Promise<SidedDataset> {
  const found = asked === undefined ? await sidesOfData({ config, sides: learnt, habits }, dataset) : null;
  const notes = asked ?? found?.notes ?? 'unknown';
  const given = notes === 'unknown' ? undefined : notes;
  const read = dataset.cases.map(({ note }) => noteForModel(note, habits, { sides: given, style }));
  const changed = read.filter(({ mirrored }) => mirrored).length;
  const lines = [...(found?.lines ?? [])];
  if (changed > 0)
    lines.push(
      `Left and right were swapped in ${changed} of ${read.length} notes, which mean ${whoseSides(notes)} sides; the run has learnt ${whoseSides(learnt)} (use --sides ${learnt} to leave them as they are).`,
    );
  const counts = new WarningCounts();
  for (const [i, { id }] of dataset.cases.entries())
    counts.add(id, (read[i]?.warnings ?? []).filter(isAboutSides));
  // A run that does not state its sides gets its own data unchanged.
  if (asked !== undefined || learnt !== 'unknown')
    lines.push(...warningLines(counts.byCode, read.length, 'note'));
  return {
    dataset: changed === 0 ? dataset : exchanged(dataset, read),
    sides: { notes, learnt, mirrored: changed > 0 },
    lines,
  };
}

const isAboutSides = ({ code }: Warning): boolean => code.startsWith('SIDES_');

/** Only notes that were swapped: others stay as their data set has them. */
function exchanged(dataset: Dataset, read: readonly Pick<NoteForModel, 'mirrored' | 'text'>[]): Dataset {
  return {
    ...dataset,
    cases: dataset.cases.map((one, i) => ({ ...one, note: read[i]?.mirrored ? read[i].text : one.note })),
  };
}

/** The data's sides, if nobody says. */
async function sidesOfData(
  { config, sides: learnt, habits }: Pick<Run, 'config' | 'sides' | 'habits'>,
  dataset: Dataset,
): Promise<{ readonly notes: StatedSides; readonly lines: readonly string[] }> {
  if (learnt === 'unknown') return { notes: 'unknown', lines: [] };
  const ownDir = config.data.dir;
  if (ownDir !== '' && resolve(ownDir) === resolve(dataset.dir)) return { notes: learnt, lines: [] };
  const stated = statedByAll(dataset.cases);
  if (stated !== null) return { notes: stated, lines: [] };
  const inferred = await measureSides(dataset.cases, ENOUGH, habits.vocabulary);
  const lines = sidesWarnings(inferred).map(({ code, message }) => `${code}: ${message}`);
  if (inferred.sides === 'unknown') {
    if (inferred.tally.patient + inferred.tally.image > 0)
      lines.push(
        `Whose left and right the notes mean cannot be told (${inferred.reason}): they are read as ${whoseSides(learnt)}, which the run has learnt (--sides states it).`,
      );
    return { notes: learnt, lines };
  }
  if (inferred.sides !== learnt) lines.push(`Left and right of the notes: ${inferred.reason}.`);
  return { notes: inferred.sides, lines };
}

/** Converts notes to the left and right that a run has learnt. */
import { resolve } from 'node:path';
import {
  inSidesOf,
  type Sides,
  sidesWarnings,
  type StatedSides,
  WarningCounts,
  warningLines,
  whoseSides,
} from '@reclmis/core';
import { measureSides, statedByAll } from '../data/sides.js';
import type { Dataset } from '../data/types.js';
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

/** @param asked whose the notes mean; default: for its own data the run's, else as the masks lie */
export async function inSidesOfRun(
  { config, sides: learnt }: Pick<Run, 'config' | 'sides'>,
  dataset: Dataset,
  asked?: Sides,
): Promise<SidedDataset> {
  const found = asked === undefined ? await sidesOfData(config.data.dir, learnt, dataset) : null;
  const notes = asked ?? found?.notes ?? 'unknown';
  const given = notes === 'unknown' ? undefined : notes;
  const read = dataset.cases.map(({ note }) => inSidesOf(note, learnt, given));
  const changed = read.filter(({ mirrored }) => mirrored).length;
  const lines = [...(found?.lines ?? [])];
  if (changed > 0)
    lines.push(
      `Left and right were swapped in ${changed} of ${read.length} notes, which mean ${whoseSides(notes)} sides; the run has learnt ${whoseSides(learnt)} (use --sides ${learnt} to leave them as they are).`,
    );
  const counts = new WarningCounts();
  for (const [i, { id }] of dataset.cases.entries()) counts.add(id, read[i]?.warnings ?? []);
  // A run that does not state its sides gets its own data unchanged.
  if (asked !== undefined || learnt !== 'unknown')
    lines.push(...warningLines(counts.byCode, read.length, 'note'));
  return {
    dataset: changed === 0 ? dataset : exchanged(dataset, read),
    sides: { notes, learnt, mirrored: changed > 0 },
    lines,
  };
}

function exchanged(dataset: Dataset, read: readonly { readonly text: string }[]): Dataset {
  return {
    ...dataset,
    cases: dataset.cases.map((one, i) => ({ ...one, note: read[i]?.text ?? one.note })),
  };
}

/** The data's sides, if nobody says. */
async function sidesOfData(
  ownDir: string,
  learnt: StatedSides,
  dataset: Dataset,
): Promise<{ readonly notes: StatedSides; readonly lines: readonly string[] }> {
  if (learnt === 'unknown') return { notes: 'unknown', lines: [] };
  if (ownDir !== '' && resolve(ownDir) === resolve(dataset.dir)) return { notes: learnt, lines: [] };
  const stated = statedByAll(dataset.cases);
  if (stated !== null) return { notes: stated, lines: [] };
  const inferred = await measureSides(dataset.cases, ENOUGH);
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

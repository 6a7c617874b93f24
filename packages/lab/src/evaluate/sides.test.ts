import type { NoteHabits, Sides } from '@reclmis/core';
import { SHIPS } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../config/config-schema.js';
import type { Dataset } from '@reclmis/data';
import { inSidesOfRun } from './sides.js';

const LVIT: NoteHabits = { sides: 'image', grammar: 'lvit' };

const datasetOf = (notes: readonly string[]): Dataset => ({
  name: 'elsewhere',
  dir: 'elsewhere',
  split: 'test',
  cases: notes.map((note, i) => ({ id: `${i}`, imagePath: '', maskPath: '', note })),
  fingerprint: '',
});

async function given(
  notes: readonly string[],
  habits: NoteHabits,
  sides: Sides,
  style?: 'free' | 'as-is',
): Promise<{ readonly notes: string[]; readonly lines: readonly string[] }> {
  const run = { config: configSchema.parse({}), sides: habits.sides, habits };
  const { dataset, lines } = await inSidesOfRun(run, datasetOf(notes), sides, style);
  return { notes: dataset.cases.map(({ note }) => note), lines };
}

describe('inSidesOfRun', () => {
  const notes = ['Upper left lung.', 'Opacity, llz', 'Infiltrat links', 'both bases'];

  it('swaps the sides of words, and warns of those that stay', async () => {
    const read = await given(notes, LVIT, 'patient');
    expect(read.notes).toEqual(['Upper right lung.', ...notes.slice(1)]);
    expect(read.lines).toEqual([
      expect.stringContaining('swapped in 1 of 4 notes') as string,
      expect.stringMatching(/SIDES_NOT_MIRRORED.*2 of 4|2 of 4.*SIDES_NOT_MIRRORED/) as string,
    ]);
  });

  it('swaps all that is put into the run’s words', async () => {
    const read = await given(notes, LVIT, 'patient', 'free');
    expect(read.notes).toEqual([
      'Upper right lung.',
      'Unilateral pulmonary infection, lower right lung.',
      'Unilateral pulmonary infection, right lung.',
      'Bilateral pulmonary infection, lower right lung and lower left lung.',
    ]);
    expect(read.lines).toHaveLength(1);
  });

  it('knows the words of the run’s vocabulary', async () => {
    const habits: NoteHabits = { sides: 'image', grammar: 'vocabulary', vocabulary: SHIPS };
    const read = await given(['Hole, port.', 'a hole at port'], habits, 'patient');
    expect(read.notes).toEqual(['Hole, starboard.', 'a hole at port']);
    expect(read.lines.join()).toContain('SIDES_NOT_MIRRORED');
  });

  it('leaves notes of the run’s own sides alone', async () => {
    expect(await given(notes, LVIT, 'image', 'free')).toEqual({ notes, lines: [] });
  });
});

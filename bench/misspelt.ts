/**
 * Measures what typing errors in notes cost a run: Dice, empty masks, and invariance, the mean Dice between the mask
 * of the misspelt note and that of the note itself.
 *
 *     npm run bench:misspelt -- --run DIR [--seed 1] [--threads N] [--json]
 *
 * On the run's test cases. Their notes are misspelt by `rewordNote` (one to three words, the first letter right), or
 * get slips anywhere (core's `testing/misspell.ts`) in one word, in three, and in all of three letters or more. Drawn
 * by seed and case, so every run reads the same notes.
 */
import { parseArgs } from 'node:util';
import { type Mask, Random, rewordNote, score, wordsOf } from '@reclmis/core';
import { misspelt } from '@reclmis/core/testing';
import { openDataset } from '@reclmis/data';
import { evaluateRun, openRun } from '@reclmis/lab';

const { values } = parseArgs({
  options: {
    run: { type: 'string' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const dir = values.run;
if (dir === undefined) throw new Error('expected --run DIR');
const { cases } = await openDataset(openRun(dir).config.data.dir, 'test');
const known = new Set(cases.flatMap(({ note }) => wordsOf(note)));

/** `reworded`, or the number of words with slips. */
type Slips = 'reworded' | number | 'all';

interface Measured {
  readonly slips: string;
  /** Mean, percent. */
  readonly dice: number;
  /** Number of masks left empty. */
  readonly empty: number;
  /** 0 to 1. */
  readonly invariance: number;
}

/** By case. */
type Masks = Map<string, Mask>;

function typed(note: string, slips: Slips, random: Random): string {
  if (slips !== 'reworded') return misspelt(note, slips, random, known);
  return rewordNote(note, { kind: 'misspelt', set: 'test' }, random) ?? note;
}

async function measure(run: string, slips: Slips, right?: Masks): Promise<[Measured, Masks]> {
  const masks: Masks = new Map();
  const { summary } = await evaluateRun(run, {
    split: 'test',
    threads: Number(values.threads),
    noteTransform: (note, id) => typed(note, slips, Random.from('misspelt', values.seed, id)),
    onCase: ({ score: { id }, prediction }) => masks.set(id, prediction),
  });
  const like = [...masks].map(([id, mask]) => score(mask, right?.get(id) ?? mask).dice);
  const measured = {
    slips: String(slips),
    dice: 100 * summary.mean.dice,
    empty: [...masks.values()].filter(({ data }) => !data.includes(1)).length,
    invariance: like.reduce((sum, one) => sum + one, 0) / like.length,
  };
  return [measured, masks];
}

const [asWritten, right] = await measure(dir, 0);
const rows = [asWritten];
for (const slips of ['reworded', 1, 3, 'all'] as const) rows.push((await measure(dir, slips, right))[0]);
if (values.json) console.log(JSON.stringify({ run: dir, cases: cases.length, rows }, null, 2));
else
  for (const { slips, dice, empty, invariance } of rows)
    console.log(
      `${slips.padStart(8)} words misspelt: Dice ${dice.toFixed(1)} %, ${empty} of ${cases.length} masks empty, invariance ${invariance.toFixed(3)}`,
    );

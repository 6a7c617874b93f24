import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageFrame, type Mask, namedZones, parseNote, zoneMap } from '@reclmis/core';
import { writePngMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluatedModel, evaluateRun } from '../evaluate.js';
import { noteWording } from '../note-wording.js';
import { NOTE_CHANGES, NOTE_REWORDINGS, noteVariant, type NoteVariant } from '../note-variants.js';
import type { Segmenter } from '../../engine/segmenter.js';
import { makeTinyRun } from '../../testing/tiny-run.js';
import { figuresOf, type Given, measureNote, type NoteMeasures } from './measure.js';
import { coverageOf, type NoteProbes, probeNotes, type ProbeOptions, runVariants } from './probes.js';
import { probeText, probesSection, verdictOf } from './section.js';
import { drawProbeSheet } from './sheet.js';

const S = 12;
const map = zoneMap(imageFrame(S, S, [1 / 3, 2 / 3]), 'patient');
const UPPER_LEFT = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const LOWER_RIGHT = 'Unilateral pulmonary infection, one infected area, lower right lung.';
const cases = [
  { id: 'a', note: UPPER_LEFT },
  { id: 'b', note: LOWER_RIGHT },
];
type Transforms = ReadonlyMap<NoteVariant, (note: string, id: string) => string>;
const transformsOf = (kinds: readonly NoteVariant[]): Transforms =>
  new Map(kinds.map((variant) => [variant, noteVariant(variant, cases, 1)]));
const transforms = transformsOf(NOTE_CHANGES);

interface Asked extends Pick<Segmenter, 'size' | 'open'> {
  /** Times that it saw the images. */
  seen: number;
  /** Notes that it was asked. */
  asked: number;
}

/** @param answer to notes about the images of these numbers */
function model(answer: (notes: readonly string[], of: readonly number[]) => Float32Array): Asked {
  return {
    size: S,
    seen: 0,
    asked: 0,
    open(images) {
      const count = images.length / (3 * S * S);
      this.seen++;
      return {
        probabilities: (notes, of = notes.map((_, i) => i)) => {
          expect(of).toHaveLength(notes.length);
          expect(of.every((b) => b < count)).toBe(true);
          this.asked += notes.length;
          return answer(notes, of);
        },
        dispose: () => undefined,
        [Symbol.dispose]: () => undefined,
      };
    },
  };
}

/** A model that listens: fills the zones that the note names. */
const obedient = (): Asked =>
  model((notes) =>
    Float32Array.from(
      notes.flatMap((note) => [...map].map((bits) => (bits & (namedZones(parseNote(note)) ?? 0) ? 1 : 0))),
    ),
  );

const batch = {
  ids: cases.map(({ id }) => id),
  notes: cases.map(({ note }) => note),
  images: new Float32Array(2 * 3 * S * S),
};

describe('runVariants', () => {
  it('asks the notes that a probe changes, and those alone, about images seen once', () => {
    const listening = obedient();
    const given = runVariants(listening, batch, transforms);
    expect([...given.keys()]).toEqual(NOTE_CHANGES);
    expect(given.get('right')?.map(({ changed }) => changed)).toEqual([false, false]);
    expect([listening.seen, listening.asked]).toEqual([1, 2 * 6]); // right notes once, five probes of two cases each
    const still = obedient();
    const numberless = { ...batch, notes: ['upper left lung', 'upper left lung'] };
    runVariants(still, numberless, transformsOf(['recounted']));
    expect(still.asked).toBe(2);
    expect(given.get('mirrored')?.[0]?.mask.data.reduce((sum, v) => sum + v, 0)).toBe((S * S) / 6);
  });

  it('refuses probabilities that are no numbers', () => {
    const broken = model(() => new Float32Array(2 * S * S).fill(Number.NaN));
    expect(() => runVariants(broken, batch, transforms)).toThrow(/are NaN/);
  });
});

describe('rewordings', () => {
  const kinds = ['right', 'mirrored', ...NOTE_REWORDINGS] as const;
  const measured = (given: ReadonlyMap<NoteVariant, readonly Given[]>) =>
    new Map(
      [...given].map(([variant, all]): [NoteVariant, NoteMeasures] => {
        const right = given.get('right')![0]!;
        return [variant, measureNote(variant, all[0]!, right, right.mask, map, 'patient')];
      }),
    );

  it('leave the masks of a model that is given its own words, and move with swapped sides', () => {
    const listening = obedient();
    const { of } = noteWording('free', [{ sides: 'patient', grammar: 'lvit' }]);
    const given = runVariants(listening, batch, transformsOf(kinds), { worded: of });
    const found = measured(given);
    for (const kind of NOTE_REWORDINGS) {
      expect(given.get(kind)?.map(({ changed }) => changed)).toEqual([true, true]);
      const swapped = kind === 'exchanged';
      expect(found.get(kind), kind).toMatchObject({
        same: swapped ? 0 : 1,
        moved: swapped ? 1 : null,
        inside: 1, // in the zones that the note means, though only the reader knows
        expected: swapped ? 1 : null,
        empty: 0,
      });
    }
    expect(found.get('mirrored')).toMatchObject({ same: 0, moved: 1 });
    // Notes put into the model's words are not run again: the right notes, and twice those of swapped sides.
    expect(listening.asked).toBe(2 * 3);
  });

  it('show a model that knows the words of its grammar alone', () => {
    const listening = obedient();
    const found = measured(runVariants(listening, batch, transformsOf(kinds)));
    expect(found.get('reordered')).toMatchObject({ same: 1, empty: 0 });
    expect(found.get('translated')).toMatchObject({ dice: 0, same: 0, empty: 1, inside: null, reached: 0 });
    expect(listening.asked).toBe(2 * kinds.length);
  });
});

describe('measureNote', () => {
  const masks = runVariants(obedient(), batch, transforms);
  const at = (variant: NoteVariant): Given => masks.get(variant)![0]!;
  const truth = at('right').mask;
  const measured = (variant: NoteVariant, given = at(variant)): NoteMeasures =>
    measureNote(variant, given, at('right'), truth, map, 'patient');

  it('has a model that listens go along with every note', () => {
    expect(measured('right')).toEqual({
      dice: 1,
      change: null,
      changeWhereChanged: null,
      inside: 1,
      reached: 1,
      moved: null,
      same: null,
      expected: null,
      empty: 0,
    });
    for (const variant of ['mirrored', 'flipped'] as const) {
      const expected = {
        dice: 0,
        change: -1,
        changeWhereChanged: -1,
        inside: 1,
        reached: 1,
        moved: 1,
        same: 0,
        expected: 1,
        empty: 0,
      };
      expect(measured(variant)).toEqual(expected);
    }
    expect(measured('shuffled')).toMatchObject({ dice: 0, moved: 1, same: 0, expected: null });
    expect(measured('recounted')).toMatchObject({ dice: 1, change: 0, inside: 1, moved: null, same: 1 });
    expect(measured('empty')).toMatchObject({
      dice: 0,
      inside: null,
      reached: null,
      moved: null,
      same: 0,
      empty: 1,
    });
  });

  it('shows a model that does not listen: the mask stays, outside the named zones', () => {
    const deaf = { ...at('mirrored'), mask: truth };
    expect(measured('mirrored', deaf)).toEqual({
      dice: 1,
      change: 0,
      changeWhereChanged: 0,
      inside: 0,
      reached: 0,
      moved: 0,
      same: 1,
      expected: 0,
      empty: 0,
    });
  });

  it('exchanges the named zones where notes mean the image’s sides', () => {
    expect(measureNote('right', at('right'), at('right'), truth, map, 'image').inside).toBe(0);
  });

  it('is not applicable where a note names no place', () => {
    const placeless = { ...at('mirrored'), named: null };
    expect(
      measureNote('mirrored', placeless, { ...at('right'), named: null }, truth, map, 'patient'),
    ).toMatchObject({
      dice: 0,
      inside: null,
      reached: null,
      moved: null,
    });
  });
});

describe('figuresOf', () => {
  const none: NoteMeasures = {
    dice: null,
    change: null,
    changeWhereChanged: null,
    inside: null,
    reached: null,
    moved: null,
    same: null,
    expected: null,
    empty: null,
  };

  it('averages over the cases to which a measure applies, and has none where there is no such case', () => {
    const rows = [0.2, 0.4, 0.9].map((dice, i) => ({ ...none, dice, inside: i === 1 ? 0.5 : null }));
    const [figures] = figuresOf([rows], ['p', 'q', 'r'], { seed: 1 });
    expect(figures?.dice?.value).toBeCloseTo(0.5, 12);
    expect(figures?.dice?.cases).toBe(3);
    expect(figures?.dice?.low).toBeGreaterThanOrEqual(0.2);
    expect(figures?.dice?.high).toBeLessThanOrEqual(0.9);
    expect(figures?.inside).toMatchObject({ value: 0.5, cases: 1, low: 0.5, high: 0.5 });
    expect(figures?.moved).toBe(null);
    expect(probeText(figures?.moved ?? null)).toBe('not applicable');
    expect(probeText({ value: -0.0001, low: -0.002, high: 0.001, cases: 1 })).toBe('0.0 (-0.2 to 0.1)');
  });

  it('draws patients: of one alone the interval is the figure', () => {
    const rows = [0.1, 0.9].map((dice) => ({ ...none, dice }));
    const [figures] = figuresOf([rows], ['p', 'p']);
    expect([figures?.dice?.low, figures?.dice?.high]).toEqual([0.5, 0.5]);
  });
});

it('coverageOf counts what names zones and what the grammar does not know', () => {
  expect(
    coverageOf([
      { note: UPPER_LEFT },
      { note: 'The nuclei are evenly distributed.' },
      { note: 'left lung; No effusion.' },
      { note: 'no effusion' },
      { note: 'Opacity, llz' },
    ]),
  ).toEqual({
    cases: 5,
    namingZones: 3,
    withRemainder: 3,
    remainders: [
      { text: 'no effusion', cases: 2 },
      { text: 'llz', cases: 1 },
      { text: 'opacity', cases: 1 },
    ],
  });
});

describe('probeNotes of a trained model', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-probes-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let run = '';
  beforeAll(async () => {
    run = await makeTinyRun(root);
  });

  const probe = async (
    options: ProbeOptions = {},
    dataDir = join(root, 'data'),
  ): Promise<{ probes: NoteProbes; dice: number; html: string }> => {
    let found: { probes: NoteProbes; html: string } | null = null;
    const { summary } = await evaluateRun(run, {
      dataDir,
      afterwards: async (at) => {
        const probes = await probeNotes(at, options);
        const sheet = await drawProbeSheet(at, probes, at.dataset.cases[0]!.id);
        expect([sheet.width, sheet.data.length]).toEqual([986, sheet.width * sheet.height * 3]);
        found = { probes, html: probesSection(probes, null).html.toString() };
      },
    });
    return { ...found!, dice: summary.mean.dice };
  };

  it('end well for a single case, whose note no other can replace', async () => {
    const stems = join(root, 'one.txt');
    const [first = ''] = readdirSync(join(root, 'data', 'Test_Folder', 'img')).sort();
    writeFileSync(stems, `${first.replace(/\.png$/, '')}\n`);
    const found: NoteProbes[] = [];
    const afterwards = async (at: EvaluatedModel): Promise<void> => void found.push(await probeNotes(at));
    await evaluateRun(run, { dataDir: join(root, 'data'), stems, afterwards });
    const [probed] = found;
    expect(probed).toMatchObject({ cases: 1, patients: 1 });
    expect(probed?.probes.find(({ notes }) => notes === 'shuffled')?.changed).toBe(0);
    expect(verdictOf(probed!)).toContain('No case received a different note');
  });

  it('repeats the evaluation’s Dice, tells whose sides the notes mean, and reports', async () => {
    const { probes, dice, html } = await probe();
    expect(probes.probes.map(({ notes, changed }) => [notes, changed])).toEqual([
      ['right', 0],
      ['empty', 4],
      ['shuffled', expect.any(Number)],
      ['mirrored', 4],
      ['flipped', 4],
      ['recounted', 4],
    ]);
    expect(probes.probes[0]?.dice?.value).toBeCloseTo(dice, 12);
    expect(probes.zones).toMatchObject({ from: 'image', sides: 'patient', sidesBy: 'chosen' });
    expect(probes.zones.truthInside?.image).toBe(0); // the squares lie in the half that the note names
    expect(probes.notes).toMatchObject({ cases: 4, namingZones: 4, withRemainder: 0 });
    expect(html).toContain('95 % intervals');
    const share = { value: 0.5, low: 0.4, high: 0.6, cases: 4 };
    const [right, ...others] = probes.probes;
    const said = (inside: typeof share | null, change: number): string =>
      verdictOf({
        ...probes,
        truth: { inside: share, reached: share },
        probes: [
          { ...right!, dice: share, inside },
          ...others.map((one) => ({
            ...one,
            dice: share,
            change: { ...share, value: change, low: change, high: change + 0.1 },
          })),
        ],
      });
    expect(said(share, -0.3)).toBe(
      'Another case’s note costs 30.0 points of Dice. Under the correct notes, 50.0 % of the predicted masks lie in the zones that the notes name; of the true masks, 50.0 %.',
    );
    expect(said(null, -0.05)).toMatch(
      /^Another case’s note makes no measurable difference .* All masks under the correct notes are empty/,
    );
  });

  it('gives notes in other words, and says how far masks stay the same', async () => {
    const kinds = ['mirrored', ...NOTE_REWORDINGS] as const;
    const { probes, html } = await probe({ kinds });
    expect(probes.probes.map(({ notes }) => notes)).toEqual(['right', ...kinds]);
    for (const { notes, changed, same, empty, dice } of probes.probes) {
      expect(changed, notes).toBe(notes === 'right' ? 0 : 4);
      expect(dice?.cases).toBe(4);
      expect(empty?.cases).toBe(4);
      expect(same?.cases, notes).toBe(notes === 'right' ? undefined : 4);
    }
    expect(verdictOf(probes)).toMatch(
      /In other words, the mask changes most when the note is .+: invariance [\d.]+ %, [\d.]+ % of the masks empty\.$/,
    );
    expect(html).toContain('The same finding in other words');
    expect(html).toContain('Paraphrased, sides swapped');
    expect((await probe()).html).not.toContain('in other words');
  });

  it('says "not applicable" of notes without a place, reads lungs, and marks derived notes', async () => {
    const data = join(root, 'placeless');
    cpSync(join(root, 'data'), data, { recursive: true });
    const lungs = join(root, 'lungs');
    const rows = Array.from({ length: 4 }, (_, i) => `test-00${i}.png`);
    for (const name of rows) {
      const whole: Mask = { width: 8, height: 8, data: new Uint8Array(64).fill(1) };
      await writePngMask(join(lungs, name), whole);
    }
    const table = rows.map((name) => `${name},The nuclei are evenly distributed.,derived from masks`);
    await writeFile(
      join(data, 'Test_Folder', 'Test_text.csv'),
      `Image,Description,Source\n${table.join('\n')}\n`,
    );
    const { probes, html } = await probe({ lungs, sides: 'image' }, data);
    expect(probes.zones).toMatchObject({
      from: 'lungs',
      lines: null,
      lungs,
      sides: 'image',
      sidesBy: 'given',
      truthInside: null,
    });
    expect(probes.truth).toEqual({ inside: null, reached: null });
    for (const one of probes.probes) expect([one.inside, one.reached, one.moved]).toEqual([null, null, null]);
    expect(probes.example).toBe(null);
    expect(probes.derived).toMatch(/^4 of 4 notes were derived from the masks/);
    expect(html).toContain('not applicable');
    expect(html).toContain('class="warning"');
  });
});

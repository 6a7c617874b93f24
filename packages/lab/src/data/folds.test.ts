import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Config, loadConfig, type Overrides } from '../config/config.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openEvaluated } from '../evaluate/open.js';
import { openRun } from '../run/run.js';
import { resumeTraining } from '../train/resume.js';
import { openTrainingData } from '../train/session.js';
import { train } from '../train/train.js';
import { groupCases, grouping, type Dataset } from '@reclmis/data';
import { errorOf, greyPng, writeFiles, writeTinyData } from '@reclmis/data/testing';
import { assignFolds, cutFold, openFitted } from './folds.js';
import { codeOf } from '../testing/failure.js';
import { tinyConfig } from '../testing/tiny-run.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-folds-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('grouping', () => {
  it.each([
    ['cxr_s08046-e17352-r2', 'patient 08046'],
    ['covid_0001', 'case covid_0001'],
    ['sub-S09345_ses-E17249_run-1', 'patient S09345'],
    ['TCGA-21-5784-01Z-00-DX1', 'patient 21-5784'],
    ['TCGA', 'case TCGA'],
    ['Morozov_study_0255_17', 'patient Morozov_study_0255'],
    ['Jun_coronacases_case10_100', 'patient coronacases_case10'],
    ['Jun_radiopaedia_10_85902_1_case11_45', 'patient radiopaedia_10'],
    ['Jun_radiopaedia_10_85902_3_case12_107', 'patient radiopaedia_10'],
    ['bjorke_1', 'patient bjorke_1'],
    ['bjorke', 'case bjorke'],
  ])('%s is %s by the known names', (id, group) => {
    expect(grouping().groupOf({ id })).toBe(group);
    expect(grouping().fits({ id })).toBe(group.startsWith('patient'));
  });

  it('believes what the data set states, unless a pattern is asked for; cases of one image are of one patient', () => {
    const one = { id: 'cxr_s1-e1-r1@left-lung', imageId: 'cxr_s1-e1-r1' };
    expect(grouping().groupOf(one)).toBe('patient 1');
    expect(grouping().groupOf({ ...one, patient: 'P-7' })).toBe('patient P-7');
    expect(grouping('^(cxr)').groupOf({ ...one, patient: 'P-7' })).toBe('patient cxr');
    expect(grouping().groupOf({ id: 'a@liver', imageId: 'a' })).toBe('case a');
  });

  it('takes a pattern of one’s own instead', () => {
    const { groupOf } = grouping('^(.+)_slice\\d+$');
    expect(['ct7_slice1', 'ct7_slice20', 'ct7', 'cxr_s1-e1-r1'].map((id) => groupOf({ id }))).toEqual([
      'patient ct7',
      'patient ct7',
      'case ct7', // a name that does not fit the pattern never counts as a patient of that name
      'case cxr_s1-e1-r1',
    ]);
  });

  it.each(['^s\\d+', '(a)(b)', '(', '(?:a)'])('refuses %s, which has not one capture group', (pattern) => {
    expect(codeOf(() => grouping(pattern))).toBe('OPTION_INVALID');
  });

  it('takes alternatives and groups that capture nothing for what they are', () => {
    const { groupOf } = grouping('^(?:left|right)-(\\w+)|^plain$');
    expect(['left-a', 'right-a', 'plain'].map((id) => groupOf({ id }))).toEqual([
      'patient a',
      'patient a',
      'case plain',
    ]);
  });
});

/** Names of `patients` patients with 1 to 6 images each, in any order. */
const anyCases = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 40 }).chain((images) =>
  fc.shuffledSubarray(
    images.flatMap((n, p) => Array.from({ length: n }, (_, i) => ({ id: `cxr_s${p}-e1-r${i}` }))),
    { minLength: images.reduce((a, b) => a + b, 0) },
  ),
);

describe('folds', () => {
  it('validate each case once, part no patient, and differ by less than the largest patient', () => {
    fc.assert(
      fc.property(
        anyCases,
        fc.integer({ min: 2, max: 7 }),
        fc.integer({ min: 0, max: 99 }),
        (cases, k, seed) => {
          const groups = groupCases(cases, grouping());
          fc.pre(groups.size >= k);
          const validated: string[] = [];
          const sizes: number[] = [];
          for (let fold = 1; fold <= k; fold++) {
            const { train, val } = cutFold(cases, { folds: k, fold, foldSeed: seed, group: '' });
            validated.push(...val.map(({ id }) => id));
            sizes.push(val.length);
            expect(train.length + val.length).toBe(cases.length);
            const trained = new Set(groupCases(train, grouping()).keys());
            expect([...groupCases(val, grouping()).keys()].filter((group) => trained.has(group))).toEqual([]);
          }
          expect(validated.sort()).toEqual(cases.map(({ id }) => id).sort());
          const largest = Math.max(...[...groups.values()].map(({ length }) => length));
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(largest);
          expect(Math.min(...sizes)).toBeGreaterThan(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('depend on names and seed alone, not on the order', () => {
    fc.assert(
      fc.property(anyCases, fc.integer({ min: 0, max: 99 }), (cases, seed) => {
        const byName = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
        const sorted = [...assignFolds(byName, 2, grouping(), seed)].sort();
        expect([...assignFolds(cases, 2, grouping(), seed)].sort()).toEqual(sorted);
      }),
      { numRuns: 30 },
    );
    const ids = Array.from({ length: 40 }, (_, i) => ({ id: `image-${i}` }));
    expect(assignFolds(ids, 5, grouping(), 1)).not.toEqual(assignFolds(ids, 5, grouping(), 2));
  });

  it('refuse more folds than patients, and one name in both splits', () => {
    const two = ['cxr_s1-e1-r1', 'cxr_s1-e2-r1', 'cxr_s2-e1-r1'].map((id) => ({ id }));
    expect(codeOf(() => assignFolds(two, 3, grouping(), 1))).toBe('OPTION_INVALID');
    expect(codeOf(() => assignFolds([{ id: 'a' }, { id: 'b' }, { id: 'a' }], 2, grouping(), 1))).toBe(
      'DATA_INVALID',
    );
  });

  it('are settings that belong together', () => {
    const of = (folds: number, fold: number): unknown =>
      loadConfig(undefined, { 'data.folds': folds, 'data.fold': fold }).data;
    expect(of(5, 5)).toMatchObject({ folds: 5, fold: 5, foldSeed: 1, group: '' });
    for (const [folds, fold] of [
      [5, 0],
      [5, 6],
      [0, 1],
      [1, 1],
    ] as const)
      // prettier-ignore
      expect(codeOf(() => of(folds, fold))).toBe('CONFIG_INVALID');
  });
});

describe('a run of a fold', () => {
  const data = join(root, 'data');
  const config = (overrides: Overrides): Config =>
    tinyConfig(data, {
      'data.folds': 3,
      'data.fold': 2,
      'data.group': '^[a-z]+-0*(\\d)', // the cases of train and val of one number, so that patients are in both
      'train.epochs': 1,
      ...overrides,
    });

  it('trains on the other folds of both splits, says so, and goes on with no other fold', async () => {
    await writeTinyData(data, 32, { train: 8, val: 4, test: 1 });
    const seen: string[] = [];
    for (const fold of [1, 2, 3]) {
      const opened = await openTrainingData(config({ 'data.fold': fold }));
      expect(opened.train.cases.length + opened.val.cases.length).toBe(12);
      seen.push(...opened.val.cases.map(({ id }) => id));
    }
    expect(new Set(seen).size).toBe(12);
    const expected = await openTrainingData(config({}));

    const out = join(root, 'run');
    const trained = new Set<string>();
    await train(config({}), { out, onStep: ({ ids }) => ids.forEach((id) => trained.add(id)) });
    expect([...trained].sort()).toEqual(expected.train.cases.map(({ id }) => id));
    const { info } = openRun(out);
    expect(info.data?.val).toMatchObject({
      cases: expected.val.cases.length,
      fingerprint: expected.val.fingerprint,
    });
    expect(info.fold).toMatchObject({ fold: 2, folds: 3, foldSeed: 1 });
    expect((info.fold?.patients.train ?? 0) + (info.fold?.patients.val ?? 0)).toBe(8);
    expect(readFileSync(join(out, 'config.yaml'), 'utf8')).toMatch(/folds: 3/);

    // Its validation is the fold's: the score is the best epoch's.
    const { summary, data: evaluated } = await evaluateRun(out, { split: 'val' });
    expect(evaluated).toMatchObject({ fingerprint: expected.val.fingerprint, fold: { fold: 2, folds: 3 } });
    expect(summary.mean.dice).toBeCloseTo(info.best?.dice ?? Number.NaN, 6); // the same weights and cases, in other batches

    const other = await errorOf(resumeTraining(out, { overrides: { 'data.fold': 1 } }));
    expect(other).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching('data.fold') as unknown,
    });
    await expect(resumeTraining(out)).resolves.toMatchObject({ status: 'finished' });

    const ids = ({ cases }: Dataset): string[] => cases.map(({ id }) => id);
    const run = openRun(out);
    expect(ids(await openEvaluated(run, { split: 'train' }))).toEqual(ids(expected.train));
    expect(await openEvaluated(run)).toMatchObject({ split: 'test', cases: [{}] });
    const moved = join(root, 'moved');
    cpSync(data, moved, { recursive: true });
    expect(ids(await openEvaluated(run, { dataDir: moved, split: 'val' }))).toEqual(ids(expected.val));
    const another = join(root, 'another');
    await writeTinyData(another, 32, { train: 3, val: 2, test: 1 });
    expect(ids(await openEvaluated(run, { dataDir: another, split: 'val' }))).toHaveLength(2);
    const list = join(root, 'stems.txt');
    writeFileSync(list, ids(expected.val)[1] ?? '');
    expect(ids(await openEvaluated(run, { split: 'val', stems: list }))).toEqual(
      ids(expected.val).slice(1, 2),
    );
    writeFileSync(list, ids(expected.train)[0] ?? '');
    expect(await errorOf(openEvaluated(run, { split: 'val', stems: list }))).toMatchObject({
      code: 'STEM_UNKNOWN',
      message: `${ids(expected.train)[0]}: not among the ${ids(expected.val).length} cases of val (fold 2 of 3)`,
    });
  });
});

describe('a table of cases without splits', () => {
  const table = async (name: string, rows: readonly string[]): Promise<string> => {
    const dir = join(root, name);
    const picture = await greyPng(8, 8, (x) => 20 * x);
    const mask = await greyPng(8, 8, (x) => (x < 4 ? 255 : 0));
    const files = { 'a.png': picture, 'b.png': picture, 'a-mask.png': mask, 'b-mask.png': mask };
    await writeFiles(dir, { ...files, 'cases.csv': ['image,mask,note', ...rows].join('\n') });
    return join(dir, 'cases.csv');
  };

  it('is cut into folds that keep the cases of an image together', async () => {
    const rows = ['a.png,a-mask.png,Left half', 'a.png,b-mask.png,Right half', 'b.png,b-mask.png,Left half'];
    const { data } = tinyConfig(await table('prompts', rows), { 'data.folds': 2, 'data.fold': 1 });
    const { train, val } = await openFitted(data);
    expect([train.cases.length, val.cases.length].sort()).toEqual([1, 2]);
  });

  it('has no validation cases otherwise, and says how to get them', async () => {
    const { data } = tinyConfig(await table('one', ['a.png,a-mask.png,left']));
    await expect(openFitted(data)).rejects.toMatchObject({
      code: 'DATA_SPLIT_EMPTY',
      remedy: expect.stringContaining('reclmis data split') as unknown,
    });
  });
});

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { noGrad } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRun, runFiles } from '../run/run.js';
import { writeTinyData } from '@reclmis/data/testing';
import { readYaml } from '../config/config.js';
import { collectResults, legend, resultTable, type StudyResult } from './results.js';
import { runStudy, type StudyListeners, type StudyOutcome, type TaskWork } from './run-study.js';
import { loadStudy, type Study } from './study.js';
import { scoreFiles, studyTasks, type Task, viewTask } from './tasks.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-run-study-'));
const file = join(root, 'tiny.yaml');
const data = join(root, 'data');
const out = join(root, 'out');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const study = (overrides: Record<string, unknown> = {}): Study =>
  loadStudy(file, { 'data.dir': data, ...overrides });
const tasks = (to = out, overrides: Record<string, unknown> = {}): Task[] => studyTasks(study(overrides), to);

interface Course extends StudyOutcome {
  readonly work: readonly TaskWork[];
  readonly steps: number;
  readonly scored: readonly string[];
}

async function course(todo: readonly Task[], more: StudyListeners = {}): Promise<Course> {
  let work: readonly TaskWork[] = [];
  let steps = 0;
  const scored: string[] = [];
  const outcome = await runStudy(todo, {
    ...more,
    onPlan: (planned) => (work = planned),
    onStep: (step) => {
      steps += 1;
      more.onStep?.(step);
    },
    onScore: ({ cell }) => void scored.push(cell.name),
  });
  return { ...outcome, work, steps, scored };
}

beforeAll(async () => {
  await writeTinyData(data, 32, { train: 6, val: 2, test: 3 });
  const base =
    '{ model: { baseWidth: 4, imageSize: 32 }, text: { encoder: words, contextLength: 12 }, data: { workers: 0 }, ' +
    'train: { epochs: 2, batchSize: 4, threads: 1, lr: 0.004 }, augment: { mode: none } }';
  writeFileSync(file, `title: T\nsource: S\nbase: ${base}\ngrid: { model.layers: [1, 2] }\n`);
  expect(await course(tasks())).toEqual({
    work: ['train', 'train'],
    steps: 8,
    scored: ['layers-1', 'layers-2'],
    interrupted: false,
    unfinished: [],
  });
});

describe('runStudy', () => {
  it('leaves ordinary run folders with their figures beside them', () => {
    for (const { dir, config, cell } of tasks()) {
      const run = openRun(dir);
      expect([run.info.status, run.config.model.layers]).toEqual(['finished', config.model.layers]);
      const { score } = viewTask({ dir, config, cell, seed: 1 });
      expect(score).toMatchObject({
        images: 3,
        size: 32,
        resize: { rule: 'area', resized: 0 },
        checkpoint: { kind: 'best', epoch: run.info.best?.epoch },
      });
      const [header = [], ...rows] = readFileSync(scoreFiles(dir).rows, 'utf8')
        .trim()
        .split('\r\n')
        .map((row) => row.split(','));
      const mean = rows.reduce((sum, row) => sum + Number(row[header.indexOf('dice')]), 0) / 3;
      expect(score?.mean.dice).toBeCloseTo(mean, 12); // another order of rounding
    }
  });

  it('does nothing again', async () => {
    const stamp = (): number[] => tasks().map(({ dir }) => statSync(runFiles(dir).info).mtimeMs);
    const before = stamp();
    expect(await course(tasks())).toMatchObject({ work: ['nothing', 'nothing'], steps: 0, scored: [] });
    expect(stamp()).toEqual(before);
  });

  it('evaluates a trained run whose figures are missing, without training', async () => {
    const [first] = tasks();
    const { score } = scoreFiles(first?.dir ?? '');
    const before = readFileSync(score, 'utf8');
    rmSync(score);
    expect(await course(tasks())).toMatchObject({
      work: ['evaluate', 'nothing'],
      steps: 0,
      scored: ['layers-1'],
    });
    expect(readFileSync(score, 'utf8')).toBe(before);
  });

  it('goes on with an interrupted run to the same figures', async () => {
    const other = tasks(join(root, 'interrupted'));
    const stop = new AbortController();
    const first = await course(other, {
      signal: stop.signal,
      onStep: ({ step }) => {
        if (step === 3) stop.abort();
      },
    });
    expect(first).toMatchObject({ interrupted: true, steps: 3, scored: [] });
    expect(other.map((task) => viewTask(task).state)).toEqual(['begun', 'absent']);
    expect(await course(other)).toMatchObject({
      work: ['resume', 'train'],
      steps: 1 + 4,
      interrupted: false,
    });
    expect(other.map((task) => viewTask(task).score)).toEqual(tasks().map((task) => viewTask(task).score));
    const losses = ({ dir }: Task): number[] =>
      openRun(dir)
        .epochs()
        .map((epoch) => epoch.losses.total);
    expect(other.map(losses)).toEqual(tasks().map(losses));
  });

  it('gives the paper’s figures only to runs whose images were resized as theirs, or not at all', async () => {
    const large = join(root, 'large-data');
    await writeTinyData(large, 48, { train: 4, val: 2, test: 3 });
    const printed = join(root, 'printed.yaml');
    const { base } = readYaml(file) as { base: object };
    const cells = [{ name: 'one', set: { 'model.layers': 1 }, paper: { dice: 84.84, miou: 76.44 } }];
    writeFileSync(printed, JSON.stringify({ title: 'T', source: 'S', base, cells }));
    const result = async (folder: string, overrides: Record<string, unknown>): Promise<StudyResult> => {
      const own = loadStudy(printed, { 'train.epochs': 1, ...overrides });
      await course(studyTasks(own, join(root, folder)));
      return collectResults(own, join(root, folder));
    };
    const figures = { dice: 84.84, miou: 76.44 };
    const area = await result('by-area', { 'data.dir': large });
    expect(area.cells[0]?.paper).toBeNull();
    expect(area.withoutPaper).toMatch(/left out: .* another rule than theirs \(data\.resize\)/);
    expect(legend(area)).toContain(area.withoutPaper);
    expect(resultTable(area).columns).not.toContain('paper: Dice');
    for (const comparable of [
      await result('as-upstream', { 'data.dir': large, 'data.resize': 'upstream' }),
      await result('as-they-are', { 'data.dir': data }),
    ]) {
      expect([comparable.cells[0]?.paper, comparable.withoutPaper]).toEqual([figures, null]);
      expect(resultTable(comparable).columns).toContain('paper: Dice');
    }
    // Scores of earlier versions do not say.
    const { score } = scoreFiles(join(root, 'as-they-are', 'runs', 'one', 'seed-1'));
    const { resize: _, ...older } = JSON.parse(readFileSync(score, 'utf8')) as { resize: unknown };
    writeFileSync(score, JSON.stringify(older));
    const unknown = await result('as-they-are', { 'data.dir': data });
    expect([unknown.cells[0]?.paper, unknown.withoutPaper]).toEqual([
      null,
      expect.stringMatching(/did not record/),
    ]);
  });

  it('names runs that ran out of time, and ends them at the next call', async () => {
    const dir = join(root, 'late');
    const late = await course(tasks(dir, { 'train.maxMinutes': 1e-9 }).slice(0, 1));
    expect([late.unfinished.map(({ cell }) => cell.name), late.steps]).toEqual([['layers-1'], 2]);
    expect(await course(tasks(dir).slice(0, 1))).toMatchObject({
      work: ['resume'],
      steps: 2,
      unfinished: [],
    });
  });

  it('tells of a training that diverges and goes on with the next', async () => {
    const failures: string[] = [];
    const diverging = tasks(join(root, 'diverging'));
    const { unfinished, scored } = await course(diverging, {
      onStart: ({ model, config }) => {
        if (config.model.layers === 1) noGrad(() => model.parameters()[0]?.fill_(Number.NaN));
      },
      onFailure: ({ cell }, { code }) => void failures.push(`${cell.name} ${code}`),
    });
    expect([failures, unfinished.map(({ cell }) => cell.name), scored]).toEqual([
      ['layers-1 LOSS_NOT_FINITE'],
      ['layers-1'],
      ['layers-2'],
    ]);
    expect(viewTask(diverging[0]!).state).toBe('failed');
  });

  it('refuses folders of other settings and of other data before it computes anything', async () => {
    const settings = course(tasks(out, { 'train.epochs': 3 }));
    await expect(settings).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringMatching(
        /layers-1.seed-1: holds a run with train\.epochs 2, expected 3$/,
      ) as string,
    });
    const elsewhere = join(root, 'other-data');
    await writeTinyData(elsewhere, 32, { train: 8, val: 2, test: 3 });
    await expect(course(tasks(out, { 'data.dir': elsewhere }))).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringMatching(
        /other training cases \(6 of data\), expected the 8 of other-data/,
      ) as string,
    });
  });

  it('keeps runs with starting weights apart from those without, however their path is written', async () => {
    const [first] = tasks();
    const init = relative(process.cwd(), first!.dir);
    const to = join(root, 'tuned');
    const tuned = tasks(to, { 'model.init': init });
    expect(await course(tuned)).toMatchObject({ work: ['train', 'train'] });
    expect(await course(tuned)).toMatchObject({ work: ['nothing', 'nothing'] });
    const { cells } = collectResults(study({ 'model.init': init }), to, { seeds: [1] });
    expect(cells.map(({ runs }) => runs.map(({ start }) => start))).toEqual([
      ['seed-1 (run:reclmis)'],
      ['seed-1 (run:reclmis)'],
    ]);
    await expect(course(tasks(to))).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('holds a run with model.init') as string,
    });
  });

  it('takes a folder that has moved, and another number of threads', async () => {
    expect(await course(tasks(out, { 'train.threads': 2, 'data.workers': 1 }))).toMatchObject({ steps: 0 });
  });

  it('gives the results of what is there', () => {
    const { cells } = collectResults(study(), out, { seeds: [1, 2] });
    expect(cells.map(({ runs }) => runs.map(({ state }) => state))).toEqual([
      ['done', 'absent'],
      ['done', 'absent'],
    ]);
  });
});

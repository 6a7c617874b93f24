import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { machineTag } from '@reclmis/files';
import { memory, readSafetensors, scope, writeSafetensors } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun, runFiles } from '../run/run.js';
import { writeTinyData } from '@reclmis/data/testing';
import { checkpointPath } from '../run/checkpoint.js';
import { resumePaths } from '../run/resume-files.js';
import { deviceOfRun, resumeTraining } from './resume.js';
import { train, type TrainListeners } from './train.js';
import { failure } from '../testing/failure.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { expectSame, fourEpochs, stopAfter } from './testing/resumed.js';

const SIZE = 32;
const root = mkdtempSync(join(tmpdir(), 'reclmis-resume-'));
const data = join(root, 'data');

const { tiny, place } = fourEpochs(root);

/** Flips one bit of a weight, or of the metadata's seconds. */
function flipBit(path: string, where: 'tensor' | 'metadata'): void {
  const bytes = readFileSync(path);
  const at =
    where === 'tensor' ? bytes.length - 1002 : bytes.indexOf('\\"seconds\\":', 0) + '\\"seconds\\":'.length;
  bytes[at]! ^= where === 'tensor' ? 0x40 : 1;
  writeFileSync(path, bytes);
}

const whole = place();

beforeAll(async () => {
  await writeTinyData(data, SIZE, { train: 10, val: 6, test: 2 });
  await train(tiny(), { out: whole });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a resumed run', () => {
  it.each([1, 6, 11])('interrupted after step %i of 12 comes to the same, bit for bit', async (step) => {
    const dir = place();
    expect((await train(tiny(), { out: dir, ...stopAfter(step) })).status).toBe('interrupted');
    const summary = await resumeTraining(dir);
    expect(summary.status).toBe('finished');
    expect(summary.resumedAt).toHaveLength(1);
    expect(summary.seconds).toBeGreaterThan(0);
    expectSame(dir, whole);
  });

  it('hears the same rewordings (augment.notes)', async () => {
    const words = { 'augment.notes': 0.7, 'augment.noteVariants': 5, 'text.contextLength': 40 };
    const [all, dir] = [place(), place()];
    const told: string[] = [];
    await train(tiny(words), { out: all, onNotice: (line) => void told.push(line) });
    expect(told.join('\n')).toMatch(/other words 70 % of the time: \d+ different notes have \d+ rewordings/);
    expect((await train(tiny(words), { out: dir, ...stopAfter(5) })).status).toBe('interrupted');
    await resumeTraining(dir);
    expectSame(dir, all);
    // Other words, other weights; and the vocabulary and the reference hold them.
    expect(tensorHashes(checkpointPath(all, 'last'))).not.toEqual(
      tensorHashes(checkpointPath(whole, 'last')),
    );
    const size = (run: string): number => openRun(run).loadModel().encoder.vocabularySize;
    expect(size(all)).toBeGreaterThan(size(whole) + 30);
    const reference = JSON.parse(readFileSync(join(all, 'reference.json'), 'utf8')) as { words: string[] };
    expect(reference.words).toEqual(expect.arrayContaining(['opacity', 'pulmonary']));
  });

  it('takes the same steps of the same cases', async () => {
    const dir = place();
    const steps: string[] = [];
    const note: TrainListeners['onStep'] = ({ step, lr, ids, losses }) =>
      void steps.push([step, lr, losses.total, ...ids].join(' '));
    const all = place();
    await train(tiny(), { out: all, onStep: note });
    const expected = steps.splice(0);
    const first = stopAfter(5);
    await train(tiny(), {
      out: dir,
      ...first,
      onStep: (report) => {
        note(report);
        first.onStep?.(report);
      },
    });
    await resumeTraining(dir, { onStep: note });
    expect(steps).toEqual(expected);
  });

  it('goes on from points that were saved within the epoch', async () => {
    const dir = place();
    const error = await failure(() =>
      train(tiny({ 'train.saveSteps': 2 }), {
        out: dir,
        onStep: ({ step }) => {
          if (step === 9) throw new ReclmisError('INTERNAL', 'the machine dies');
        },
      }),
    );
    expect(error.message).toBe('the machine dies');
    expect(resumePaths(join(dir, 'checkpoints')).map((path) => path.slice(-20))).toEqual([
      '00000008.safetensors',
      '00000006.safetensors',
    ]);
    await resumeTraining(dir);
    expectSame(dir, whole);
  });

  it('falls back on the point before where the newest is damaged, and says so', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(7) });
    const newest = checkpointPath(dir, 'last');
    expect(newest).toContain('00000007');
    writeFileSync(newest, readFileSync(newest).subarray(0, 5000));
    const lines: string[] = [];
    await resumeTraining(dir, { onNotice: (line) => lines.push(line) });
    expect(lines.filter((line) => line.includes('continuing from an earlier point'))).toHaveLength(1);
    expectSame(dir, whole);
  });

  it('falls back on the point before where one bit of the newest flipped, in a tensor or in what it says', async () => {
    for (const where of ['tensor', 'metadata'] as const) {
      const dir = place();
      await train(tiny(), { out: dir, ...stopAfter(7) });
      const newest = checkpointPath(dir, 'last');
      flipBit(newest, where);
      const lines: string[] = [];
      await resumeTraining(dir, { onNotice: (line) => lines.push(line) });
      expect(
        lines.filter((line) =>
          /00000007\.safetensors: its content has changed since it was written/.test(line),
        ),
      ).toHaveLength(1);
      expectSame(dir, whole);
    }
  });

  it('refuses where all points are damaged so', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(4) });
    for (const path of resumePaths(join(dir, 'checkpoints'))) flipBit(path, 'tensor');
    const error = await failure(() => resumeTraining(dir));
    expect(error.code).toBe('CHECKPOINT_CORRUPT');
    expect(error.remedy).toContain('train again into another folder');
  });

  it('reads points of before there were hashes, and says that they bear none', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(7) });
    const newest = checkpointPath(dir, 'last');
    scope(() => {
      const { tensors, metadata } = readSafetensors(newest);
      const { format = '', info = '' } = metadata;
      writeSafetensors(newest, tensors, { format, info });
    });
    const lines: string[] = [];
    await resumeTraining(dir, { onNotice: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining('00000007.safetensors has no hash')]);
    expectSame(dir, whole);
  });

  it('refuses where no point reads, and leaves them', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(4) });
    const paths = resumePaths(join(dir, 'checkpoints'));
    for (const path of paths) writeFileSync(path, 'nonsense');
    expect((await failure(() => resumeTraining(dir))).code).toBe('CHECKPOINT_CORRUPT');
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(paths.map(() => 'nonsense'));
  });

  it('writes the best weights where the process ended between the point and them', async () => {
    const dir = place();
    // The resume point is written first at an epoch's end, so the process may end with `best` missing or old.
    await train(tiny({ 'train.epochs': 4 }), {
      out: dir,
      ...stopAfter(3),
    });
    await resumeTraining(dir, stopAfter(4));
    const best = checkpointPath(dir, 'best');
    const point = resumePaths(join(dir, 'checkpoints')).find((path) => path.includes('00000003')) ?? '';
    const expected = tensorHashes(best);
    rmSync(best);
    rmSync(checkpointPath(dir, 'last')); // the point after step 4
    expect(checkpointPath(dir, 'last')).toBe(point);
    await resumeTraining(dir, stopAfter(4));
    expect(tensorHashes(best)).toEqual(expected);
  });

  it('starts over where nothing was saved', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(1) });
    rmSync(join(dir, 'checkpoints'), { recursive: true });
    mkdirSync(join(dir, 'checkpoints'));
    rmSync(join(dir, 'run.json'));
    writeFileSync(join(dir, '.run.json.1.2.tmp'), '{');
    await resumeTraining(dir);
    expectSame(dir, whole);
    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it.each([
    ['configuration and run.json', ['config.yaml', 'run.json']],
    ['the configuration alone', ['config.yaml']],
  ])('begins from its start where a kill left %s', async (_, names) => {
    const dir = place();
    const begun = place();
    await train(tiny(), { out: begun, ...stopAfter(1) });
    mkdirSync(join(dir, 'checkpoints'), { recursive: true });
    for (const name of names) cpSync(join(begun, name), join(dir, name));
    writeFileSync(join(dir, 'checkpoints', '.resume-00000000.safetensors.1.2.tmp'), 'half');
    const taken = await failure(() => train(tiny(), { out: dir }));
    expect(taken.code).toBe('OUTPUT_EXISTS');
    expect(taken.remedy).toContain(`reclmis train --resume ${dir}`);
    const lines: string[] = [];
    await resumeTraining(dir, { onNotice: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining('the run starts over')]);
    expectSame(dir, whole);
  });

  it('begins from its start where a log that says more has nothing to lose', async () => {
    const dir = place();
    mkdirSync(join(dir, 'checkpoints'), { recursive: true });
    for (const name of ['config.yaml', 'run.json']) cpSync(join(whole, name), join(dir, name));
    await resumeTraining(dir);
    expectSame(dir, whole);
  });

  it('of which nothing was written yet is named so, and begins in the same folder', async () => {
    const dir = place();
    mkdirSync(join(dir, 'checkpoints'), { recursive: true });
    writeFileSync(join(dir, '.config.yaml.1.2.tmp'), 'seed: ');
    writeFileSync(join(dir, '.lock'), `${machineTag()} ${2 ** 22 + 1} 00\n`);
    const error = await failure(() => resumeTraining(dir));
    expect(error.code).toBe('RUN_INVALID');
    expect(error.message).toContain('ended before it wrote its configuration');
    expect(error.remedy).toContain(`-o ${dir}`);
    await train(tiny(), { out: dir });
    expectSame(dir, whole);
    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('stays as it is where it is complete', async () => {
    const dir = place();
    cpSync(whole, dir, { recursive: true });
    const steps: number[] = [];
    expect((await resumeTraining(dir, { onStep: ({ step }) => steps.push(step) })).status).toBe('finished');
    expect(steps).toEqual([]);
    expectSame(dir, whole);
  });

  it('may take its data from elsewhere, if they are the same', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(5) });
    const moved = join(root, 'moved');
    cpSync(data, moved, { recursive: true });
    await resumeTraining(dir, { overrides: { 'data.dir': moved, 'data.workers': 1 } });
    expectSame(dir, whole);
    rmSync(join(moved, 'Train_Folder', 'img', 'train-003.png'));
    rmSync(join(moved, 'Train_Folder', 'labelcol', 'train-003.png'));
    const csv = join(moved, 'Train_Folder', 'Train_text.csv');
    writeFileSync(csv, readFileSync(csv, 'utf8').replace(/^train-003.*\n/m, ''));
    const error = await failure(() => resumeTraining(dir, { overrides: { 'data.dir': moved } }));
    expect(error.code).toBe('CHECKPOINT_MISMATCH');
    expect(error.message).toContain('train cases');
  });

  it('holds absolute paths, so that it goes on and is evaluated from any folder', async () => {
    const before = process.cwd();
    writeFileSync(join(root, 'val-stems.txt'), 'val-000\nval-001\n');
    const dir = place();
    try {
      process.chdir(root);
      const relative = { 'data.dir': 'data', 'data.valStems': 'val-stems.txt' };
      await train(tiny(relative), { out: dir, ...stopAfter(4) });
      expect(openRun(dir).config.data).toMatchObject({
        dir: join(process.cwd(), 'data'),
        valStems: join(process.cwd(), 'val-stems.txt'),
        trainStems: '', // names nothing
      });
      process.chdir(tmpdir());
      expect((await resumeTraining(dir)).status).toBe('finished');
      expect((await evaluateRun(dir, { split: 'val' })).rows).toHaveLength(6);
      // Earlier versions kept paths relative to where the command ran.
      const { config } = runFiles(dir);
      writeFileSync(config, readFileSync(config, 'utf8').replace(/^ {2}dir: .*$/m, '  dir: data'));
      await expect(evaluateRun(dir, { split: 'val' })).rejects.toMatchObject({ code: 'DATA_FOLDER_MISSING' });
      process.chdir(root);
      expect((await evaluateRun(dir, { split: 'val' })).rows).toHaveLength(6);
    } finally {
      process.chdir(before);
    }
  });

  it('goes on with the device of its newest point, whatever device it began with', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(2) });
    const config = join(dir, 'config.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^device: cpu$/m, 'device: cuda:0'));
    expect(openRun(dir).config.device).toBe('cuda:0');
    expect(deviceOfRun(dir)).toBe('cpu');
    expect(deviceOfRun(join(root, 'nowhere'))).toBeNull();
  });

  it('refuses settings that would make it another run', async () => {
    const error = await failure(() => resumeTraining(whole, { overrides: { 'train.lr': 1 } }));
    expect(error.code).toBe('OPTION_INVALID');
    expect(error.message).toContain('train.lr is fixed');
  });

  it('frees everything', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(4) });
    const before = memory();
    await resumeTraining(dir);
    expect(memory()).toMatchObject({ handles: before.handles, liveBytes: before.liveBytes });
  });

  it('counts its time limit from the resumption', async () => {
    const dir = place();
    const config = tiny({ 'train.maxMinutes': 1e-6 });
    expect((await train(config, { out: dir })).status).toBe('out-of-time');
    expect((await resumeTraining(dir)).epochs).toBe(2);
    expect((await resumeTraining(dir, { overrides: { 'train.maxMinutes': 0 } })).status).toBe('finished');
    expectSame(dir, whole);
  });
});

describe('points rotate', () => {
  it.each([1, 3])('%i are kept', async (keep) => {
    const dir = place();
    await train(tiny({ 'train.epochs': 2, 'train.saveSteps': 1, 'train.keep': keep }), { out: dir });
    const steps = resumePaths(join(dir, 'checkpoints')).map((path) => Number(/(\d{8})/.exec(path)?.[1]));
    expect(steps).toEqual([6, 5, 4].slice(0, keep));
  });
});

describe('one writer', () => {
  it('says of a folder that cannot be written what a run needs, not what the cache does', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(1) });
    mkdirSync(join(dir, '.lock')); // as root every folder can be written
    const error = await failure(() => resumeTraining(dir));
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
    expect(error.remedy).not.toContain('RECLMIS_HOME');
    rmSync(join(dir, '.lock'), { recursive: true });
    symlinkSync('/proc/none/lock', join(dir, '.lock'));
    const link = await failure(() => resumeTraining(dir));
    expect(link.code).toBe('OUTPUT_UNWRITABLE');
    expect(link.remedy).toBe('Remove it, or choose another folder.');
  });

  it('refuses a run into which another process trains: RUN_BUSY', async () => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(1) });
    writeFileSync(join(dir, '.lock'), `${machineTag()} ${process.ppid} 00\n`);
    const error = await failure(() => resumeTraining(dir));
    expect(error.code).toBe('RUN_BUSY');
    expect(error.message).toContain(String(process.ppid));
  });

  it.each([
    ['of a process that is gone', 2 ** 22 + 1],
    ['of a process before this one that had its number', process.pid],
  ])('takes over a lock %s', async (_, pid) => {
    const dir = place();
    await train(tiny(), { out: dir, ...stopAfter(1) });
    writeFileSync(join(dir, '.lock'), `${machineTag()} ${pid} 00\n`);
    expect((await resumeTraining(dir, stopAfter(2))).steps).toBe(2);
    expect(existsSync(join(dir, '.lock'))).toBe(false);
  });
});

describe('determinism', () => {
  it('gives the same weights bit for bit on two threads', async () => {
    const [a, b] = [place(), place()];
    for (const out of [a, b])
      await train(tiny({ 'train.threads': 2, 'train.deterministic': true, 'data.workers': 1 }), { out });
    expect(tensorHashes(checkpointPath(a, 'last'))).toEqual(tensorHashes(checkpointPath(b, 'last')));
    expect(tensorHashes(checkpointPath(a, 'best'))).toEqual(tensorHashes(checkpointPath(b, 'best')));
  });
});

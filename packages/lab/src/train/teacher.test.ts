import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { FlippingSegmenter } from '@reclmis/core';
import { scope, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overrides } from '../config/config.js';
import type { Batch } from '@reclmis/data';
import { checkpointPath } from '../run/checkpoint.js';
import { readEpochs } from '../run/metrics-log.js';
import { openRun } from '../run/run.js';
import { failure } from '../testing/failure.js';
import { makeTinyRun, tinyConfig } from '../testing/tiny-run.js';
import { resumeTraining } from './resume.js';
import { notesOf, openSession, openTrainingData } from './session.js';
import { trainStep } from './step.js';
import { openTeacher } from './teacher.js';
import { expectSame, fourEpochs, stopAfter } from './testing/resumed.js';
import { train } from './train.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-teacher-'));
const data = join(root, 'data');
const large = join(root, 'large');
const { tiny, place } = fourEpochs(root);
let teacher = '';
let batch: Batch;

beforeAll(async () => {
  teacher = await makeTinyRun(root, { seed: 7 });
  await train(tinyConfig(data, { 'train.epochs': 1, 'model.imageSize': 48, seed: 8 }), { out: large });
  const config = tinyConfig(data);
  const session = openSession(config, await openTrainingData(config));
  for await (const { images, masks, ...rest } of session.trainLoader.batches(1)) {
    batch = { ...rest, images: images.slice(), masks: masks.slice() };
    break;
  }
  await session.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function asked(overrides: Overrides): Promise<Float32Array> {
  const config = tinyConfig(data, overrides);
  const opened = await openTeacher(config, batch.notes);
  try {
    return (await opened?.probabilities(batch.images, batch.notes)) ?? new Float32Array();
  } finally {
    opened?.dispose();
  }
}

function alone(run: string, images = batch.images): Float32Array {
  using model = openRun(run).loadModel();
  return model.probabilities(images.slice(), batch.notes);
}

const resized = (planes: Float32Array, channels: number, from: number, to: number): Float32Array =>
  scope(() =>
    Tensor.fromFloat32(planes, [batch.count, channels, from, from])
      .upsampleBilinear2d([to, to], false)
      .toFloat32Array(),
  );

describe('what a teacher says', () => {
  it('is what its run predicts, and leaves the images as they are', async () => {
    const before = batch.images.slice();
    expect(await asked({ 'train.teacher': teacher })).toEqual(alone(teacher));
    expect(batch.images).toEqual(before);
  });

  it('is averaged over the mirror image with the mirrored note', async () => {
    using model = openRun(teacher).loadModel();
    const both = await new FlippingSegmenter(model).probabilities(batch.images.slice(), batch.notes);
    expect(await asked({ 'train.teacher': teacher, 'train.teacherFlips': true })).toEqual(both);
    expect(both).not.toEqual(alone(teacher));
  });

  it('is averaged over several, of which one of another size gets resized images', async () => {
    const theirs = alone(large, resized(batch.images, 3, 32, 48));
    const back = resized(theirs, 1, 48, 32);
    const own = alone(teacher);
    const both = await asked({ 'train.teacher': `${teacher}, ${large}` });
    expect(both).toHaveLength(batch.count * 32 * 32);
    both.forEach((p, i) => expect(p).toBeCloseTo(((own[i] ?? NaN) + (back[i] ?? NaN)) / 2, 6));
  });

  it('is asked in the teacher’s sides', async () => {
    const mirrored = batch.notes.map((note) =>
      note.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left')),
    );
    using model = openRun(teacher).loadModel();
    const expected = model.probabilities(batch.images.slice(), mirrored);
    expect(await asked({ 'train.teacher': teacher, 'note.sides': 'image' })).toEqual(expected);
  });

  it('is asked in its own vocabulary’s sides, for the mirror image too', async () => {
    const dir = join(root, 'areas');
    cpSync(teacher, dir, { recursive: true });
    const file = join(dir, 'run.json');
    const info = JSON.parse(readFileSync(file, 'utf8')) as { note: object };
    const sides = { left: 'upper', right: 'lower' }; // words that the tiny run has learnt
    const sentences = { note: 'Infected (area/areas)[, {places}].', words: sides };
    const findings = { area: 'infected area(/s)' };
    const vocabulary = {
      name: 'areas',
      canonical: { paired: false, sentences },
      languages: { en: { sides, findings } },
    };
    writeFileSync(
      file,
      JSON.stringify({ ...info, note: { ...info.note, grammar: 'vocabulary', vocabulary } }),
    );
    const areas = (side: string): string[] => Array<string>(batch.count).fill(`Infected area, ${side}.`);
    const asking = async (overrides: Overrides): Promise<Float32Array> => {
      const opened = await openTeacher(
        tinyConfig(data, { ...overrides, 'train.teacher': dir }),
        areas('upper'),
      );
      const said = await opened?.probabilities(batch.images, areas('upper'));
      opened?.dispose();
      return said ?? new Float32Array();
    };
    using model = openRun(dir).loadModel();
    const lower = model.probabilities(batch.images.slice(), areas('lower'));
    expect(lower).not.toEqual(model.probabilities(batch.images.slice(), areas('upper')));
    expect(await asking({ 'note.sides': 'image' })).toEqual(lower);
    const flips = new FlippingSegmenter(model, () => areas('lower')[0] ?? null);
    const both = await flips.probabilities(batch.images.slice(), areas('upper'));
    expect(await asking({ 'train.teacherFlips': true })).toEqual(both);
  });
});

describe('a step with a teacher', () => {
  const settings = { 'model.dropout': 0, 'model.maskStrategy': 'topk', 'train.lossWeights.distil': 3 };

  it.each([1, 3])('adds the divergence from it, in %i parts', async (parts) => {
    const config = tinyConfig(data, { ...settings, 'train.teacher': teacher, 'train.accumulate': parts });
    const training = await openTrainingData(config);
    const session = openSession(config, training, null, await openTeacher(config, notesOf(training)));
    try {
      session.model.eval(); // batch statistics would depend on the parts
      const taught = alone(teacher);
      const own = session.segmenter.probabilities(batch.images.slice(), batch.notes);
      const terms = taught.map((q, i) => {
        const p = own[i] ?? NaN;
        return q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p));
      });
      const expected = terms.reduce((sum, term) => sum + term, 0) / terms.length;
      const said = (await session.teacher?.probabilities(batch.images, batch.notes)) ?? null;
      const { losses } = trainStep(session, batch, 1, 0, said);
      expect(losses.distil).toBeCloseTo(expected, 4); // the student’s probabilities are float32
      const { dice = NaN, bce = NaN, ccl = NaN, clr = NaN, cvr = NaN, distil = NaN } = losses;
      expect(losses.total).toBeCloseTo(2.5 * (dice + bce) + 0.2 * ccl + clr + cvr + 3 * distil, 4);
      expect((await failure(() => trainStep(session, batch, 1, 0))).code).toBe('LOSS_MISSING');
    } finally {
      await session.close();
    }
  });
});

describe('a run with a teacher', () => {
  const taught = (): Overrides => ({ 'train.teacher': teacher, 'train.teacherTemperature': 2 });

  it('resumes to the bit, records its teacher, and needs it no more', async () => {
    const away = join(root, 'lent');
    cpSync(teacher, away, { recursive: true });
    const lent = { ...taught(), 'train.teacher': away, 'train.epochs': 2 };
    const [whole, dir] = [place(), place()];
    await train(tiny(lent), { out: whole });
    expect((await train(tiny(lent), { out: dir, ...stopAfter(4) })).status).toBe('interrupted');
    await resumeTraining(dir);
    expectSame(dir, whole);
    for (const { losses } of readEpochs(join(whole, 'metrics.jsonl')))
      expect(losses.distil).toBeGreaterThan(0);
    const sha256 = createHash('sha256')
      .update(readFileSync(checkpointPath(away, 'best')))
      .digest('hex');
    const { epoch } = openRun(away).loadModel().checkpoint;
    expect(openRun(dir).info.teachers).toEqual([{ run: basename(away), model: 'reclmis', epoch, sha256 }]);
    rmSync(away, { recursive: true });
    using loaded = openRun(whole).loadModel();
    expect(loaded.probabilities(batch.images.slice(), batch.notes)).toHaveLength(batch.count * 32 * 32);
  });

  it('teaches a model that reads no note', async () => {
    const dir = place();
    await train(tiny({ ...taught(), 'model.name': 'unet', 'train.epochs': 1 }), { out: dir });
    expect(readEpochs(join(dir, 'metrics.jsonl'))[0]?.losses.distil).toBeGreaterThan(0);
  });

  it('is not resumed with another teacher in its place', async () => {
    const [place1, dir] = [join(root, 'exchanged'), place()];
    cpSync(teacher, place1, { recursive: true });
    await train(tiny({ 'train.teacher': place1 }), { out: dir, ...stopAfter(2) });
    rmSync(place1, { recursive: true });
    expect((await failure(() => resumeTraining(dir))).code).toBe('RUN_MISSING');
    cpSync(large, place1, { recursive: true });
    const error = await failure(() => resumeTraining(dir));
    expect(error.code).toBe('CHECKPOINT_MISMATCH');
    expect(error.message).toContain('exchanged is not the run’s teacher');
  });
});

describe('a teacher that cannot teach is refused before anything is written', () => {
  it('where it is missing or damaged', async () => {
    const missing = await failure(() => train(tiny({ 'train.teacher': join(root, 'no') }), { out: place() }));
    expect([missing.code, missing.message]).toEqual([
      'RUN_MISSING',
      expect.stringContaining(join(root, 'no')),
    ]);
    const damaged = join(root, 'damaged');
    cpSync(teacher, damaged, { recursive: true });
    const file = checkpointPath(damaged, 'best');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1002]! ^= 0x40;
    writeFileSync(file, bytes);
    const out = place();
    const error = await failure(() => train(tiny({ 'train.teacher': damaged }), { out }));
    expect(error.code).toBe('CHECKPOINT_CORRUPT');
  });

  it('where it knows no word of the notes, or its term has no weight', async () => {
    const config = tinyConfig(data, { 'train.teacher': teacher });
    const foreign = await failure(() => openTeacher(config, ['Verschattung im Unterfeld', 'unauffällig']));
    expect(foreign.code).toBe('CONFIG_INVALID');
    expect(foreign.message).toContain('knows no word of the 2 different training notes');
    const weightless = { 'train.teacher': teacher, 'train.lossWeights.distil': 0 };
    const error = await failure(() => openTeacher(tinyConfig(data, weightless), batch.notes));
    expect(error.message).toContain('train.lossWeights.distil: expected above 0');
  });
});

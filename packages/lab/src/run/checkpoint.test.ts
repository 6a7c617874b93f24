/** A run's checkpoints and settings on reading: damage, other settings, folders that are no run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReclmisError } from '@reclmis/core';
import { memory, scope } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, type Overrides, resolveStored } from '../config/config.js';
import { failure } from '../testing/failure.js';
import { writeTinyData } from '@reclmis/data/testing';
import { tinyConfig } from '../testing/tiny-run.js';
import { train } from '../train/train.js';
import { readCheckpoint, requireSameSettings } from './checkpoint.js';
import { openRun } from './run.js';

const SIZE = 32;
const root = mkdtempSync(join(tmpdir(), 'reclmis-checkpoint-'));
const data = join(root, 'data');
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

const tiny = (overrides: Overrides = {}): Config => tinyConfig(data, overrides);

beforeAll(() => writeTinyData(data, SIZE, { train: 10, val: 6, test: 4 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('checkpoints', () => {
  const dir = place();
  const path = join(dir, 'checkpoints', 'best.safetensors');
  let intact: Buffer;
  beforeAll(async () => {
    await train(tiny({ 'train.epochs': 1 }), { out: dir });
    intact = readFileSync(path);
  });

  const loading = (): Promise<ReclmisError> => failure(() => openRun(dir).loadModel().dispose());

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
    ['cut within the header', (bytes: Buffer) => bytes.subarray(0, 50)],
    ['empty', () => Buffer.alloc(0)],
    ['of another format', () => Buffer.from('PK\u0003\u0004 not what you think it is')],
  ])('%s: CHECKPOINT_CORRUPT', async (_, damage) => {
    writeFileSync(path, damage(intact));
    const error = await loading();
    writeFileSync(path, intact);
    expect(error.code).toBe('CHECKPOINT_CORRUPT');
    expect(error.message).toContain('best.safetensors');
  });

  it('missing: CHECKPOINT_MISSING', async () => {
    rmSync(path);
    const error = await loading();
    writeFileSync(path, intact);
    expect(error.code).toBe('CHECKPOINT_MISSING');
  });

  it.each([
    ['baseWidth: 4', 'baseWidth: 8', 'model.baseWidth', '4', '8'],
    ['foldSeed: 1', 'foldSeed: 3', 'data.foldSeed', '1', '3'], // other cases to score
    ['contextLength: 12', '#ontextLength: 12', 'text.contextLength', '12', '24'], // one flipped bit makes it a comment
    ['seed: 1', 'seed: 3', 'seed', '1', '3'],
  ])(
    'of another configuration (%s, now %s): CHECKPOINT_MISMATCH, naming the setting with both values',
    async (before, after, setting, trained, now) => {
      const file = join(dir, 'config.yaml');
      const text = readFileSync(file, 'utf8');
      expect(text).toContain(before);
      writeFileSync(file, text.replace(before, after));
      const error = await loading();
      writeFileSync(file, text);
      expect(error.code).toBe('CHECKPOINT_MISMATCH');
      expect(error.message).toBe(`${path}: trained with ${setting} ${trained}, config.yaml says ${now}`);
      expect(error.remedy).toBe(`Set ${setting} in config.yaml back to ${trained}.`);
    },
  );

  it('serve under settings that say where and how to compute, and under sides that were stated since', () => {
    const file = join(dir, 'config.yaml');
    const text = readFileSync(file, 'utf8');
    const changed = text
      .replace('threads: 1', 'threads: 2')
      .replace(/maxMinutes: .*/, 'maxMinutes: 7')
      .replace(/sides: .*/, 'sides: image');
    expect(changed.split('\n').filter((line, i) => line !== text.split('\n')[i])).toHaveLength(3);
    writeFileSync(file, changed);
    using model = openRun(dir).loadModel();
    writeFileSync(file, text);
    expect(model.size).toBe(32);
  });

  it('of runs that say nothing about unknown words ignore them, as those runs did', () => {
    const stored = (text: object): string => resolveStored({ text }, 'config.yaml').text.unknownWords;
    expect(stored({ encoder: 'words' })).toBe('ignored');
    expect(stored({ encoder: 'words', unknownWords: 'nearest' })).toBe('nearest');
    const file = join(dir, 'config.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/ *unknownWords: nearest\n/, ''));
    expect(openRun(dir).config.text.unknownWords).toBe('ignored');
    writeFileSync(file, text);
  });

  it('refuse an entry that either has alone', () => {
    const { config } = openRun(dir);
    const factors = { ...config, train: { ...config.train, lrFactors: { encoder: 0.1 } } };
    for (const [stored, asked] of [
      [config, factors],
      [factors, config],
    ] as const)
      expect(() => requireSameSettings(path, stored, asked)).toThrow(
        /trained with train\.lrFactors\.encoder/,
      );
  });

  it('refuse a flipped bit in a digit of config.yaml, unless it says where and how to compute', () => {
    const file = join(dir, 'config.yaml');
    const text = readFileSync(file);
    const { info } = scope(() => readCheckpoint(dir, 'best', openRun(dir).config));
    const found = { unreadable: 0, refused: 0, elsewhere: 0 };
    for (let at = 0; at < text.length; at++) {
      if (!/\d/.test(String.fromCharCode(text[at]!))) continue;
      const bytes = Buffer.from(text);
      bytes[at]! ^= 1; // still a digit
      writeFileSync(file, bytes);
      let read: Config;
      try {
        read = openRun(dir).config;
      } catch {
        found.unreadable++;
        continue;
      }
      try {
        requireSameSettings(path, info.config, read);
      } catch {
        found.refused++;
        continue;
      }
      expect(read.note).toEqual(info.config.note);
      const { device, data, train: course } = info.config;
      const { threads, maxMinutes, saveMinutes, saveSteps, keep } = course;
      const { dir: folder, workers, trainStems, valStems } = data;
      const merged = {
        ...read,
        device,
        data: { ...read.data, dir: folder, workers, trainStems, valStems },
        train: { ...read.train, threads, maxMinutes, saveMinutes, saveSteps, keep },
      };
      expect(merged).toEqual(info.config);
      found.elsewhere++;
    }
    writeFileSync(file, text);
    expect(found.refused).toBeGreaterThan(20);
    expect(found.elsewhere).toBeGreaterThan(0);
  });

  it('free every tensor after a refusal', async () => {
    const before = memory().handles;
    writeFileSync(path, intact.subarray(0, intact.length - 100));
    await loading();
    writeFileSync(path, intact);
    expect(memory().handles).toBe(before);
  });

  it('hold the model’s keys, the configuration and the encoder', () => {
    using model = openRun(dir).loadModel();
    const { tensors, info } = readCheckpoint(dir, 'best', tiny({ 'train.epochs': 1 }));
    expect([...tensors.keys()].sort()).toEqual([...model.model.stateDict().keys()].sort());
    expect(info.encoder).toMatchObject({ kind: 'words', contextLength: 12 });
    expect(info.config.model.baseWidth).toBe(4);
    for (const tensor of tensors.values()) tensor.dispose();
  });
});

describe('openRun', () => {
  it('tells a folder that is not there from one that is no run', async () => {
    expect((await failure(() => openRun(join(root, 'nonesuch')))).code).toBe('RUN_MISSING');
    expect((await failure(() => openRun(data))).code).toBe('RUN_INVALID');
  });

  it('refuses a vocabulary that is damaged, and names the file and the key', async () => {
    const dir = place();
    await train(tiny({ 'train.epochs': 1 }), { out: dir });
    const file = join(dir, 'run.json');
    const info = JSON.parse(readFileSync(file, 'utf8')) as { note: object };
    const damaged = { name: 'polyps', canonical: {}, languages: { en: { sides: { left: 5 } } } };
    for (const [vocabulary, key] of [
      [damaged, 'languages.en.sides.left: '],
      [undefined, 'the vocabulary: '],
    ] as const) {
      const note = { ...info.note, grammar: 'vocabulary', vocabulary };
      writeFileSync(file, JSON.stringify({ ...info, note }));
      const error = await failure(() => openRun(dir));
      expect([error.code, error.message]).toEqual([
        'RUN_INVALID',
        expect.stringContaining(`${file}: note.vocabulary: ${key}`),
      ]);
    }
  });

  it('names a configuration that does not read', async () => {
    const dir = place();
    await train(tiny({ 'train.epochs': 1 }), { out: dir });
    writeFileSync(join(dir, 'config.yaml'), 'train:\n  speed: 9\n');
    const error = await failure(() => openRun(dir));
    expect(error.code).toBe('RUN_INVALID');
    expect(error.message).toContain('train.speed');
  });
});

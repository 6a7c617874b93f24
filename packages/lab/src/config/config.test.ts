import { modelNames } from '../model/registry.js';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import {
  configToYaml,
  describeSettings,
  loadConfig,
  loadPreset,
  presetNames,
  resolveConfig,
} from './config.js';
import { noteKindsOf } from '@reclmis/data';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

function written(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function failure(act: () => unknown): ReclmisError {
  try {
    act();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('expected a ReclmisError');
}

describe('loadConfig', () => {
  it('gives the paper’s settings by default', () => {
    const config = loadConfig();
    expect(config.model).toMatchObject({
      variant: 'paper',
      baseWidth: 64,
      imageSize: 224,
      layers: 3,
      maskRatios: { visual: 0.5, textual: 0.3 },
    });
    expect(config.train).toMatchObject({ optimizer: 'adam', lr: 3e-4, schedule: 'cosine', batchSize: 32 });
    expect(config.train.lossWeights).toMatchObject({ dice: 2.5, bce: 2.5, ccl: 0.2, clr: 1, cvr: 1 });
  });

  it('lets overrides win over the file, and the file over its preset', () => {
    const path = file('preset: monuseg\ntrain:\n  batchSize: 6\n  epochs: 7\n');
    const config = loadConfig(path, {
      'train.epochs': 3,
      'model.components.ci': false,
      'train.lr': undefined,
    });
    expect(config.train).toMatchObject({ epochs: 3, batchSize: 6, lr: 1e-3 });
    expect(config.text.contextLength).toBe(10);
    expect(config.model.components).toEqual({ ci: false, ccl: true, clr: true, cvr: true });
  });

  it('builds on a file next to it, which builds on another, and that on a named preset', () => {
    const base = written('base/lab.yaml', 'preset: monuseg\ntrain:\n  batchSize: 6\n  epochs: 7\nseed: 5\n');
    const middle = written('team.yaml', 'preset: base/lab.yaml\ntrain:\n  epochs: 8\n');
    const top = written('mine/run.yaml', `preset: ../team.yaml\ntrain:\n  patience: 0\n`);
    const { train, text, seed } = loadConfig(top, { seed: 9 });
    // From the command line, the file, the one it names, the one that names, and configs/monuseg.yaml.
    expect({ seed, ...train }).toMatchObject({ seed: 9, patience: 0, epochs: 8, batchSize: 6, lr: 1e-3 });
    expect(text.contextLength).toBe(10);
    expect(loadConfig(written('absolute.yaml', `preset: ${JSON.stringify(base)}\n`)).seed).toBe(5);
    expect(loadConfig(middle).train.epochs).toBe(8);
  });

  it('refuses presets that lead back, are missing, or have nothing to be relative to', () => {
    const a = written('loop/a.yaml', 'preset: ./b.yaml\n');
    written('loop/b.yaml', 'preset: ../loop/c.yml\n');
    written('loop/c.yml', 'preset: b.yaml\n');
    const loop = failure(() => loadConfig(a));
    expect(loop.code).toBe('CONFIG_INVALID');
    expect(loop.message).toContain('a.yaml -> ./b.yaml -> ../loop/c.yml -> b.yaml leads back to a file');
    const own = failure(() => loadConfig(written('self.yaml', 'preset: self.yaml\n')));
    expect([own.code, own.message]).toEqual(['CONFIG_INVALID', expect.stringMatching(/leads back/)]);
    const missing = failure(() => loadConfig(written('lost.yaml', 'preset: ./nowhere.yaml\n')));
    expect(missing.code).toBe('CONFIG_UNREADABLE');
    expect(missing.message).toMatch(/lost\.yaml: preset: .*nowhere\.yaml: no such file/);
    for (const refused of [() => loadPreset('./a.yaml'), () => resolveConfig({ preset: a })])
      expect(failure(refused)).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(
          "preset: expected a preset's name, since there is no file",
        ) as string,
      });
  });

  it('names an unknown key, its path and the closest known one', () => {
    const error = failure(() => loadConfig(file('train:\n  batch_size: 8\n')));
    expect(error.code).toBe('CONFIG_UNKNOWN_KEY');
    expect(error.message).toContain('train.batch_size');
    expect(error.message).toContain('train.batchSize');
    expect(failure(() => loadConfig(file('learningRate: 1\n'))).message).toContain('learningRate');
    expect(failure(() => resolveConfig({}, { 'data.lr': 1 })).message).toContain('train.lr');
  });

  it.each([
    ['train:\n  lr: fast\n', 'train.lr: expected a number, got "fast"'],
    ['train:\n  epochs: 0\n', 'train.epochs: expected a number of at least 1, got 0'],
    ['train:\n  epochs: 1.5\n', 'train.epochs: expected a whole number, got 1.5'],
    [
      'train:\n  schedule: linear\n',
      'train.schedule: expected one of constant, cosine, cosine-warm-restarts, exponential, one-cycle, got "linear"',
    ],
    ['train:\n  batchSize: 1e9\n', 'train.batchSize: expected a number of at most 65536, got 1000000000'],
    ['model:\n  imageSize: 100\n', 'model.imageSize: expected a multiple of 16, got 100'],
    ['model: 3\n', 'model: expected an object, got 3'],
    ['device: gpu\n', 'device: expected cpu, cuda or cuda:N, got "gpu"'],
    ['preset: nonesuch\n', 'preset: expected one of'],
    ['preset: [monuseg]\n', 'preset: expected a preset\'s name or a path, got ["monuseg"]'],
    ['- 1\n', 'expected settings by name'],
  ])('refuses %j', (text, message) => {
    const error = failure(() => loadConfig(file(text)));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
  });

  it('tells a missing file and broken YAML from wrong values', () => {
    expect(failure(() => loadConfig(join(folder, 'nonesuch.yaml'))).code).toBe('CONFIG_UNREADABLE');
    expect(failure(() => loadConfig(file('train: [1,\n'))).code).toBe('CONFIG_UNREADABLE');
    for (const text of ['train: &a\n  losses: *a\n', 'train: *nothing\n']) {
      const { code, message } = failure(() => loadConfig(file(text)));
      expect([code, message]).toEqual(['CONFIG_UNREADABLE', expect.stringMatching(/config\.yaml: .*alias/i)]);
      expect(message).not.toContain('\n');
    }
  });

  it('blames the command line for a value from there, and the file or preset for its own', () => {
    const own = file('train:\n  epochs: 0\n');
    expect(failure(() => loadConfig(own)).message).toContain('config.yaml: train.epochs');
    expect(failure(() => loadConfig(own, { 'train.epochs': -1 })).message).toMatch(
      /^the command line: train\.epochs/,
    );
    expect(failure(() => loadPreset('phantom', { 'data.folds': 5, 'data.fold': 6 })).message).toMatch(
      /^the command line: data\.fold: /,
    );
    expect(failure(() => loadPreset('phantom', { 'train.betas': [0.9, 2] })).message).toMatch(
      /^the command line: train\.betas\.1: /,
    );
  });

  it('takes kinds of rewordings as a list of names', () => {
    const kinds = loadPreset('phantom', { 'augment.noteKinds': 'misspelt, verbose' }).augment.noteKinds;
    expect(noteKindsOf(kinds)).toEqual(['misspelt', 'verbose']);
    expect(noteKindsOf(loadPreset('phantom').augment.noteKinds)).toHaveLength(7);
    expect(failure(() => loadPreset('phantom', { 'augment.noteKinds': 'misspelled' })).message).toMatch(
      /augment\.noteKinds: expected all, or a list of reordered, .*translated, got "misspelled"/,
    );
  });

  it('survives its own YAML unchanged', () => {
    const config = loadPreset('qata-cov19-upstream', { seed: 7, 'data.dir': 'some: folder #1' });
    expect(loadConfig(file(configToYaml(config)))).toEqual(config);
  });
});

describe('presets', () => {
  it('resolve, every one of them', () => {
    expect(presetNames()).toEqual(
      expect.arrayContaining([
        'monuseg',
        'monuseg-upstream',
        'mosmeddata-plus',
        'mosmeddata-plus-upstream',
        'phantom',
        'qata-cov19',
        'qata-cov19-upstream',
      ]),
    );
    for (const name of presetNames()) {
      const peer = modelNames().find((model) => name.endsWith(`-${model}`));
      expect(loadPreset(name).model.name).toBe(peer ?? 'reclmis');
    }
  });

  it('hold what docs/method.md 9 says of the data sets', () => {
    expect(loadPreset('qata-cov19')).toMatchObject({
      text: { contextLength: 24 },
      train: { lr: 3e-4, batchSize: 32, epochs: 200 },
    });
    expect(loadPreset('qata-cov19-upstream')).toMatchObject({
      model: { variant: 'upstream', layers: 4 },
      text: { contextLength: 18 },
      train: { schedule: 'cosine-warm-restarts', restartEpochs: 10, minLr: 1e-4, batchSize: 32 },
    });
    expect(loadPreset('mosmeddata-plus-upstream')).toMatchObject({
      model: { layers: 3, interestDropout: 0.5, maskRatios: { visual: 0.3, textual: 0.3 } },
      train: { schedule: 'exponential', decay: 0.99, minLr: 3e-5, batchSize: 20, epochs: 500 },
    });
    expect(loadPreset('monuseg')).toMatchObject({
      text: { contextLength: 10 },
      train: { lr: 1e-3, batchSize: 24 },
    });
  });
});

describe('describeSettings', () => {
  it('covers every leaf of the configuration with its default and a description', () => {
    const leaves = new Map<string, unknown>();
    const visit = (value: unknown, path: string): void => {
      const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (isTree && Object.keys(value).length > 0) {
        for (const [key, child] of Object.entries(value)) visit(child, path ? `${path}.${key}` : key);
      } else leaves.set(path, value);
    };
    visit(loadConfig(), '');
    const settings = describeSettings();
    expect(new Map(settings.map((setting) => [setting.path, setting.default]))).toEqual(leaves);
    for (const setting of settings) expect(setting.description, setting.path).not.toBe('');
  });

  it('gives types and choices', () => {
    const of = (path: string) => describeSettings().find((setting) => setting.path === path);
    expect(of('train.lr')).toMatchObject({ type: 'number', default: 3e-4 });
    expect(of('train.epochs')).toMatchObject({ type: 'integer' });
    expect(of('model.components.ci')).toMatchObject({ type: 'boolean', default: true });
    expect(of('train.schedule')).toMatchObject({ type: 'choice', default: 'cosine' });
    expect(of('train.betas')).toMatchObject({ type: 'numbers', default: [0.9, 0.999] });
    expect(of('data.dir')).toMatchObject({ type: 'string' });
  });
});

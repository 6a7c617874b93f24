/**
 * Tests the comparison with golden files of tiny models made here: parity must hold, and fail once any figure changes.
 * Only the authors' file can say that the model is right.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { scope, type Tensor, writeSafetensors } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawMask } from '../model/masking.js';
import { UPSTREAM } from '../model/options.js';
import { RecLMIS } from '../model/reclmis.js';
import { goldenPath } from '../testing/golden.js';
import { ClipTextTower } from '../clip/tower.js';
import { objective, requiredLosses } from '../model/losses.js';
import type { Golden } from './golden.js';
import { assertParity, runParity } from './parity.js';
import { rebuildInputs, rebuildModel } from './rebuild.js';

const AUTHORS = goldenPath('reclmis');
const WIDTH = 64;
const S = 32;

interface Setting {
  readonly seed: number;
  readonly layers: number;
  readonly img_mask_rate: number;
  readonly text_mask_rate: number;
  readonly tokens: number[][];
}

/** A golden file of a tiny model, with our own model's figures and full outputs. */
function makeGolden(setting: Setting): { golden: Golden; full: Map<string, Tensor> } {
  const B = setting.tokens.length;
  const T = setting.tokens[0]?.length ?? 0;
  using tower = new ClipTextTower({
    vocabulary: 40,
    width: WIDTH,
    layers: 2,
    heads: 1,
    positions: 16,
    projection: WIDTH,
  });
  using model = new RecLMIS({
    ...UPSTREAM,
    baseWidth: WIDTH / 8,
    textWidth: WIDTH,
    imageSize: S,
    layers: setting.layers,
  });
  const shapes = [
    ...[...tower.stateDict()].map(([key, tensor]) => [`clip.${key}`, tensor.shape] as const),
    ...[...model.stateDict()].map(([key, tensor]) => [key, tensor.shape] as const),
  ];
  const none = { mean: 0, std: 0, first: [] };
  const rows = <V>(value: V): V[] => Array.from({ length: B }, () => value);
  const blank: Golden = {
    ...setting,
    context_length: T,
    batch: B,
    parameters: [
      ['up1.pixModule.conv_sig.0.bias', [8], false],
      ...shapes.map(([key, shape]): [string, number[], boolean] => [key, [...shape], true]),
    ],
    mask_boxes: Array.from({ length: B }, (_, b) => [4, 20 + b, 6, 24]),
    masked_patches: rows([0]),
    masked_words: rows([0]),
    outputs: {
      probability: { shape: [B, 1, S, S], ...none },
      clip_text: { shape: [B, T, WIDTH], ...none },
      f_image: { shape: [B, WIDTH, 2, 2], ...none },
      f_text: { shape: [B, T, WIDTH], ...none },
      ci_image: { shape: [B, 4, WIDTH], ...none },
      ci_text: { shape: [B, T, WIDTH], ...none },
      poi: rows([0, 0, 0, 0]),
      woi: rows(Array.from({ length: T }, () => 0)),
      losses: { dice: 0, bce: 0, seg: 0, ccl: 0, text_rec: 0, img_rec: 0, total: 0 },
    },
    gradient_norms: { 'outc.bias': 0 },
  };
  const built = rebuildModel(blank, 'blank');
  try {
    const inputs = rebuildInputs(blank);
    const note = built.tower.encodeTokens(setting.tokens);
    const first = built.model.forwardTraining(inputs.images, note);
    const [poi, woi] = [first.poi as Tensor, first.woi as Tensor];
    const patches = drawMask({
      probability: poi,
      valid: null,
      ratio: setting.img_mask_rate,
      strategy: 'topk',
    });
    const words = drawMask({
      probability: woi,
      valid: note.valid,
      ratio: setting.text_mask_rate,
      strategy: 'topk',
    });
    const out = built.model.forwardTraining(inputs.images, note, { patches, words });
    const { total, values } = objective(out, inputs.masks, requiredLosses(['ccl', 'clr', 'cvr']));
    total.backward();
    const split = (tensor: Tensor): number[][] => {
      const flat = Array.from(tensor.to({ dtype: 'float32' }).toFloat32Array());
      return Array.from({ length: B }, (_, b) =>
        flat.slice((b * flat.length) / B, ((b + 1) * flat.length) / B),
      );
    };
    const indices = (mask: Tensor): number[][] =>
      split(mask).map((row) => row.flatMap((on, i) => (on ? [i] : [])));
    const summarise = (tensor: Tensor): Golden['outputs']['probability'] => ({
      shape: [...tensor.shape],
      mean: tensor.mean().item(),
      std: tensor.std(null, { correction: 1 }).item(),
      first: Array.from(tensor.reshape([-1]).narrow(0, 0, 8).toFloat32Array()),
    });
    const { dice = 0, bce = 0, ccl = 0, clr = 0, cvr = 0 } = values;
    const full = new Map(
      [
        ['probability', out.probability],
        ['ci_image', out.interactedImage as Tensor],
      ].map(([key, tensor]) => [key as string, (tensor as Tensor).detach()]),
    );
    const gradients = [...built.model.namedParameters()].map(([key, p]) => [
      key,
      (p.grad as Tensor).norm().item(),
    ]);
    const golden: Golden = {
      ...blank,
      masked_patches: indices(patches),
      masked_words: indices(words),
      outputs: {
        probability: summarise(out.probability.detach()),
        clip_text: summarise(note.features),
        f_image: summarise(out.imageFeatures.detach()),
        f_text: summarise((out.textFeatures as Tensor).detach()),
        ci_image: summarise((out.interactedImage as Tensor).detach()),
        ci_text: summarise((out.interactedText as Tensor).detach()),
        poi: split(poi.detach()),
        woi: split(woi.detach()),
        losses: { dice, bce, seg: (dice + bce) / 2, ccl, text_rec: clr, img_rec: cvr, total: values.total },
      },
      gradient_norms: Object.fromEntries(gradients) as Record<string, number>,
    };
    return { golden, full };
  } finally {
    built.model.dispose();
    built.tower.dispose();
  }
}

const SETTINGS: Record<string, Setting> = {
  'two notes, two layers': {
    seed: 3,
    layers: 2,
    img_mask_rate: 0.5,
    text_mask_rate: 0.3,
    tokens: [
      [38, 5, 6, 7, 8, 39, 0, 0],
      [38, 9, 39, 0, 0, 0, 0, 0],
    ],
  },
  'three notes, one layer, other ratios': {
    seed: 2_000_000_011,
    layers: 1,
    img_mask_rate: 0.25,
    text_mask_rate: 0.7,
    tokens: [
      [38, 11, 12, 13, 39],
      [38, 14, 39, 0, 0],
      [38, 39, 0, 0, 0],
    ],
  },
};

let folder = '';
const files = new Map<string, { path: string; golden: Golden }>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reclmis-parity-'));
  Object.entries(SETTINGS).forEach(([name, setting], i) => {
    scope(() => {
      const { golden, full } = makeGolden(setting);
      const path = join(folder, `golden-${i}.json`);
      writeFileSync(path, JSON.stringify(golden));
      if (i === 0) writeSafetensors(path.replace('.json', '.safetensors'), full);
      files.set(name, { path, golden });
    });
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): { path: string; golden: Golden } => {
  const found = files.get(name);
  if (!found) throw new Error(`no golden file ${name}`);
  return found;
};
const errorOf = (action: () => unknown): ReclmisError => {
  try {
    action();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('runParity', () => {
  it.each(Object.keys(SETTINGS))('holds for a file with %s', (name) => {
    const { path, golden } = file(name);
    const report = runParity(path);
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.passed).toBe(true);
    assertParity(report);
    const kinds = report.rows.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'gradient')).toHaveLength(
      Object.keys(golden.gradient_norms).length,
    );
    expect(kinds.filter((kind) => kind === 'loss')).toHaveLength(7);
  });

  const changes: readonly (readonly [string, string, (golden: Golden) => void])[] = [
    ['a loss', 'ccl', (golden) => (golden.outputs.losses.ccl += 2e-4)],
    ['a mean', 'f_text', (golden) => (golden.outputs.f_text.mean += 2e-4)],
    ['a deviation', 'f_image', (golden) => (golden.outputs.f_image.std += 2e-4)],
    ['a first element', 'clip_text', (golden) => (golden.outputs.clip_text.first[2] = 99)],
    ['a probability of a patch', 'poi', (golden) => (golden.outputs.poi[1] = [1, 0, 0, 0])],
    ['a gradient', 'inc.conv.weight', (golden) => (golden.gradient_norms['inc.conv.weight'] = 1)],
    ['the seed', 'probability', (golden) => (golden.seed += 1)],
    ['a note', 'f_text', (golden) => (golden.tokens[0] = [38, 5, 6, 20, 8, 39, 0, 0])],
    ['the mask ratio', 'masked_words', (golden) => (golden.text_mask_rate = 0.6)],
    ['a masked patch', 'img_rec', (golden) => (golden.masked_patches[0] = [0])],
    ['a mask box', 'dice', (golden) => (golden.mask_boxes[0] = [0, 32, 0, 32])],
  ];
  it.each(changes)('fails once %s is another', (_, row, change) => {
    const golden = structuredClone(file('two notes, two layers').golden);
    change(golden);
    const path = join(folder, 'changed.json');
    writeFileSync(path, JSON.stringify(golden));
    const report = runParity(path);
    expect(report.passed).toBe(false);
    expect(report.rows.find(({ name }) => name === row)?.ok).toBe(false);
    const error = errorOf(() => assertParity(report));
    expect(error.code).toBe('PARITY_FAILED');
  });

  it('fails where an element of a full output is another, beyond what the summary shows', () => {
    const { golden } = file('two notes, two layers');
    const path = join(folder, 'full.json');
    writeFileSync(path, JSON.stringify(golden));
    scope(() => {
      const { full } = makeGolden(SETTINGS['two notes, two layers'] as Setting);
      const image = full.get('ci_image') as Tensor;
      image.view([-1]).narrow(0, 300, 1).add_(1e-3);
      writeSafetensors(path.replace('.json', '.safetensors'), full);
    });
    expect(
      runParity(path)
        .rows.filter(({ ok }) => !ok)
        .map(({ name }) => name),
    ).toEqual(['ci_image']);
  });

  const broken: readonly (readonly [string, (golden: Golden) => unknown])[] = [
    ['a text that is cut short', (golden) => JSON.stringify(golden).slice(0, 5000)],
    ['another JSON', () => '[1, 2]'],
    ['no gradient norms', (golden) => ({ ...golden, gradient_norms: {} })],
    ['a parameter too few', (golden) => ({ ...golden, parameters: golden.parameters.slice(0, -1) })],
    [
      'a parameter of another shape',
      (golden) => ({
        ...golden,
        parameters: golden.parameters.map(([k, s, u]) => [k, k === 'outc.bias' ? [2] : s, u]),
      }),
    ],
    [
      'a parameter that is not the model’s',
      (golden) => ({ ...golden, parameters: [...golden.parameters, ['x.weight', [2], true]] }),
    ],
    ['fewer notes than images', (golden) => ({ ...golden, tokens: golden.tokens.slice(1) })],
    ['a patch outside the grid', (golden) => ({ ...golden, masked_patches: [[4], [0]] })],
    [
      'a box outside the image',
      (golden) => ({
        ...golden,
        mask_boxes: [
          [0, 33, 0, 4],
          [0, 4, 0, 4],
        ],
      }),
    ],
    [
      'a gradient of no parameter',
      (golden) => ({ ...golden, gradient_norms: { ...golden.gradient_norms, y: 1 } }),
    ],
    [
      'a lost gradient',
      (golden) => ({ ...golden, gradient_norms: { 'outc.bias': golden.gradient_norms['outc.bias'] } }),
    ],
  ];
  it.each(broken)('refuses a file with %s', (_, change) => {
    const changed = change(structuredClone(file('two notes, two layers').golden));
    const path = join(folder, 'broken.json');
    writeFileSync(path, typeof changed === 'string' ? changed : JSON.stringify(changed));
    expect(errorOf(() => runParity(path)).code).toBe('GOLDEN_INVALID');
  });

  it('refuses a file that is not there', () => {
    expect(errorOf(() => runParity(join(folder, 'none.json'))).code).toBe('GOLDEN_INVALID');
  });
});

describe('against the authors’ outputs', () => {
  it('parity holds', () => {
    const report = runParity(AUTHORS);
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.worstOutput).toBeLessThan(1e-5);
    expect(report.worstLoss).toBeLessThan(1e-6);
    expect(report.worstGradient).toBeLessThan(5e-3);
    const { gradient_norms } = JSON.parse(readFileSync(AUTHORS, 'utf8')) as Golden;
    expect(report.rows.filter(({ kind }) => kind === 'gradient')).toHaveLength(
      Object.keys(gradient_norms).length,
    );
  }, 180_000);
});

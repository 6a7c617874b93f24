import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  full,
  openTensorSource,
  scope,
  stateDictOf,
  type Tensor,
  TorchArchive,
  writeTorchArchive,
  zeros,
} from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun } from '../run/run.js';
import { tinyMerges } from '../testing/tiny-clip.js';
import { writeTinyData } from '@reclmis/data/testing';
import { TINY_SIZE as SIZE, writeTinyCheckpoint as writeCheckpoint } from '../testing/tiny-checkpoint.js';
import { exportRun } from './export-run.js';
import { importRun } from './import-run.js';
import { failure } from '../testing/failure.js';
import { makeTinyRun } from '../testing/tiny-run.js';
import { readReference } from '../run/reference.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { checkpointPath } from '../run/checkpoint.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-exchange-'));
const vocabulary = join(root, 'merges.txt');
beforeAll(() => writeFileSync(vocabulary, tinyMerges()));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const hashes = (file: string): Map<string, string> => {
  using archive = TorchArchive.open(file);
  return scope(
    () =>
      new Map(
        [...stateDictOf(archive)].map(([key, tensor]) => [
          key,
          `${tensor.dtype} ${Buffer.from(archive.read(tensor).toBytes()).toString('base64')}`,
        ]),
      ),
  );
};

describe('an authors’ checkpoint', () => {
  const file = join(root, 'best_model.pth.tar');
  const dir = join(root, 'run');

  it('becomes a run by its shapes', async () => {
    writeCheckpoint(file, (state) => state.set('something.else', zeros([2])));
    const run = await importRun(file, dir, { vocabulary, contextLength: 10 });
    expect(run.config.model).toMatchObject({
      variant: 'upstream',
      baseWidth: 8,
      imageSize: SIZE,
      layers: 2,
      components: { ci: true, ccl: true, clr: true, cvr: true },
    });
    expect([run.config.data.resize, run.stated]).toEqual(['upstream', false]);
    expect(run.config.text).toEqual({
      encoder: 'clip-vit-b-32',
      contextLength: 10,
      unknownWords: 'nearest',
    });
    expect(run.missing).toEqual([]);
    expect(run.unexpected).toEqual(['something.else']);
    expect(run.unused).toBe(2);
    const { info } = openRun(dir);
    expect(info).toMatchObject({
      status: 'imported',
      importedFrom: 'best_model.pth.tar',
      epochs: 41,
      data: null,
    });
    expect(readdirSync(join(dir, 'text')).sort()).toEqual([
      'merges.txt',
      'model.safetensors',
      'weights.json',
    ]);
  });

  it('is evaluated as any run, with its own tower and temperature', async () => {
    const data = join(root, 'data');
    await writeTinyData(data, SIZE, { train: 2, val: 2, test: 3 });
    const evaluation = await evaluateRun(dir, { dataDir: data, batchSize: 2 });
    expect(evaluation.summary.count).toBe(3);
    expect(evaluation.checkpoint.epoch).toBe(41);
    using loaded = openRun(dir).loadModel();
    expect(loaded.model.options).toHaveProperty('logitScale', 4.625);
    expect(loaded.encoder.contextLength).toBe(10);
  });

  it('goes out again equal to the bit, but for what takes no part', () => {
    const written = join(root, 'out.pth');
    const result = exportRun(dir, written);
    expect(result.tower).toBe(true);
    const before = hashes(file);
    const after = hashes(written);
    expect(after.size).toBe(result.tensors);
    for (const key of before.keys())
      if (!after.has(key))
        expect(key).toMatch(/^(something\.else|clip\.visual|.*num_batches_tracked|.*conv_sig.*)/);
    for (const [key, value] of after) {
      // The model keeps the temperature in single precision.
      if (key !== 'clip.logit_scale') expect([key, value]).toEqual([key, before.get(key)]);
    }
    expect(after.has('clip.logit_scale')).toBe(true);
  });

  it('may lack what only training needs, and is told so', async () => {
    const partial = join(root, 'partial.pth');
    writeCheckpoint(partial, (state) => {
      for (const key of [...state.keys()]) if (key.startsWith('rec_text_trans1.')) state.delete(key);
      state.delete('mlp_woi.2.bias');
    });
    const run = await importRun(partial, join(root, 'partial'), { vocabulary });
    expect(run.config.model.components).toEqual({ ci: true, ccl: true, clr: false, cvr: true });
    expect(run.missing).toEqual(['mlp_woi.2.bias']);
    expect(run.config.text.contextLength).toBe(18);
  });

  it('is refused where inference would lack something, and nothing is kept', async () => {
    const cases: [string, (state: Map<string, Tensor>) => void][] = [
      ['up1.nConvs.0.conv.weight', (state) => state.delete('up1.nConvs.0.conv.weight')],
      ['expected a RecLMIS checkpoint', (state) => state.delete('inc.conv.weight')],
      ['outc.bias: expected shape', (state) => state.set('outc.bias', zeros([2]))],
      ['outc.bias: expected finite', (state) => state.set('outc.bias', full([1], Number.POSITIVE_INFINITY))],
      ['a text tower of CLIP', (state) => state.delete('clip.token_embedding.weight')],
    ];
    for (const [text, change] of cases) {
      const bad = join(root, 'bad.pth');
      const out = join(root, 'bad-run');
      writeCheckpoint(bad, change);
      const error = await failure(() => importRun(bad, out, { vocabulary }));
      expect([text, error.code]).toEqual([text, 'WEIGHTS_UNSUPPORTED']);
      expect(error.message).toContain(text);
      expect(existsSync(out)).toBe(false);
    }
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await failure(() => importRun(file, dir, { vocabulary }))).code).toBe('OUTPUT_EXISTS');
    const noWords = await failure(() =>
      importRun(join(root, 'out.pth'), join(root, 'x'), { vocabulary: join(root, 'none') }),
    );
    expect(noWords.code).toBe('VOCABULARY_INVALID');
  });
});

describe.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['reclmis', {}, { 'text.unknownWords': 'ignored', 'data.resize': 'upstream' }],
  ['vilt', { patch: 16, tokens: 12 }, { 'model.baseWidth': 8 }],
])('a run of %s that reads notes by words', (name, options, settings) => {
  const image = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * 31) % 89) / 89);
  const notes = [
    'Unilateral pulmonary infection, one infected area, lower left lung.',
    'unilateral pulmonray infection, two areas', // a slip, and words that training has not seen
  ];
  const file = join(root, `${name}.pth`);
  const back = join(root, `${name}-back`);
  let run: string;

  beforeAll(async () => {
    run = await makeTinyRun(join(root, name), {
      'model.name': name,
      'model.options': options,
      'train.epochs': 1,
      ...settings,
    });
    expect(exportRun(run, file)).toMatchObject({ tower: false });
    await importRun(file, back);
  });

  it('comes back with its vocabulary and settings, and gives the same outputs to the bit', () => {
    const [before, after] = [openRun(run), openRun(back)];
    expect(after.config.model).toEqual(before.config.model);
    expect(after.config.text).toEqual(before.config.text);
    expect(after.config.data.resize).toBe(before.config.data.resize);
    expect(after.info.note).toEqual(before.info.note);
    expect(after.habits).toEqual(before.habits);
    expect(after.info).toMatchObject({
      status: 'imported',
      importedFrom: `${name}.pth`,
      epochs: 1,
      data: null,
    });
    expect(readReference(back)).toEqual(readReference(run));
    expect(tensorHashes(checkpointPath(back, 'best'))).toEqual(tensorHashes(checkpointPath(run, 'best')));
    using a = before.loadModel();
    using b = after.loadModel();
    expect(b.encoder.describe()).toEqual(a.encoder.describe());
    for (const note of notes)
      expect([
        note,
        Buffer.compare(bytesOf(b.probabilities(image, [note])), bytesOf(a.probabilities(image, [note]))),
      ]).toEqual([note, 0]);
    const [first, second] = notes.map((note) => b.probabilities(image, [note]));
    expect(first).not.toEqual(second); // it does read them
  });

  it('goes out again as the same file, and tells no path', () => {
    const again = join(root, `${name}-again.pth`);
    exportRun(back, again);
    expect(hashes(again)).toEqual(hashes(file));
    const [one, two] = [file, again].map(settingsOf);
    expect(JSON.parse(two ?? '')).toEqual(JSON.parse(one ?? ''));
    expect(one).not.toContain(root);
  });
});

const bytesOf = (values: Float32Array): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);
function settingsOf(file: string): string {
  const source = openTensorSource(file);
  try {
    const text = source.about.get('reclmis');
    return typeof text === 'string' ? text : '';
  } finally {
    source.close();
  }
}

describe('settings in a file', () => {
  const file = join(root, 'reclmis.pth');
  const copyWith = (
    own: string | number,
    change: (state: Map<string, Tensor>) => void = () => undefined,
  ): string => {
    const bad = join(root, 'changed.pth');
    using archive = TorchArchive.open(file);
    scope(() => {
      const state = new Map([...stateDictOf(archive)].map(([key, tensor]) => [key, archive.read(tensor)]));
      change(state);
      writeTorchArchive(bad, state, { wrap: { key: 'state_dict', meta: { reclmis: own } } });
    });
    return bad;
  };

  it('are refused if damaged, and a file that lacks a parameter', async () => {
    const text = settingsOf(file);
    const whole = JSON.parse(text) as Record<string, object>;
    const with_ = (part: object): string => JSON.stringify({ ...whole, ...part });
    const out = join(root, 'none');
    for (const [own, message] of [
      [7, /expected text, got number/],
      ['{', /cannot be read/],
      [
        with_({ format: 'reclmis-export/9' }),
        /expected format reclmis-export\/1, got reclmis-export\/9, made by a newer version/,
      ],
      [with_({ config: { ...whole['config'], model: { baseWidth: 0 } } }), /model\.baseWidth/],
      [with_({ encoder: { kind: 'words', recipe: 'other' } }), /expected kind words by recipe/],
    ] as const) {
      const error = await failure(() => importRun(copyWith(own), out));
      expect([error.code, error.message]).toEqual(['WEIGHTS_UNSUPPORTED', expect.stringMatching(message)]);
      expect(existsSync(out)).toBe(false);
    }
    const lacking = copyWith(text, (state) => state.delete('mlp_woi.2.bias'));
    expect((await failure(() => importRun(lacking, out))).message).toMatch(
      /lacks 1 parameters of the model: mlp_woi\.2\.bias/,
    );
  });

  it('contradicted by options are refused', async () => {
    for (const [options, message] of [
      [{ contextLength: 18 }, /--context-length 18: .* was trained with 12 tokens/],
      [{ sides: 'image' }, /--sides image: .* mean patient sides/],
      [{ vocabulary }, /--vocabulary: .* has the words encoder/],
    ] as const) {
      const error = await failure(() => importRun(file, join(root, 'none'), options));
      expect([error.code, error.message]).toEqual(['OPTION_INVALID', expect.stringMatching(message)]);
    }
    const { config, stated } = await importRun(file, join(root, 'agreed'), {
      contextLength: 12,
      sides: 'patient',
    });
    expect([stated, config.note.sides]).toEqual([true, 'patient']);
  });
});

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { full, scope, stateDictOf, type Tensor, TorchArchive, zeros } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun } from '../run/run.js';
import { tinyMerges } from '../testing/tiny-clip.js';
import { writeTinyData } from '../testing/tiny-data.js';
import { TINY_SIZE as SIZE, writeTinyCheckpoint as writeCheckpoint } from '../testing/tiny-checkpoint.js';
import { exportRun } from './export-run.js';
import { importRun } from './import-run.js';
import { failure } from '../testing/failure.js';

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

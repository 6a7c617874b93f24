import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReclmisError } from '@reclmis/core';
import {
  full,
  readSafetensors,
  scope,
  type Tensor,
  writeSafetensors,
  writeTorchArchive,
  zeros,
} from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asHuggingFace, TINY_TOWER, tinyMerges, tinyTower } from '../testing/tiny-clip.js';
import { importWeights } from './import.js';
import type { StoredWeights } from './stored.js';
import { failure } from '../testing/failure.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-import-'));
const vocabulary = join(root, 'vocabulary', 'merges.txt');
beforeAll(() => {
  mkdirSync(join(root, 'vocabulary'));
  writeFileSync(vocabulary, tinyMerges());
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let serial = 0;
/** A new file in its own folder. */
function place(name: string): string {
  const dir = join(root, `case-${++serial}`);
  mkdirSync(dir);
  return join(dir, name);
}
const homeOf = (): string => join(root, `home-${++serial}`);

const bytesOf = ({ model }: StoredWeights): Map<string, string> =>
  scope(
    () =>
      new Map(
        [...readSafetensors(model).tensors].map(([key, tensor]) => [
          key,
          `${tensor.dtype} ${tensor.shape.join('x')} ${Buffer.from(tensor.toBytes()).toString('base64')}`,
        ]),
      ),
  );

async function importChanged(change: (state: Map<string, Tensor>) => void): Promise<ReclmisError> {
  const file = place('model.safetensors');
  scope(() => {
    const state = tinyTower();
    change(state);
    writeSafetensors(file, state);
  });
  return failure(() => importWeights(file, { vocabulary, home: homeOf() }));
}

describe('importWeights', () => {
  it('takes every published form to the same tensors', async () => {
    const files = scope(() => {
      const state = tinyTower();
      const wide = new Map([...state].map(([key, tensor]) => [key, tensor.to({ dtype: 'float32' })]));
      const prefixed = new Map([...state].map(([key, tensor]) => [`module.clip.${key}`, tensor]));
      prefixed.set('module.clip.visual.transformer.resblocks.0.ln_1.weight', zeros([8]));
      const clip = place('clip.safetensors');
      writeSafetensors(clip, state);
      const wideFile = place('wide.safetensors');
      writeSafetensors(wideFile, wide);
      const hugging = place('model.safetensors');
      writeSafetensors(hugging, asHuggingFace(state));
      const bin = place('pytorch_model.bin');
      writeTorchArchive(bin, asHuggingFace(wide), { wrap: null });
      const checkpoint = place('best.pth.tar');
      writeTorchArchive(checkpoint, prefixed, { wrap: { key: 'state_dict', meta: { epoch: 3 } } });
      return [clip, wideFile, hugging, bin, checkpoint];
    });
    const all = [];
    for (const file of files) all.push(await importWeights(file, { vocabulary, home: homeOf() }));
    const [first, ...others] = all.map(bytesOf);
    expect(first?.size).toBe(12 * TINY_TOWER.layers + 6);
    expect([...(first?.values() ?? [])].every((value) => value.startsWith('float16'))).toBe(true);
    for (const other of others) expect(other).toEqual(first);
    expect(new Set(all.map(({ manifest }) => manifest.fingerprint)).size).toBe(1);
    expect(all[0]?.manifest).toMatchObject({
      id: 'clip-64-2',
      tower: TINY_TOWER,
      source: { name: 'clip.safetensors' },
    });
  });

  it('proposes the id by the image tower’s patches, whose weights it leaves out', async () => {
    const file = place('model.safetensors');
    // Only what decides the id has ViT-B/16's real size; 12 blocks of width 512 would be 127 MB.
    const error = await importChanged((state) => {
      state.set('visual.conv1.weight', zeros([8, 3, 16, 16]));
      state.delete('transformer.resblocks.1.ln_2.bias');
    });
    expect(error.code).toBe('WEIGHTS_UNSUPPORTED');
    expect(error.message).toContain('transformer.resblocks.1.ln_2.bias');
    expect(existsSync(file)).toBe(false);
  });

  it('looks for the vocabulary beside the file, then in the store', async () => {
    const file = place('model.safetensors');
    scope(() => writeSafetensors(file, tinyTower()));
    const home = homeOf();
    expect((await failure(() => importWeights(file, { home }))).code).toBe('VOCABULARY_MISSING');
    expect(existsSync(home)).toBe(false);
    writeFileSync(join(file, '..', 'merges.txt'), readFileSync(vocabulary));
    const first = await importWeights(file, { home });
    rmSync(join(file, '..', 'merges.txt'));
    const second = await importWeights(file, { home, id: 'again' });
    expect(second.manifest.vocabulary.sha256).toBe(first.manifest.vocabulary.sha256);
    expect((await failure(() => importWeights(file, { home }))).code).toBe('OUTPUT_EXISTS');
    expect((await importWeights(file, { home, force: true })).manifest.fingerprint).toBe(
      first.manifest.fingerprint,
    );
  });

  it('says what is wrong with other models, and keeps nothing', async () => {
    const bert = place('bert.safetensors');
    scope(() => writeSafetensors(bert, new Map([['bert.embeddings.word_embeddings.weight', zeros([4, 4])]])));
    const home = homeOf();
    const error = await failure(() => importWeights(bert, { vocabulary, home }));
    expect(error.code).toBe('WEIGHTS_UNSUPPORTED');
    expect(error.message).toContain('bert.embeddings.word_embeddings.weight');
    expect(existsSync(home)).toBe(false);

    const cases: [string, (state: Map<string, Tensor>) => void][] = [
      ['expected 49408 tokens', (state) => state.set('token_embedding.weight', zeros([100, 64]))],
      [
        'expected shape [64, 64]',
        (state) => state.set('transformer.resblocks.0.attn.out_proj.weight', zeros([64, 32])),
      ],
      ['finite', (state) => state.set('ln_final.bias', full([64], Number.NaN))],
      ['too large for half precision', (state) => state.set('ln_final.bias', full([64], 1e6))],
    ];
    for (const [text, change] of cases) {
      const thrown = await importChanged(change);
      expect(thrown.code).toBe('WEIGHTS_UNSUPPORTED');
      expect(thrown.message).toContain(text);
    }
    const left = readdirSync(root).filter((name) => name.startsWith('home-'));
    for (const name of left) {
      const folder = join(root, name, 'weights');
      if (existsSync(folder))
        expect(readdirSync(folder).filter((entry) => entry.startsWith('.'))).toEqual([]);
    }
  });

  it('refuses another activation, which only config.json tells', async () => {
    const file = place('model.safetensors');
    scope(() => writeSafetensors(file, tinyTower()));
    const config = join(file, '..', 'config.json');
    writeFileSync(config, JSON.stringify({ model_type: 'clip', text_config: { hidden_act: 'gelu' } }));
    const error = await failure(() => importWeights(file, { vocabulary, home: homeOf() }));
    expect(error.code).toBe('WEIGHTS_UNSUPPORTED');
    expect(error.message).toContain('quick_gelu');
    writeFileSync(config, JSON.stringify({ model_type: 'clip', text_config: { hidden_act: 'quick_gelu' } }));
    expect((await importWeights(file, { vocabulary, home: homeOf() })).id).toBe('clip-64-2');
  });

  it('names a file that is not there, and one that is nothing', async () => {
    expect((await failure(() => importWeights(join(root, 'none.pt'), { vocabulary }))).code).toBe(
      'WEIGHTS_MISSING',
    );
    const nothing = place('nothing.pt');
    writeFileSync(nothing, 'not an archive');
    expect((await failure(() => importWeights(nothing, { vocabulary }))).code).toBe('ARCHIVE_INVALID');
    expect(statSync(nothing).size).toBe(14);
  });
});

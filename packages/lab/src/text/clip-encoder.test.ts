import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClipTokenizer, describeCutNotes, noteLengths } from '@reclmis/core';
import { readSafetensors, scope } from '@reclmis/torch';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig, type TextConfig } from '../config/config.js';
import { importTinyClip, TINY_TOWER, tinyMerges } from '../testing/tiny-clip.js';
import type { StoredWeights } from '../weights/stored.js';
import { buildEncoder, chooseEncoder } from './choose.js';
import { ClipEncoder } from './clip-encoder.js';
import { ClipTextTower } from '../clip/tower.js';
import { restoreNoteEncoder } from './restore.js';
import { WordEncoder } from './words.js';
import { codeOf } from '../testing/failure.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-clip-'));
const home = join(root, 'home');
const before = process.env['RECLMIS_HOME'];
let weights: StoredWeights;
beforeAll(async () => {
  process.env['RECLMIS_HOME'] = home;
  weights = await importTinyClip(root, home);
});
afterEach(() => void (process.env['RECLMIS_HOME'] = home));
afterAll(() => {
  if (before === undefined) delete process.env['RECLMIS_HOME'];
  else process.env['RECLMIS_HOME'] = before;
  rmSync(root, { recursive: true, force: true });
});

const NOTES = ['upper left lung', 'lower right lung', 'upper left lung'];
const T = 12;
const featuresOf = (encoder: ClipEncoder, notes: readonly string[]): Float32Array =>
  scope(() => encoder.encode(notes).features.toFloat32Array());
describe('ClipEncoder', () => {
  it('gives the tower’s features of the tokeniser’s ids', () => {
    const encoder = new ClipEncoder(weights, { contextLength: T, features: null });
    expect(encoder.width).toBe(TINY_TOWER.projection);
    expect(encoder.logitScale).toBe(4.625);
    const tokenizer = ClipTokenizer.fromMerges(tinyMerges());
    using tower = new ClipTextTower(TINY_TOWER);
    scope(() => {
      const { tensors } = readSafetensors(weights.model, { select: (key) => key !== 'logit_scale' });
      tower.loadStateDict(tensors);
      const ids = NOTES.map((note) => tokenizer.encode(note, T).ids);
      const expected = tower.encodeTokens(ids);
      const actual = encoder.encode(NOTES);
      expect(actual.features.shape).toEqual([3, T, 64]);
      expect(actual.valid.toUint8Array()).toEqual(expected.valid.toUint8Array());
      const worst = actual.features.sub(expected.features).abs().max().item();
      expect(worst).toBeLessThan(1e-5); // sums in another order: single notes here, a batch there
      expect(expected.features.abs().max().item()).toBeGreaterThan(0.5);
    });
    encoder.dispose();
  });

  it('gives a note the same bits alone, in a batch, from memory and from disk', () => {
    const features = join(root, 'features');
    const first = new ClipEncoder(weights, { contextLength: T, features });
    const batch = featuresOf(first, NOTES);
    const size = T * 64;
    expect(featuresOf(first, ['lower right lung'])).toEqual(batch.slice(size, 2 * size));
    expect(batch.slice(2 * size)).toEqual(batch.slice(0, size));
    expect(readdirSync(join(features, first.fingerprint))).toHaveLength(2); // distinct notes
    first.dispose();

    const second = new ClipEncoder(weights, { contextLength: T, features });
    expect(featuresOf(second, NOTES)).toEqual(batch);
    expect(second.isLoaded).toBe(false); // the tower was never read
    featuresOf(second, ['a new note']);
    expect(second.isLoaded).toBe(true);
    second.dispose();
    const other = new ClipEncoder(weights, { contextLength: T + 1, features });
    expect(other.fingerprint).not.toBe(second.fingerprint);
  });

  it('reads half-precision and bfloat16 towers', () => {
    scope(() => {
      const { tensors } = readSafetensors(weights.model, { select: (key) => key !== 'logit_scale' });
      expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['float16']));
      using tower = new ClipTextTower(TINY_TOWER);
      tower.loadStateDict(tensors);
      const ids = [ClipTokenizer.fromMerges(tinyMerges()).encode('upper left lung', T).ids];
      const exact = tower.encodeTokens(ids).features;
      tower.to('cpu', 'bfloat16');
      const rough = tower.encodeTokens(ids).features;
      expect(rough.dtype).toBe('float32');
      // bfloat16: 0.4 % per rounding, a few dozen of them in two blocks.
      const worst = rough.sub(exact).abs().max().item();
      expect(worst).toBeGreaterThan(0);
      expect(worst).toBeLessThan(0.05 * exact.abs().max().item());
    });
  });

  it('refuses damaged weights and a context beyond the positions', async () => {
    expect(codeOf(() => new ClipEncoder(weights, { contextLength: 78, features: null }))).toBe(
      'CONFIG_INVALID',
    );
    const elsewhere = await importTinyClip(root, join(root, 'damaged'));
    appendFileSync(elsewhere.merges, 'x y\n');
    expect(codeOf(() => new ClipEncoder(elsewhere, { contextLength: T, features: null }))).toBe(
      'WEIGHTS_CORRUPT',
    );
  });
});

describe('choosing', () => {
  const text = (encoder: TextConfig['encoder']): TextConfig =>
    resolveConfig({ text: { encoder, contextLength: T } }).text;

  it('is the paper’s tower where its weights are, else words, and says so', () => {
    const here = chooseEncoder(text('auto'));
    expect(here.text.encoder).toBe('clip-vit-b-32');
    expect(here.notice).toContain('clip-vit-b-32');
    process.env['RECLMIS_HOME'] = join(root, 'nothing');
    const bare = chooseEncoder(text('auto'));
    expect(bare.text.encoder).toBe('words');
    expect(bare.notice).toContain('reclmis weights fetch clip-vit-b-32');
    expect(chooseEncoder(text('words'))).toEqual({ text: text('words'), notice: null });
    expect(chooseEncoder(text('clip-vit-l-14')).notice).toBeNull();
    expect(buildEncoder(text('auto'), NOTES)).toBeInstanceOf(WordEncoder);
    expect(() => buildEncoder(text('clip-vit-b-16'), NOTES)).toThrow(
      expect.objectContaining({
        code: 'WEIGHTS_MISSING',
        remedy: expect.stringContaining('reclmis weights fetch clip-vit-b-16') as string,
      }),
    );
    expect(existsSync(join(root, 'nothing'))).toBe(false); // asking makes no folder
  });

  it('builds what was chosen, and a run gets back its own weights or none', async () => {
    const encoder = buildEncoder(text('auto'), NOTES);
    expect(encoder).toBeInstanceOf(ClipEncoder);
    const description: unknown = JSON.parse(JSON.stringify(encoder.describe()));
    expect(restoreNoteEncoder(description).fingerprint).toBe(encoder.fingerprint);
    expect(JSON.stringify(description)).not.toContain('lung');

    const others = join(root, 'others');
    await importTinyClip(root, others, 'clip-vit-b-32', 2);
    process.env['RECLMIS_HOME'] = others;
    expect(codeOf(() => restoreNoteEncoder(description))).toBe('WEIGHTS_MISSING'); // other weights of the same name
    process.env['RECLMIS_HOME'] = join(root, 'nothing');
    expect(codeOf(() => restoreNoteEncoder(description))).toBe('WEIGHTS_MISSING');
    expect(codeOf(() => restoreNoteEncoder({ kind: 'clip', id: 5 }))).toBe('VOCABULARY_INVALID');
  });

  it('counts the notes that lose words', () => {
    const words = WordEncoder.fromNotes(NOTES, { contextLength: 2 });
    expect(noteLengths(words, NOTES)).toEqual({ notes: 3, cut: 3, longest: 3 });
    expect(describeCutNotes(words, NOTES)).toBe(
      '3 of 3 notes are longer than the context of 2 tokens and lose their last words; the longest takes 3.',
    );
    expect(describeCutNotes(WordEncoder.fromNotes(NOTES), NOTES)).toBeNull();
    const clip = new ClipEncoder(weights, { contextLength: T, features: null });
    const tokens = ClipTokenizer.fromMerges(tinyMerges()).tokenize('upper left lung').length + 2;
    expect(clip.countTokens('upper left lung')).toBe(tokens);
  });
});

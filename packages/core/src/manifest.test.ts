/** Whose sides a manifest states: of newer models, and of those before it was stated. */
import { describe, expect, it } from 'vitest';
import { formatManifest, manifestJsonSchema, parseManifest } from './manifest.js';
import { WordTokenizer } from './words.js';

const file = (name: string): object => ({ name, sha256: '0'.repeat(64), bytes: 1 });
const manifest = (note: object): object => ({
  format: 'reclmis-model/1',
  name: 'tiny',
  created: '2026-01-01T00:00:00Z',
  versions: { reclmis: '0.1.0', libtorch: '1.13.0', opset: 17 },
  precision: 'fp32',
  image: {
    size: 32,
    channels: ['red', 'green', 'blue'],
    layout: 'NCHW',
    scale: 'v/255',
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
    resize: 'stretch-triangle-antialiased',
  },
  note: {
    contextLength: 4,
    width: 2,
    tokenizer: { kind: 'words', vocabulary: WordTokenizer.fromNotes(['left lung']).toJSON() },
    ...note,
  },
  threshold: 0.5,
  activation: 'sigmoid',
  segmenter: {
    file: file('segmenter.onnx'),
    inputs: { image: 'image', note: 'note' },
    outputs: { probability: 'probability' },
  },
  textEncoder: { file: file('text-encoder.onnx'), inputs: { tokens: 'tokens' }, outputs: { note: 'note' } },
  parameters: 1,
  training: { data: null, checkpoint: { kind: 'best', epoch: 1 }, seed: 1 },
  scores: [],
  intendedUse: 'Tests.',
  limits: ['Knows nothing.'],
  check: { cases: 1, worst: 0 },
});

describe('note.sides', () => {
  it('is unknown in manifests of versions that did not state it', () => {
    expect(parseManifest(manifest({}), 'old').note?.sides).toBe('unknown');
  });

  it('is read and written as it stands', () => {
    for (const sides of ['patient', 'image', 'unknown'] as const) {
      const parsed = parseManifest(manifest({ sides }), 'new');
      expect(parsed.note?.sides).toBe(sides);
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
  });

  it('is one of the three', () => {
    expect(() => parseManifest(manifest({ sides: 'left' }), 'bad')).toThrow(/note\.sides/);
    expect(JSON.stringify(manifestJsonSchema())).toContain('"enum":["patient","image","unknown"]');
  });
});

/**
 * A small manifest for tests (`@reclmis/core/testing`, not published), as plain JSON that a test can break.
 */
import { MANIFEST_FORMAT } from '../manifest.js';
import { WordTokenizer } from '../notes/word-tokenizer.js';

export const manifestFile = (name: string): object => ({ name, sha256: '0'.repeat(64), bytes: 1 });

export interface ManifestShape {
  /** S, side of the input. Default 32. */
  readonly size?: number;
  /** T, tokens. Default 4. */
  readonly tokens?: number;
  /** W, width of a token's features. Default 2. */
  readonly width?: number;
  /** Whose words the tokeniser knows. Default "left lung". */
  readonly words?: string;
  /** Members of `note`; `note: null` in `change` removes it. */
  readonly note?: object;
  /** Default `manifestFile`. */
  readonly file?: (name: string) => object;
}

/** @param change replaces members of the manifest. */
export function manifestJson(
  {
    size = 32,
    tokens = 4,
    width = 2,
    words = 'left lung',
    note = {},
    file = manifestFile,
  }: ManifestShape = {},
  change: object = {},
): object {
  return {
    format: MANIFEST_FORMAT,
    name: 'tiny',
    created: '2026-01-01T00:00:00Z',
    versions: { reclmis: '0.1.0', libtorch: '1.13.0', opset: 17 },
    precision: 'fp32',
    image: {
      size,
      channels: ['red', 'green', 'blue'],
      layout: 'NCHW',
      scale: 'v/255',
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
      resize: 'stretch-triangle-antialiased',
    },
    note: {
      contextLength: tokens,
      width,
      tokenizer: { kind: 'words', vocabulary: WordTokenizer.fromNotes([words]).toJSON() },
      ...note,
    },
    threshold: 0.5,
    activation: 'sigmoid',
    segmenter: {
      file: file('segmenter.onnx'),
      inputs: { image: 'image', note: 'note' },
      outputs: { probability: 'probability' },
      features: null,
      interest: null,
    },
    textEncoder: { file: file('text-encoder.onnx'), inputs: { tokens: 'tokens' }, outputs: { note: 'note' } },
    parameters: 1,
    training: { data: null, checkpoint: { kind: 'best', epoch: 1 }, seed: 1 },
    scores: [],
    intendedUse: 'Tests.',
    limits: ['Knows nothing.'],
    check: { cases: 1, worst: 0 },
    ...change,
  };
}

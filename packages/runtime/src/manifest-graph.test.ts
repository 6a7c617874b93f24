import { ONNX_TYPES, type ReclmisError } from '@reclmis/core';
import { concat, field, modelBytes, value } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { requireGraph } from './manifest-graph.js';

const { float32: FLOAT, int64: INT64 } = ONNX_TYPES;
const image = value('image', FLOAT, ['batch', 3, 8, 8]);
const mask = value('probability', FLOAT, ['batch', 1, 8, 8]);
const described = {
  inputs: [{ name: 'image', type: 'float32', sizes: [3, 8, 8] }],
  outputs: [{ name: 'probability', type: 'float32', sizes: [1, 8, 8] }],
} as const;

/** TensorProto whose numbers are in another file. */
const outside = concat(
  field(1, 4),
  field(2, FLOAT),
  field(8, 'w'),
  field(13, concat(field(1, 'location'), field(2, 'secret.bin'))),
  field(14, 1),
);

describe('a graph under its manifest', () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      requireGraph(bytes, described, 'm: s.onnx');
    } catch (error) {
      expect(error).toMatchObject({ code: 'MODEL_INVALID' });
      return (error as ReclmisError).message;
    }
    return 'taken';
  };

  it('is accepted if names, types and sizes match', () => {
    expect(refusal(modelBytes([image], [mask]))).toBe('taken');
    expect(refusal(modelBytes([value('image', FLOAT, [1, 3, 8, 8])], [mask]))).toBe('taken');
  });

  it.each([
    [
      'another size',
      [value('image', FLOAT, ['b', 3, 8, 9])],
      [mask],
      'float32 [B, 3, 8, 8], the graph has float32 [B, 3, 8, 9]',
    ],
    [
      'another number of channels',
      [value('image', FLOAT, ['b', 1, 8, 8])],
      [mask],
      'the graph has float32 [B, 1, 8, 8]',
    ],
    [
      'a free size',
      [value('image', FLOAT, ['b', 3, 'h', 'w'])],
      [mask],
      'the graph has float32 [B, 3, ?, ?]',
    ],
    ['another type', [value('image', INT64, ['b', 3, 8, 8])], [mask], 'the graph has int64 [B, 3, 8, 8]'],
    ['another rank', [value('image', FLOAT, [3, 8, 8])], [mask], 'the graph has float32 [3, 8, 8]'],
    ['another name', [value('picture', FLOAT, ['b', 3, 8, 8])], [mask], 'the graph has "picture"'],
    [
      'another output',
      [image],
      [value('probability', FLOAT, ['b', 2, 8, 8])],
      'float32 [B, 1, 8, 8], the graph has',
    ],
    ['no output', [image], [], 'among its outputs, the graph has none'],
    [
      'an input more',
      [image, value('key', FLOAT, [1])],
      [mask],
      'an input "key" that the manifest does not name',
    ],
  ])('is refused with %s', (_, inputs, outputs, expected) => {
    expect(refusal(modelBytes(inputs, outputs))).toContain(expected);
  });

  it('is refused if its weights are elsewhere, or it is no graph', () => {
    expect(refusal(modelBytes([image], [mask], field(5, outside)))).toContain(
      'the values of "w" are in another file',
    );
    expect(refusal(new TextEncoder().encode('no graph'))).toContain('is not an ONNX model');
  });
});

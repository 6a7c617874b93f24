import { describe, expect, it } from 'vitest';
import { readOutline } from './onnx-outline.js';
import { utf8 } from './onnx-protobuf.js';
import { ONNX_TYPES } from './onnx-types.js';
import { concat, field, modelBytes, value } from './testing/onnx-bytes.js';

const { float32: FLOAT, int64: INT64 } = ONNX_TYPES;
const image = value('image', FLOAT, ['batch', 3, 8, 8]);
const mask = value('probability', FLOAT, ['batch', 1, 8, 8]);
/** TensorProto: a name, and where its numbers are. */
const weights = (...where: readonly Uint8Array[]): Uint8Array =>
  concat(field(1, 4), field(2, FLOAT), field(8, 'w'), field(9, new Uint8Array(16)), ...where);
const EXTERNAL = field(14, 1);
const LOCATION = field(13, concat(field(1, 'location'), field(2, 'secret.bin')));
const attribute = (number: number, part: Uint8Array): Uint8Array =>
  concat(field(1, 'a'), field(number, part));
const node = (...attributes: readonly Uint8Array[]): Uint8Array =>
  concat(field(3, 'n'), field(4, 'If'), ...attributes.map((one) => field(5, one)));

describe('an outline', () => {
  it('lists inputs and outputs', () => {
    const tokens = value('tokens', INT64, [null, 24]);
    const bare = concat(field(1, 'bare'), field(2, field(1, field(1, FLOAT))));
    expect(readOutline(modelBytes([image, tokens], [mask, bare], field(5, weights())))).toEqual({
      inputs: [
        { name: 'image', type: FLOAT, shape: [null, 3, 8, 8] },
        { name: 'tokens', type: INT64, shape: [null, 24] },
      ],
      outputs: [
        { name: 'probability', type: FLOAT, shape: [null, 1, 8, 8] },
        { name: 'bare', type: FLOAT, shape: null },
      ],
      elsewhere: [],
    });
  });

  const outside = weights(EXTERNAL, LOCATION);
  const graph = field(5, outside);
  it.each([
    ['an initialiser', field(5, outside)],
    ['one that only says so', field(5, weights(EXTERNAL))],
    ['one that only names a file', field(5, weights(LOCATION))],
    ['one whose place is cut to 1 by a reader of 32 bits', field(5, weights(field(14, 2 ** 32 + 1)))],
    ['values of a sparse initialiser', field(15, field(1, outside))],
    ['indices of a sparse initialiser', field(15, field(2, outside))],
    ['a constant', field(1, node(attribute(5, outside)))],
    ['constants in a list', field(1, node(attribute(10, outside)))],
    ['a sparse constant', field(1, node(attribute(22, field(1, outside))))],
    ['sparse constants in a list', field(1, node(attribute(23, field(1, outside))))],
    ['the branch of an If', field(1, node(attribute(6, graph)))],
    ['a branch within a branch', field(1, node(attribute(6, field(1, node(attribute(11, graph))))))],
  ])('finds weights elsewhere in %s', (_, part) => {
    expect(readOutline(modelBytes([image], [mask], part)).elsewhere).toEqual(['w']);
  });

  it('finds them in functions and in training graphs', () => {
    const plain = modelBytes([image], [mask]);
    const inFunction = field(25, field(7, node(attribute(5, outside))));
    const inDefault = field(25, field(11, attribute(5, outside)));
    const inTraining = field(20, field(2, graph));
    for (const part of [inFunction, inDefault, inTraining])
      expect(readOutline(concat(plain, part)).elsewhere).toEqual(['w']);
  });

  it('finds a node that reads a compiled graph from a file', () => {
    const compiled = concat(field(3, 'engine'), field(4, 'EPContext'), field(7, 'com.microsoft'));
    expect(readOutline(modelBytes([image], [mask], field(1, compiled))).elsewhere).toEqual(['engine']);
  });

  it('refuses anything but a model, whichever byte is cut', () => {
    const bytes = modelBytes([image], [mask], field(5, weights()));
    for (let length = 0; length < bytes.length; length++)
      expect(() => readOutline(bytes.subarray(0, length)), String(length)).toThrow();
    for (const other of ['', 'segmenter', '\u0018\0\0\0ORTM and so on'])
      expect(() => readOutline(utf8(other)), other).toThrow();
    expect(() => readOutline(concat(bytes, bytes))).toThrow('expected one graph, found 2');
    let deep = graph;
    for (let i = 0; i < 60; i++) deep = field(1, node(attribute(6, deep)));
    expect(() => readOutline(modelBytes([image], [mask], deep))).toThrow('nested deeper');
  });
});

import { describe, expect, it } from 'vitest';
import { readOutline } from './onnx-outline.js';
import { type Cut, splitOnnx } from './onnx-parts.js';
import { fieldsOf, textOf } from './onnx-protobuf.js';
import { ONNX_TYPES } from './onnx-types.js';
import { concat, field, modelBytes, value } from './testing/onnx-bytes.js';

const { float32: FLOAT, uint8: BYTE } = ONNX_TYPES;

const node = (op: string, inputs: readonly string[], outputs: readonly string[]): Uint8Array =>
  field(
    1,
    concat(...inputs.map((name) => field(1, name)), ...outputs.map((name) => field(2, name)), field(4, op)),
  );
const weights = (name: string, bytes: number): Uint8Array =>
  field(5, concat(field(1, bytes / 4), field(2, FLOAT), field(8, name), field(9, new Uint8Array(bytes))));

/** image -> conv (wi) -> bytes -> back (shared scale) -> add (note x wn) -> probability; a node that nothing reads. */
const MODEL = concat(
  modelBytes(
    [value('image', FLOAT, ['batch', 3, 8, 8]), value('note', FLOAT, ['batch', 4])],
    [value('probability', FLOAT, ['batch', 1, 8, 8])],
    weights('wi', 4000),
    weights('wn', 800),
    weights('scale', 4),
    weights('unread', 400),
    node('Conv', ['image', 'wi'], ['map']),
    node('QuantizeLinear', ['map', 'scale', ''], ['map.q']),
    node('MatMul', ['note', 'wn'], ['words']),
    node('DequantizeLinear', ['map.q', 'scale'], ['map.dq']),
    node('Relu', ['map.dq'], ['aside']),
    node('Add', ['map.dq', 'words'], ['sum']),
    node('Sigmoid', ['sum'], ['probability']),
    node('Neg', ['unread'], ['nothing']),
  ),
  field(8, concat(field(1, ''), field(2, 17))),
);
const CUT: Cut = {
  image: 'image',
  note: 'note',
  probability: 'probability',
  features: [{ name: 'map.q', type: 'uint8', shape: [1, 2, 8, 8] }],
};

function contents(bytes: Uint8Array): { ops: string[]; constants: string[]; opset: boolean } {
  const ops: string[] = [];
  const constants: string[] = [];
  let opset = false;
  for (const { number, bytes: part } of fieldsOf(bytes)) {
    if (number === 8) opset = true;
    if (number !== 7 || !part) continue;
    for (const { number: kind, bytes: inner } of fieldsOf(part)) {
      if (!inner || (kind !== 1 && kind !== 5)) continue;
      for (const { number: at, bytes: name } of fieldsOf(inner)) {
        if (kind === 1 && at === 4 && name) ops.push(textOf(name));
        if (kind === 5 && at === 8 && name) constants.push(textOf(name));
      }
    }
  }
  return { ops, constants, opset };
}

describe('a graph that is cut', () => {
  const parts = splitOnnx(MODEL, CUT);

  it('has a part that sees the image alone, and one that reads the features and the note', () => {
    expect(contents(parts.image())).toEqual({
      ops: ['Conv', 'QuantizeLinear'],
      constants: ['wi', 'scale'],
      opset: true,
    });
    expect(contents(parts.note())).toEqual({
      ops: ['MatMul', 'DequantizeLinear', 'Add', 'Sigmoid'],
      constants: ['wn', 'scale'],
      opset: true,
    });
    const feature = { name: 'map.q', type: BYTE, shape: [null, 2, 8, 8] };
    const [image, note, probability] = [
      { name: 'image', type: FLOAT, shape: [null, 3, 8, 8] },
      { name: 'note', type: FLOAT, shape: [null, 4] },
      { name: 'probability', type: FLOAT, shape: [null, 1, 8, 8] },
    ];
    expect(readOutline(parts.image())).toEqual({ inputs: [image], outputs: [feature], elsewhere: [] });
    expect(readOutline(parts.note())).toEqual({
      inputs: [feature, note],
      outputs: [probability],
      elsewhere: [],
    });
  });

  it('needs no weight twice', () => {
    const both = parts.image().length + parts.note().length;
    expect(both).toBeLessThan(MODEL.length + 200); // a scale and what an ONNX file starts with; 400 bytes are unread
  });

  it('has no part of interest unless the cut names its output', () => {
    expect(parts.interest).toBeNull();
    const interested = concat(
      modelBytes(
        [value('image', FLOAT, ['batch', 3, 8, 8]), value('note', FLOAT, ['batch', 4])],
        [value('probability', FLOAT, ['batch', 1, 8, 8]), value('interest', FLOAT, ['batch', 6])],
        weights('wi', 4000),
        weights('wt', 400),
        node('Conv', ['image', 'wi'], ['map']),
        node('Add', ['map', 'note'], ['sum']),
        node('Sigmoid', ['sum'], ['probability']),
        node('MatMul', ['sum', 'wt'], ['interest']),
      ),
    );
    const features = [{ name: 'map', type: 'float32', shape: [1, 2, 8, 8] }] as const;
    const cut = splitOnnx(interested, { ...CUT, features, interest: 'interest' });
    const whole = splitOnnx(interested, { ...CUT, features: [], interest: 'interest' });
    const ops = (part: Uint8Array | undefined): string[] => contents(part ?? new Uint8Array()).ops;
    expect(ops(cut.note())).toEqual(['Add', 'Sigmoid']);
    expect(contents(cut.note()).constants).toEqual([]);
    expect(ops(cut.interest?.())).toEqual(['Add', 'MatMul']);
    expect(ops(whole.note())).toEqual(['Conv', 'Add', 'Sigmoid']);
    expect(ops(whole.interest?.())).toEqual(['Conv', 'Add', 'MatMul']);
    expect(readOutline(whole.interest!()).inputs.map(({ name }) => name)).toEqual(['image', 'note']);
    expect(readOutline(cut.interest!()).outputs).toEqual([
      { name: 'interest', type: FLOAT, shape: [null, 6] },
    ]);
    expect(() => splitOnnx(interested, { ...CUT, features, interest: 'nowhere' })).toThrow('"nowhere"');
  });

  it.each<[string, Partial<Cut>, string]>([
    [
      'features that leave the image in the note’s part',
      { features: [{ name: 'aside', type: 'float32', shape: [1] }] },
      '"image" does not come from',
    ],
    [
      'features that see the note',
      { features: [{ name: 'sum', type: 'float32', shape: [1] }] },
      '"note" does not come from',
    ],
    [
      'features that nothing makes',
      { features: [{ name: 'else', type: 'float32', shape: [1] }] },
      '"else" does not come from',
    ],
    ['an input that it lacks', { note: 'words' }, 'no input or output "words"'],
  ])('is refused with %s', (_, change, message) => {
    expect(() => splitOnnx(MODEL, { ...CUT, ...change })).toThrow(message);
  });

  it('is refused if it is cut short', () => {
    for (let length = 1; length < MODEL.length; length += 97)
      expect(() => splitOnnx(MODEL.subarray(0, length), CUT), String(length)).toThrow();
  });
});

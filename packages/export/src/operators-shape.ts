/** Translates operators that move, repeat or rename elements. */
import type { Builder } from './builder.js';
import { onnxType } from './builder.js';
import { int, ints, string } from './onnx-graph.js';
import { type Call, castTo, fixed, type Translator } from './call.js';

const reshape: Translator = (call, b) => b.reshape(call.tensor('self'), call.result.shape);

const same: Translator = (call) => call.tensor('self');

const permute: Translator = (call, b) =>
  b.emit('Transpose', [call.tensor('self')], { perm: ints(call.axes('dims', call.value('self'))) });

function exchange(call: Call, b: Builder, first: number, second: number): string {
  const perm = call.result.shape.map((_, axis) => axis);
  [perm[first], perm[second]] = [second, first];
  return b.emit('Transpose', [call.tensor('self')], { perm: ints(perm) });
}

const concatenate: Translator = (call, b) => {
  return b.emit('Concat', call.tensors('tensors'), { axis: int(call.axis('dim', 0)) });
};

const stack: Translator = (call, b) => {
  const axis = call.axis('dim', 0);
  const widened = call.tensors('tensors').map((name) => b.emit('Unsqueeze', [name, b.integers([axis])]));
  return b.emit('Concat', widened, { axis: int(axis) });
};

function slice(call: Call, b: Builder, start: number, end: number, step = 1): string {
  const axis = call.axis('dim', 0, call.value('self'));
  const inputs = [[start], [end], [axis], [step]].map((list) => b.integers(list));
  return b.emit('Slice', [call.tensor('self'), ...inputs]);
}

const select: Translator = (call, b) =>
  b.emit('Gather', [call.tensor('self'), b.index(call.number('index'))], {
    axis: int(call.axis('dim', 0, call.value('self'))),
  });

const split: Translator = (call, b) => {
  const axis = call.axis('dim', 0);
  const sizes = call.results.map(({ shape }) => fixed(shape[axis], call.name));
  return b.emitMany('Split', [call.tensor('self'), b.integers(sizes)], sizes.length, { axis: int(axis) });
};

const unbind: Translator = (call, b) => {
  const self = call.value('self');
  const axis = call.axis('dim', 0, self);
  const count = fixed(self.shape[axis], call.name);
  const ones = b.integers(Array<number>(count).fill(1));
  const name = call.tensor('self');
  const parts = count === 1 ? [name] : b.emitMany('Split', [name, ones], count, { axis: int(axis) });
  return parts.map((part) => b.emit('Squeeze', [part, b.integers([axis])]));
};

/** `pad` has pairs from the last axis backwards; ONNX all beginnings, then all ends. */
const pad: Translator = (call, b) => {
  if (call.text('mode', 'constant') !== 'constant')
    throw call.unsupported('only constants can be padded with');
  const rank = call.result.shape.length;
  const given = call.numbers('pad', 2);
  const begins = Array<number>(rank).fill(0);
  const ends = Array<number>(rank).fill(0);
  for (let i = 0; i + 1 < given.length; i += 2) {
    begins[rank - 1 - i / 2] = given[i] ?? 0;
    ends[rank - 1 - i / 2] = given[i + 1] ?? 0;
  }
  const value = b.scalar(call.number('value', 0), call.type);
  return b.emit('Pad', [call.tensor('self'), b.integers([...begins, ...ends]), value], {
    mode: string('constant'),
  });
};

/** Cuts each axis once and exchanges the parts. */
const roll: Translator = (call, b) => {
  const self = call.value('self');
  const axes = call.axes('dims', self);
  const shifts = call.numbers('shifts', axes.length);
  return axes.reduce((name, axis, i) => {
    const size = fixed(self.shape[axis], call.name);
    const first = (((shifts[i] ?? 0) % size) + size) % size; // elements that come from the end
    if (first === 0) return name;
    const parts = b.emitMany('Split', [name, b.integers([size - first, first])], 2, { axis: int(axis) });
    return b.emit('Concat', [...parts].reverse(), { axis: int(axis) });
  }, call.tensor('self'));
};

const expand: Translator = (call, b) => b.emit('Expand', [call.tensor('self'), b.shape(call.result.shape)]);

/** A constant whose shape depends on the batch. */
const filled =
  (value: number | null): Translator =>
  (call, b) =>
    b.emit('Expand', [b.scalar(value ?? call.number('fill_value'), call.type), b.shape(call.result.shape)]);

const convert: Translator = (call, b) =>
  castTo(b, call.tensor('self'), onnxType(call.value('self').dtype), call.type);

export const SHAPE_OPERATORS: ReadonlyMap<string, Translator> = new Map<string, Translator>([
  ['view', reshape],
  ['reshape', reshape],
  ['flatten.using_ints', reshape],
  ['unflatten.int', reshape],
  ['unsqueeze', (call, b) => b.emit('Unsqueeze', [call.tensor('self'), b.integers([call.axis('dim')])])],
  [
    'squeeze.dim',
    (call, b) => {
      const self = call.value('self');
      const axis = call.axis('dim', undefined, self);
      if (self.shape[axis] !== 1) return call.tensor('self');
      return b.emit('Squeeze', [call.tensor('self'), b.integers([axis])]);
    },
  ],
  ['permute', permute],
  ['transpose.int', (call, b) => exchange(call, b, call.axis('dim0'), call.axis('dim1'))],
  ['t', (call, b) => (call.result.shape.length < 2 ? call.tensor('self') : exchange(call, b, 0, 1))],
  ['cat', concatenate],
  ['stack', stack],
  ['narrow', (call, b) => slice(call, b, call.number('start'), call.number('start') + call.number('length'))],
  [
    'slice.Tensor',
    (call, b) =>
      slice(
        call,
        b,
        call.number('start', 0),
        call.number('end', Number.MAX_SAFE_INTEGER),
        call.number('step', 1),
      ),
  ],
  ['select.int', select],
  ['split_with_sizes', split],
  ['split.Tensor', split],
  ['chunk', split],
  ['unbind.int', unbind],
  ['pad', pad],
  ['roll', roll],
  ['expand', expand],
  ['full', filled(null)],
  ['zeros', filled(0)],
  ['ones', filled(1)],
  ['to.dtype_layout', convert],
  ['contiguous', same],
  ['clone', same],
  ['detach', same],
]);

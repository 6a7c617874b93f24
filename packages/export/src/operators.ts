/** Translates operators that compute; `operators-shape.ts` those that move elements. */
import type { Attributes, Builder } from './builder.js';
import { float, floats, int, ints, string } from './onnx-graph.js';
import { type Call, castTo, fixed, type Translator } from './call.js';

const unary =
  (op: string): Translator =>
  (call, b) =>
    b.emit(op, [call.tensorAs('self', b)]);

/** In the result's type; ONNX broadcasts as ATen does. */
const binary =
  (op: string): Translator =>
  (call, b) =>
    b.emit(op, [call.tensorAs('self', b), scaled(call, b, call.tensorAs('other', b))]);

const binaryScalar =
  (op: string): Translator =>
  (call, b) =>
    b.emit(op, [
      call.tensorAs('self', b),
      b.scalar(call.number('other') * call.number('alpha', 1), call.type),
    ]);

function scaled(call: Call, b: Builder, other: string): string {
  const alpha = call.number('alpha', 1);
  return alpha === 1 ? other : b.emit('Mul', [other, b.scalar(alpha, call.type)]);
}

/** The result is bool, the operands keep their type. */
const compare =
  (op: string, negated = false): Translator =>
  (call, b) => {
    const self = call.value('self');
    const type = castable(self.dtype);
    const x = castTo(b, call.tensor('self'), type.from, type.to);
    const other = call.has('other') ? call.tensor('other') : b.scalar(call.number('other'), type.to);
    const result = b.emit(op, [x, other]);
    return negated ? b.emit('Not', [result]) : result;
  };

/** Comparisons take numbers: bool becomes int64. */
function castable(dtype: string): { from: 'float32' | 'int64' | 'bool'; to: 'float32' | 'int64' } {
  if (dtype === 'bool') return { from: 'bool', to: 'int64' };
  return dtype === 'int64' ? { from: 'int64', to: 'int64' } : { from: 'float32', to: 'float32' };
}

function weighted(call: Call): string[] {
  return ['input', 'weight', ...(call.has('bias') ? ['bias'] : [])].map((name) => call.tensor(name));
}

function moving(call: Call, axes: number): Attributes {
  const padding = call.numbers('padding', axes, Array<number>(axes).fill(0));
  const kernel = call.value('weight').shape.slice(2);
  return {
    kernel_shape: ints(kernel.map((size) => fixed(size, call.name))),
    strides: ints(call.numbers('stride', axes, Array<number>(axes).fill(1))),
    pads: ints([...padding, ...padding]),
    dilations: ints(call.numbers('dilation', axes, Array<number>(axes).fill(1))),
    group: int(call.number('groups', 1)),
  };
}

const convolution =
  (axes: number): Translator =>
  (call, b) =>
    b.emit('Conv', weighted(call), moving(call, axes));

/** `conv3x3` of packages/torch: stride 1, padding 1. */
const convolution3x3: Translator = (call, b) => {
  return b.emit('Conv', weighted(call), {
    kernel_shape: ints([3, 3]),
    strides: ints([1, 1]),
    pads: ints([1, 1, 1, 1]),
    dilations: ints([1, 1]),
    group: int(1),
  });
};

/** Weights [Cin, Cout / groups, kH, kW], as in ONNX. */
const transposedConvolution: Translator = (call, b) =>
  b.emit('ConvTranspose', weighted(call), {
    ...moving(call, 2),
    output_padding: ints(call.numbers('output_padding', 2, [0, 0])),
  });

/** x W^T + b; a constant W is transposed here. */
const linear: Translator = (call, b) => {
  const weight = call.constant('weight');
  const transposed = weight
    ? b.tensor(`${weight.name}.transposed`, weight.tensor, (tensor) => tensor.t())
    : b.emit('Transpose', [call.tensor('weight')], { perm: ints([1, 0]) });
  const product = b.emit('MatMul', [call.tensor('input'), transposed]);
  return call.has('bias') ? b.emit('Add', [product, call.tensor('bias')]) : product;
};

const product: Translator = (call, b) =>
  b.emit('MatMul', [call.tensor('self'), call.tensor(call.has('other') ? 'other' : 'mat2')]);

/** beta self + alpha (x y). */
const addedProduct =
  (first: string, second: string): Translator =>
  (call, b) => {
    const times = (x: string, factor: number): string =>
      factor === 1 ? x : b.emit('Mul', [x, b.scalar(factor, call.type)]);
    const xy = b.emit('MatMul', [call.tensor(first), call.tensor(second)]);
    return b.emit('Add', [
      times(call.tensor('self'), call.number('beta', 1)),
      times(xy, call.number('alpha', 1)),
    ]);
  };

const batchNorm: Translator = (call, b) => {
  if (call.flag('training', false)) throw call.unsupported('only evaluation mode can be exported');
  const inputs = ['input', 'weight', 'bias', 'running_mean', 'running_var'].map((name) => call.tensor(name));
  return b.emit('BatchNormalization', inputs, { epsilon: float(call.number('eps', 1e-5)) });
};

const layerNorm: Translator = (call, b) => {
  const axes = call.numbers('normalized_shape', 1).length;
  const scale = call.has('weight') ? call.tensor('weight') : b.scalar(1, call.type);
  const inputs = [call.tensor('input'), scale];
  if (call.has('bias')) inputs.push(call.tensor('bias'));
  return b.emit('LayerNormalization', inputs, {
    axis: int(-axes),
    epsilon: float(call.number('eps', 1e-5)),
  });
};

/** Instance normalisation with each group as a row; ONNX has group normalisation only from opset 18. */
const groupNorm: Translator = (call, b) => {
  const groups = call.number('num_groups');
  const [, ...sizes] = call
    .value('input')
    .shape.map((size, axis) => (axis === 0 ? 0 : fixed(size, call.name)));
  const channels = sizes[0] ?? 0;
  const rows = b.emit('Reshape', [call.tensor('input'), b.integers([0, groups, -1])]);
  const each = (value: number): string =>
    b.constant(`each_${groups}_${value}`, () => floats(new Float32Array(groups).fill(value), [groups]));
  const normal = b.emit('InstanceNormalization', [rows, each(1), each(0)], {
    epsilon: float(call.number('eps', 1e-5)),
  });
  const map = b.emit('Reshape', [normal, b.integers([0, ...sizes])]);
  const perChannel = b.integers([channels, ...sizes.slice(1).map(() => 1)]);
  const affine = (op: string, x: string, name: string): string =>
    call.has(name) ? b.emit(op, [x, b.emit('Reshape', [call.tensor(name), perChannel])]) : x;
  return affine('Add', affine('Mul', map, 'weight'), 'bias');
};

const maxPool: Translator = (call, b) => {
  const kernel = call.numbers('kernel_size', 2);
  const padding = call.numbers('padding', 2, [0, 0]);
  return b.emit('MaxPool', [call.tensor('self')], {
    kernel_shape: ints(kernel),
    strides: ints(call.numbers('stride', 2, kernel)),
    pads: ints([...padding, ...padding]),
    dilations: ints(call.numbers('dilation', 2, [1, 1])),
    ceil_mode: int(Number(call.flag('ceil_mode', false))),
  });
};

/** By the ratio of sizes, which do not depend on the batch. */
const resize =
  (mode: 'nearest' | 'linear'): Translator =>
  (call, b) => {
    const before = call.value('self').shape;
    const ratios = call.result.shape.map((size, axis) =>
      axis < 2 ? 1 : fixed(size, call.name) / fixed(before[axis], call.name),
    );
    const scales = b.constant(`scales_${ratios.join('_')}`, () => ({
      type: 'float32',
      shape: [ratios.length],
      data: new Uint8Array(Float32Array.from(ratios).buffer),
    }));
    const corners = mode === 'linear' && call.flag('align_corners', false);
    const place = mode === 'nearest' ? 'asymmetric' : corners ? 'align_corners' : 'half_pixel';
    return b.emit('Resize', [call.tensor('self'), '', scales], {
      mode: string(mode),
      coordinate_transformation_mode: string(place),
      ...(mode === 'nearest' ? { nearest_mode: string('floor') } : {}),
    });
  };

const softmax =
  (op: string): Translator =>
  (call, b) =>
    b.emit(op, [call.tensorAs('self', b)], { axis: int(call.axis('dim')) });

const reduce =
  (op: string): Translator =>
  (call, b) =>
    b.emit(op, [call.tensorAs('self', b)], {
      axes: ints(call.axes('dim', call.value('self'))),
      keepdims: int(Number(call.flag('keepdim', false))),
    });

/** ONNX passes a sum's axes as an input. */
const sum: Translator = (call, b) =>
  b.emit('ReduceSum', [call.tensorAs('self', b), b.integers(call.axes('dim', call.value('self')))], {
    keepdims: int(Number(call.flag('keepdim', false))),
  });

/** 0.5 x (1 + erf(x / sqrt 2)). */
const gelu: Translator = (call, b) => {
  if (call.text('approximate', 'none') !== 'none')
    throw call.unsupported('only the exact form can be exported');
  const x = call.tensor('self');
  const erf = b.emit('Erf', [b.emit('Mul', [x, b.scalar(Math.SQRT1_2, call.type)])]);
  const half = b.emit('Mul', [x, b.scalar(0.5, call.type)]);
  return b.emit('Mul', [half, b.emit('Add', [erf, b.scalar(1, call.type)])]);
};

const maskedFill: Translator = (call, b) =>
  b.emit('Where', [call.tensor('mask'), b.scalar(call.number('value'), call.type), call.tensor('self')]);

const dropout: Translator = (call) => {
  if (call.flag('train', false)) throw call.unsupported('only evaluation mode can be exported');
  return call.tensor('input');
};

const logicalNot: Translator = (call, b) =>
  b.emit('Not', [
    castTo(b, call.tensor('self'), call.value('self').dtype === 'bool' ? 'bool' : 'float32', 'bool'),
  ]);

export const OPERATORS: ReadonlyMap<string, Translator> = new Map<string, Translator>([
  ['conv1d', convolution(1)],
  ['conv2d', convolution(2)],
  ['reclmis::conv3x3', convolution3x3],
  ['conv_transpose2d.input', transposedConvolution],
  ['linear', linear],
  ['matmul', product],
  ['mm', product],
  ['bmm', product],
  ['addmm', addedProduct('mat1', 'mat2')],
  ['baddbmm', addedProduct('batch1', 'batch2')],
  ['batch_norm', batchNorm],
  ['layer_norm', layerNorm],
  ['group_norm', groupNorm],
  ['max_pool2d', maxPool],
  ['upsample_nearest2d', resize('nearest')],
  ['upsample_bilinear2d', resize('linear')],
  ['relu', unary('Relu')],
  ['sigmoid', unary('Sigmoid')],
  ['tanh', unary('Tanh')],
  ['exp', unary('Exp')],
  ['log', unary('Log')],
  ['sqrt', unary('Sqrt')],
  ['neg', unary('Neg')],
  ['abs', unary('Abs')],
  ['erf', unary('Erf')],
  ['gelu', gelu],
  [
    'leaky_relu',
    (call, b) =>
      b.emit('LeakyRelu', [call.tensor('self')], { alpha: float(call.number('negative_slope', 0.01)) }),
  ],
  ['softmax.int', softmax('Softmax')],
  ['log_softmax.int', softmax('LogSoftmax')],
  ['add.Tensor', binary('Add')],
  ['sub.Tensor', binary('Sub')],
  ['mul.Tensor', binary('Mul')],
  ['div.Tensor', binary('Div')],
  ['maximum', binary('Max')],
  ['minimum', binary('Min')],
  ['add.Scalar', binaryScalar('Add')],
  ['sub.Scalar', binaryScalar('Sub')],
  ['mul.Scalar', binaryScalar('Mul')],
  ['div.Scalar', binaryScalar('Div')],
  ['eq.Scalar', compare('Equal')],
  ['ne.Scalar', compare('Equal', true)],
  ['lt.Scalar', compare('Less')],
  ['le.Scalar', compare('LessOrEqual')],
  ['gt.Scalar', compare('Greater')],
  ['ge.Scalar', compare('GreaterOrEqual')],
  ['eq.Tensor', compare('Equal')],
  ['logical_not', logicalNot],
  ['masked_fill.Scalar', maskedFill],
  [
    'where.self',
    (call, b) =>
      b.emit(
        'Where',
        ['condition', 'self', 'other'].map((name) => call.tensor(name)),
      ),
  ],
  ['mean.dim', reduce('ReduceMean')],
  ['amax', reduce('ReduceMax')],
  ['amin', reduce('ReduceMin')],
  ['sum.dim_IntList', sum],
  ['cumsum', (call, b) => b.emit('CumSum', [call.tensorAs('self', b), b.index(call.axis('dim'))])],
  [
    'embedding',
    (call, b) => b.emit('Gather', [call.tensor('weight'), call.tensor('indices')], { axis: int(0) }),
  ],
  ['dropout', dropout],
]);

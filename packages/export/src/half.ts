/**
 * float16: weights and arithmetic in half precision, float32 inputs and outputs. Softmax, normalisation,
 * means and the last sigmoid stay in float32: they sum or exponentiate many values.
 */
import { ONNX_TYPES, type OnnxType, onnxTypeOf } from '@reclmis/core';
import { scope, Tensor } from '@reclmis/torch';
import { dropUnread } from './fold.js';
import { elements, int, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-graph.js';

const WIDE = new Set([
  'Softmax',
  'LogSoftmax',
  'LayerNormalization',
  'BatchNormalization',
  'InstanceNormalization',
  'ReduceMean',
  'ReduceSum',
  'CumSum',
  'Sigmoid',
  'Erf',
  'Exp',
  'Log',
]);

type FloatType = 'float32' | 'float16';

export function toHalf(graph: OnnxGraph): OnnxGraph {
  const types = typesOf(graph);
  const isFloat = (name: string): boolean => types.get(name) === 'float32';
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const home = new Map<string, FloatType>(graph.inputs.map(({ name }) => [name, 'float32']));
  const nodes: OnnxNode[] = [];
  const made = new Set<string>();

  /** Adds a cast if needed. */
  const as = (name: string, type: FloatType): string => {
    const constant = graph.constants.get(name);
    if (constant) {
      if (type === 'float32') return name;
      const half = `${name}.half`;
      if (!graph.constants.has(half)) graph.constants.set(half, halfOf(constant));
      return half;
    }
    if (home.get(name) === type) return name;
    const cast = `${name}.${type}`;
    if (!made.has(cast)) {
      nodes.push({ op: 'Cast', inputs: [name], outputs: [cast], attributes: { to: int(ONNX_TYPES[type]) } });
      made.add(cast);
    }
    return cast;
  };

  for (const node of graph.nodes) {
    const isCast = node.op === 'Cast'; // its attribute states the type
    const type: FloatType = isCast || WIDE.has(node.op) ? 'float32' : 'float16';
    node.inputs = node.inputs.map((name, i) => {
      const stays = node.op === 'Resize' && i > 0; // scales are float32 by definition
      return isFloat(name) && !stays ? as(name, type) : name;
    });
    const narrow = type === 'float16';
    const renamed = node.outputs.map((name) =>
      outputs.has(name) && isFloat(name) && narrow ? `${name}.narrow` : name,
    );
    renamed.forEach((name) => home.set(name, type));
    nodes.push(node);
    node.outputs.forEach((name, i) => {
      const inner = renamed[i] ?? name;
      if (inner === name) return;
      // Others read it in float32, from which `as` casts.
      nodes.push({
        op: 'Cast',
        inputs: [inner],
        outputs: [name],
        attributes: { to: int(ONNX_TYPES.float32) },
      });
      home.set(name, 'float32');
    });
    node.outputs = renamed;
  }
  graph.nodes = nodes;
  dropUnread(graph);
  return graph;
}

function halfOf(tensor: OnnxTensor): OnnxTensor {
  return scope(() => {
    const { shape, data } = tensor;
    const half = Tensor.fromBytes(data, 'float32', [elements(shape)]).to({ dtype: 'float16' });
    return { type: 'float16', shape, data: half.toBytes() };
  });
}

const BOOLEAN = new Set(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Not', 'And', 'Or']);

export function typesOf(graph: OnnxGraph): Map<string, OnnxType> {
  const types = new Map<string, OnnxType>();
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const [name, { type }] of graph.constants) types.set(name, type);
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    const [first = '', second = ''] = inputs;
    const to = attributes['to'];
    const type =
      op === 'Cast' && to?.kind === 'int'
        ? onnxTypeOf(to.value)
        : op === 'Shape'
          ? 'int64'
          : op === 'QuantizeLinear' || op === 'DequantizeLinear'
            ? types.get(inputs[op === 'QuantizeLinear' ? 2 : 1] ?? '') // of zero and scale
            : BOOLEAN.has(op)
              ? 'bool'
              : types.get(op === 'Where' ? second : first);
    for (const name of outputs) if (type) types.set(name, type);
  }
  return types;
}

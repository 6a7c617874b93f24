/** Height and width of a graph's maps, by following operators from the inputs. */
import { makersOf } from './fold.js';
import { float32Of, integersOf, type OnnxGraph, type OnnxNode } from './onnx-graph.js';

/** Pixels. */
export type Size = readonly [height: number, width: number];

/** The size of a map [B,C,H,W]; null if unknown. */
export function sizesIn(graph: OnnxGraph): (name: string) => Size | null {
  const makers = makersOf(graph);
  const known = new Map<string, Size | null>();
  for (const { name, shape } of graph.inputs) {
    const [, , H, W] = shape;
    known.set(name, typeof H === 'number' && typeof W === 'number' ? [H, W] : null);
  }
  const sizeOf = (name: string): Size | null => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const maker = makers.get(name);
    const size = maker ? made(maker) : null;
    known.set(name, size);
    return size;
  };
  /** A node's shape if constant; -1 is the batch. */
  const given = (node: OnnxNode | undefined): readonly number[] => {
    const shape = node?.op === 'Reshape' ? graph.constants.get(node.inputs[1] ?? '') : undefined;
    return shape ? integersOf(shape) : [];
  };
  const made = (node: OnnxNode): Size | null => {
    const [first = ''] = node.inputs;
    switch (node.op) {
      case 'Conv':
      case 'MaxPool':
        return windows(node, sizeOf(first));
      case 'Relu':
      case 'Sigmoid':
      case 'Concat':
        return sizeOf(first);
      case 'Add':
      case 'Mul': {
        const sizes = node.inputs.map(sizeOf);
        return sizes.find((size) => size !== null) ?? null; // the other is equal, or PLAM's factor of one channel
      }
      case 'Resize': {
        const scales = graph.constants.get(node.inputs[2] ?? '');
        const [, , rows = 0, columns = 0] = scales ? float32Of(scales) : [];
        return scaled(sizeOf(first), rows, columns);
      }
      case 'Reshape':
        return mapSize(given(node));
      case 'Transpose': {
        const before = given(makers.get(first));
        const order = node.attributes['perm'];
        return order?.kind === 'ints' ? mapSize(order.value.map((axis) => before[axis] ?? 0)) : null;
      }
      default:
        return null;
    }
  };
  return sizeOf;
}

function windows({ attributes }: OnnxNode, size: Size | null): Size | null {
  const listed = (name: string): readonly number[] => {
    const attribute = attributes[name];
    return attribute?.kind === 'ints' ? attribute.value : [];
  };
  const ceil = attributes['ceil_mode'];
  const kernel = listed('kernel_shape');
  if (!size || kernel.length !== 2 || (ceil?.kind === 'int' && ceil.value !== 0)) return null;
  const [strides, pads, dilations] = [listed('strides'), listed('pads'), listed('dilations')];
  const along = (axis: 0 | 1): number => {
    const padded = size[axis] + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0);
    const reach = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    return Math.floor((padded - reach) / (strides[axis] ?? 1)) + 1;
  };
  return [along(0), along(1)];
}

function mapSize(shape: readonly number[]): Size | null {
  const [, , H = 0, W = 0] = shape;
  return shape.length === 4 && H > 0 && W > 0 ? [H, W] : null;
}

function scaled(size: Size | null, rows: number, columns: number): Size | null {
  const whole = size && ([size[0] * rows, size[1] * columns] as const);
  return whole?.every((side) => Number.isInteger(side) && side > 0) ? whole : null;
}

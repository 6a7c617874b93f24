/** Builds an ONNX graph: names results, shares constants, computes shapes with a free batch size. */
import { type OnnxType, ReclmisError } from '@reclmis/core';
import { type DType, scope, type Tensor } from '@reclmis/torch';
import {
  floats,
  int,
  integers,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx-graph.js';
import type { Size } from './record.js';

export const BATCH = 'batch';

/** ONNX's type for libtorch's. @throws EXPORT_UNSUPPORTED */
export function onnxType(dtype: DType): OnnxType {
  switch (dtype) {
    case 'float32':
    case 'float16':
    case 'uint8':
    case 'int8':
    case 'int32':
    case 'int64':
    case 'bool':
      return dtype;
    default:
      throw new ReclmisError('EXPORT_UNSUPPORTED', `a tensor of ${dtype} has no translation`);
  }
}

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

export class Builder {
  private readonly nodes: OnnxNode[] = [];
  private readonly constants = new Map<string, OnnxTensor>();
  private readonly known = new Map<string, string>();
  private batch: string | null = null;
  private count = 0;

  /** @param inputs the first dimension of the first is the batch */
  constructor(
    private readonly name: string,
    private readonly inputs: readonly OnnxValue[],
  ) {}

  emit(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.emitMany(op, inputs, 1, attributes)[0] as string;
  }

  emitMany(op: string, inputs: readonly string[], results: number, attributes: Attributes = {}): string[] {
    const outputs = Array.from({ length: results }, () => `${op}_${this.count++}`);
    this.nodes.push({ op, inputs: [...inputs], outputs, attributes });
    return outputs;
  }

  /** The same name means the same constant. */
  constant(name: string, tensor: () => OnnxTensor): string {
    if (!this.constants.has(name)) this.constants.set(name, tensor());
    return name;
  }

  /** A tensor as a constant, after `change`. */
  tensor(name: string, tensor: Tensor, change: (tensor: Tensor) => Tensor = (same) => same): string {
    return this.constant(name, () =>
      scope(() => {
        const changed = change(tensor).contiguous();
        return { type: onnxType(changed.dtype), shape: changed.shape, data: changed.toBytes() };
      }),
    );
  }

  integers(values: readonly number[]): string {
    return this.constant(`list_${values.join('_').replaceAll('-', 'm')}`, () => integers(values));
  }

  index(value: number): string {
    return this.constant(`index_${String(value).replace('-', 'm')}`, () => integers([value], []));
  }

  scalar(value: number, type: OnnxType): string {
    const key = `${type} ${value}`;
    const name = this.known.get(key) ?? `scalar_${this.known.size}`;
    this.known.set(key, name);
    return this.constant(name, () => {
      switch (type) {
        case 'float32':
          return floats([value], []);
        case 'int64':
          return integers([value], []);
        case 'bool':
          return { type, shape: [], data: Uint8Array.of(Number(value !== 0)) };
        default:
          throw new ReclmisError('EXPORT_UNSUPPORTED', `a number of type ${type} has no translation`);
      }
    });
  }

  /** As a tensor, computed if it depends on the batch size. */
  shape(sizes: readonly Size[]): string {
    const fixed = sizes.filter((size): size is number => typeof size === 'number');
    if (fixed.length === sizes.length) return this.integers(fixed);
    const parts = sizes.map((size) => {
      if (typeof size === 'number') return this.integers([size]);
      const one = this.batchSize();
      return size.batch === 1 ? one : this.emit('Mul', [one, this.integers([size.batch])]);
    });
    return this.emit('Concat', parts, { axis: int(0) });
  }

  reshape(name: string, sizes: readonly Size[]): string {
    const free = sizes.filter((size) => typeof size !== 'number');
    const shape =
      free.length === 1 && !sizes.includes(-1)
        ? this.integers(sizes.map((size) => (typeof size === 'number' ? size : -1)))
        : this.shape(sizes);
    return this.emit('Reshape', [name, shape]);
  }

  finish(outputs: readonly (OnnxValue & { readonly from: string })[]): OnnxGraph {
    for (const { name, from } of outputs) {
      this.nodes.push({ op: 'Identity', inputs: [from], outputs: [name], attributes: {} });
    }
    return {
      name: this.name,
      inputs: this.inputs,
      outputs: outputs.map(({ name, type, shape }) => ({ name, type, shape })),
      nodes: this.nodes,
      constants: this.constants,
    };
  }

  private batchSize(): string {
    const [first] = this.inputs;
    if (!first) throw new ReclmisError('EXPORT_UNSUPPORTED', `${this.name}: a batch size without an input`);
    this.batch ??= this.emit('Shape', [first.name], { start: int(0), end: int(1) });
    return this.batch;
  }
}

/** Records a function of tensors at two batch sizes; by comparison, makes one graph for all batch sizes. */
import { ReclmisError } from '@reclmis/core';
import {
  isTracedValue,
  type DType,
  type Tensor,
  trace,
  type Trace,
  type TracedArgument,
  type TracedCall,
  type TracedValue,
} from '@reclmis/torch';

export interface BatchMultiple {
  readonly batch: number;
}
export type Size = number | BatchMultiple;

export function shapeText(shape: readonly Size[]): string {
  return `[${shape.map((size) => (typeof size === 'number' ? String(size) : `${size.batch} B`)).join(', ')}]`;
}

export interface RecordedValue {
  readonly index: number;
  readonly shape: readonly Size[];
  readonly dtype: DType;
  readonly input: string | null;
  readonly handle: number;
  /** If independent of inputs and batch size; owned by the recording. */
  readonly tensor: Tensor | null;
}

export type RecordedArgument =
  RecordedValue | Size | boolean | string | null | undefined | readonly RecordedArgument[];

export interface RecordedCall {
  readonly name: string;
  readonly arguments: ReadonlyMap<string, RecordedArgument>;
  readonly results: readonly RecordedValue[];
}

/** A function as a graph with a free batch size. */
export interface Recording {
  readonly inputs: readonly RecordedValue[];
  readonly outputs: ReadonlyMap<string, RecordedValue>;
  /** In order; only those that depend on an input or the batch. */
  readonly calls: readonly RecordedCall[];
  dispose(): void;
}

/** Neither divides the other, so multiples cannot be confused. */
const SIZES = [2, 3] as const;

/**
 * @param inputs makes inputs for a batch size, which are disposed
 * @throws EXPORT_UNSUPPORTED if the recordings differ in more than sizes proportional to the batch
 */
export function record<T extends Record<string, Tensor>>(
  inputs: (batch: number) => T,
  body: (inputs: T) => Record<string, Tensor>,
): Recording {
  const traces: Trace[] = [];
  try {
    for (const batch of SIZES) {
      const given = inputs(batch);
      try {
        traces.push(trace(given, () => body(given)));
      } finally {
        for (const tensor of Object.values(given)) tensor.dispose();
      }
    }
    const [small, large] = traces as [Trace, Trace];
    return new Merge(small, large).recording();
  } catch (error) {
    disposeAll(traces);
    throw error;
  } finally {
    traces[1]?.dispose(); // the first one's constants are kept
  }
}

function disposeAll(traces: readonly Trace[]): void {
  for (const one of traces) one.dispose();
}

class Merge {
  private readonly values = new Map<number, RecordedValue>();

  constructor(
    private readonly a: Trace,
    private readonly b: Trace,
  ) {}

  recording(): Recording {
    const { a, b } = this;
    if (a.calls.length !== b.calls.length) {
      throw differ(`${a.calls.length} and ${b.calls.length} operator calls`);
    }
    const inputs = a.inputs.map((value, i) => this.merge(value, b.inputs[i], 'an input'));
    const calls: RecordedCall[] = [];
    a.calls.forEach((call, i) => {
      const merged = this.call(call, b.calls[i] as TracedCall);
      if (merged.results.some(({ tensor }) => tensor === null)) calls.push(merged);
    });
    const outputs = new Map(
      [...a.outputs].map(([name, value]) => [name, this.merge(value, b.outputs.get(name), name)]),
    );
    return { inputs, outputs, calls, dispose: () => a.dispose() };
  }

  private call(a: TracedCall, b: TracedCall): RecordedCall {
    if (a.name !== b.name || a.results.length !== b.results.length)
      throw differ(`${a.name} where the other has ${b.name}`);
    const given = new Map<string, RecordedArgument>();
    for (const [name, value] of a.arguments) {
      given.set(name, this.argument(value, b.arguments.get(name), `${a.name}, ${name}`));
    }
    const free = [...given.values()]
      .flat()
      .some(
        (value) =>
          typeof value === 'object' &&
          value !== null &&
          ('batch' in value || ('index' in value && !value.tensor)),
      );
    const results = a.results.map((value, i) => {
      const other = b.results[i];
      const result = free ? { ...value, tensor: null } : value;
      return this.merge(result, other, a.name, { made: true });
    });
    return { name: a.name, arguments: given, results };
  }

  private argument(a: TracedArgument, b: TracedArgument, where: string): RecordedArgument {
    if (isTracedValue(a)) {
      if (!isTracedValue(b)) throw differ(where);
      return this.merge(a, b, where);
    }
    if (Array.isArray(a)) {
      if (!Array.isArray(b) || a.length !== b.length) throw differ(`${where}: lists of different lengths`);
      return a.map((item: TracedArgument, i) => this.argument(item, b[i] as TracedArgument, where));
    }
    if (typeof a === 'number' && typeof b === 'number') return sizeOf(a, b, where);
    if (a !== b || typeof a === 'object') {
      if (a === null && b === null) return null;
      throw differ(where);
    }
    return a;
  }

  /** Merges a tensor of both; constants that no call made must be equal. */
  private merge(
    a: TracedValue,
    b: TracedValue | undefined,
    where: string,
    { made = false } = {},
  ): RecordedValue {
    const known = this.values.get(a.index);
    if (known) return known;
    if (!b || a.index !== b.index || a.shape.length !== b.shape.length || a.dtype !== b.dtype)
      throw differ(where);
    const shape = a.shape.map((size, i) => sizeOf(size, b.shape[i] ?? 0, `${where}, shape`));
    const varies = shape.some((size) => typeof size !== 'number');
    if (a.tensor && !made) {
      const same = !varies && b.tensor !== null && equalData(a.tensor, b.tensor);
      if (!same) throw differ(`${where}: a tensor of shape [${a.shape.join(', ')}] made in TypeScript`);
    }
    const { index, dtype, input, handle } = a;
    const value = { index, shape, dtype, input, handle, tensor: varies ? null : a.tensor };
    this.values.set(index, value);
    return value;
  }
}

/** Parameters are the same memory. */
function equalData(a: Tensor, b: Tensor): boolean {
  return Buffer.compare(a.toBytes(), b.toBytes()) === 0;
}

/** @throws EXPORT_UNSUPPORTED unless equal or the same multiple of the batch size */
function sizeOf(a: number, b: number, where: string): Size {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return a;
  const [small, large] = SIZES;
  const batch = a / small;
  if (Number.isInteger(batch) && batch > 0 && batch * large === b) return { batch };
  throw differ(`${where}: ${a} and ${b}`);
}

function differ(what: string): ReclmisError {
  return new ReclmisError(
    'EXPORT_UNSUPPORTED',
    `the computation at batch sizes ${SIZES.join(' and ')} differs in more than the batch size: ${what}`,
  );
}

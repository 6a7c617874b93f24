/**
 * Records a body's operator calls as a graph: arguments by name, and each tensor once, however often its
 * handle changes in place.
 *
 * Tensors that depend on no input are constants, kept with their data. Numbers read off shapes are plain
 * numbers: traces at two sizes tell which they are.
 */
import { ReclmisError } from '@reclmis/core';
import { DETACH$ } from './generated/table.js';
import { dtypeName, invoke, listen, setRecording, type DType, type Operator } from './invoke.js';
import { native } from './native.js';
import { keep, noGrad, scope } from './scope.js';
import { Tensor } from './tensor.js';

export interface TracedValue {
  /** From 0, in the order of appearance. */
  readonly index: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Its name as an input, or null. */
  readonly input: string | null;
  /** Number of the handle that showed it first; finds a parameter's name. */
  readonly handle: number;
  /** The data of a constant, owned by the trace; else null. */
  readonly tensor: Tensor | null;
}

/** An argument of a call; undefined leaves the schema's default. */
export type TracedArgument =
  TracedValue | number | boolean | string | null | undefined | readonly TracedArgument[];

export interface TracedCall {
  /** ATen's name with overload, without the `_` of in-place forms: `add.Tensor`, `relu`. */
  readonly name: string;
  /** By the schema's names. */
  readonly arguments: ReadonlyMap<string, TracedArgument>;
  readonly results: readonly TracedValue[];
}

export interface Trace {
  readonly calls: readonly TracedCall[];
  readonly inputs: readonly TracedValue[];
  readonly outputs: ReadonlyMap<string, TracedValue>;
  /** Frees the constants. */
  dispose(): void;
}

export function isTracedValue(value: TracedArgument): value is TracedValue {
  return typeof value === 'object' && value !== null && 'index' in value;
}

/**
 * Records `body`, run without autograd.
 * @param inputs what the graph is a function of. @param body returns the outputs by name. @throws
 * EXPORT_UNSUPPORTED if a tensor is changed in place while another handle shows its memory, or holds no
 * input; what `body` throws.
 */
export function trace(inputs: Readonly<Record<string, Tensor>>, body: () => Record<string, Tensor>): Trace {
  const recorder = new Recorder(inputs);
  const before = listen((op, values, result) => recorder.hear(op, values, result));
  const recorded = setRecording(true);
  try {
    const outputs = noGrad(() =>
      scope(() => {
        const named = Object.entries(body());
        return new Map(named.map(([name, tensor]) => [name, recorder.value(tensor.id)]));
      }),
    );
    return recorder.finish(outputs);
  } catch (error) {
    recorder.dispose();
    throw error;
  } finally {
    setRecording(recorded);
    listen(before);
  }
}

/** Memory that several handles may show; its version counts changes in place. */
interface Storage {
  version: number;
}

interface Binding {
  readonly value: TracedValue;
  readonly storage: Storage;
  readonly version: number;
}

interface Schema {
  readonly parameters: readonly { readonly name: string; readonly isTensor: boolean }[];
  readonly inPlace: boolean;
  /** The result may show the first tensor argument's memory. */
  readonly isView: boolean;
  readonly returnsTensors: boolean;
}

class Recorder {
  private readonly calls: TracedCall[] = [];
  private readonly bindings = new Map<number, Binding>();
  private readonly schemas = new Map<Operator, Schema>();
  private readonly inputs: TracedValue[] = [];
  private readonly kept: Tensor[] = [];
  private count = 0;
  private failure: ReclmisError | null = null;
  private resting = false;

  constructor(inputs: Readonly<Record<string, Tensor>>) {
    for (const [name, tensor] of Object.entries(inputs)) {
      const binding = this.bind(tensor.id, { input: name, constant: false }, { version: 0 });
      this.inputs.push(binding.value);
    }
  }

  /** Errors are kept for the end: the operator's caller must first take the handle that it made. */
  hear(op: Operator, values: readonly unknown[], result: unknown): void {
    if (this.failure !== null || this.resting) return;
    try {
      this.record(op, values, result);
    } catch (error) {
      if (!(error instanceof ReclmisError)) throw error;
      this.failure = error;
    }
  }

  /** A handle's value; one that no call made is a constant. */
  value(id: number): TracedValue {
    return this.binding(id).value;
  }

  finish(outputs: ReadonlyMap<string, TracedValue>): Trace {
    if (this.failure !== null) throw this.failure;
    const { calls, inputs } = this;
    return { calls, inputs, outputs, dispose: () => this.dispose() };
  }

  dispose(): void {
    for (const tensor of this.kept) tensor.dispose();
    this.kept.length = 0;
  }

  private record(op: Operator, values: readonly unknown[], result: unknown): void {
    const schema = this.schemaOf(op);
    const given = new Map<string, TracedArgument>();
    schema.parameters.forEach(({ name, isTensor }, i) => {
      given.set(name, isTensor ? this.tensors(values[i]) : (values[i] as TracedArgument));
    });
    const tensors = [...given.values()].flat().filter((value) => isTracedValue(value));
    const constant = tensors.every(({ tensor }) => tensor !== null);
    const first = values[0];
    const shown = schema.isView && typeof first === 'number' ? this.binding(first).storage : null;

    const results: TracedValue[] = [];
    if (schema.inPlace) {
      results.push(this.change(op, first as number, constant));
    } else if (schema.returnsTensors) {
      for (const id of Array.isArray(result) ? (result as number[]) : [result as number]) {
        results.push(this.bind(id, { input: null, constant }, shown ?? { version: 0 }).value);
      }
    } else if (!constant) {
      throw unsupported(op, 'its result is a number that depends on the inputs');
    }
    this.calls.push({ name: plainName(op), arguments: given, results });
  }

  private change(op: Operator, id: number, constant: boolean): TracedValue {
    const { storage, value } = this.binding(id);
    if (value.tensor !== null) throw unsupported(op, 'it modifies in place a tensor that holds no input');
    storage.version += 1;
    return this.bind(id, { input: null, constant }, storage).value;
  }

  private binding(id: number): Binding {
    const binding = this.bindings.get(id) ?? this.bind(id, { input: null, constant: true }, { version: 0 });
    if (binding.version !== binding.storage.version) {
      throw new ReclmisError(
        'EXPORT_UNSUPPORTED',
        `a tensor of shape [${binding.value.shape.join(', ')}] is read after its memory was modified in place through another tensor`,
      );
    }
    return binding;
  }

  private bind(id: number, what: { input: string | null; constant: boolean }, storage: Storage): Binding {
    const { shape, dtype } = native().describe(id);
    const value: TracedValue = {
      index: this.count++,
      shape,
      dtype: dtypeName(dtype),
      input: what.input,
      handle: id,
      tensor: what.constant ? this.hold(id) : null,
    };
    const binding = { value, storage, version: storage.version };
    this.bindings.set(id, binding);
    return binding;
  }

  private hold(id: number): Tensor {
    this.resting = true;
    try {
      const tensor = keep(Tensor.adopt(invoke(DETACH$, [id]) as number));
      this.kept.push(tensor);
      return tensor;
    } finally {
      this.resting = false;
    }
  }

  private tensors(value: unknown): TracedArgument {
    if (Array.isArray(value)) return value.map((item) => this.tensors(item));
    return typeof value === 'number' && value !== 0 ? this.value(value) : null;
  }

  private schemaOf(op: Operator): Schema {
    const known = this.schemas.get(op);
    if (known) return known;
    const text = native().schema(op.name, op.overload) ?? '';
    const arrow = text.lastIndexOf(') -> ');
    const returns = text.slice(arrow + 5);
    const parameters = topLevel(text.slice(text.indexOf('(') + 1, arrow))
      .filter((part) => part !== '*' && part !== '')
      .map((part) => ({
        name: /(\w+)(?:=.*)?$/.exec(part)?.[1] ?? '',
        isTensor: part.startsWith('Tensor'),
      }));
    const schema = {
      parameters,
      inPlace: /^Tensor\(\w+!\)/.test(text.slice(text.indexOf('(') + 1)),
      isView: /^\(?Tensor\(\w+\)/.test(returns),
      returnsTensors: returns.includes('Tensor'),
    };
    this.schemas.set(op, schema);
    return schema;
  }
}

function topLevel(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= list.length; i++) {
    const sign = list[i] ?? ',';
    if ('([{'.includes(sign)) depth++;
    else if (')]}'.includes(sign)) depth--;
    else if (sign === ',' && (depth === 0 || i === list.length)) {
      parts.push(list.slice(from, i).trim());
      from = i + 1;
    }
  }
  return parts;
}

/** `aten::add_`, `Tensor` -> `add.Tensor`. */
function plainName({ name, overload }: Operator): string {
  const base = name.replace('aten::', '').replace(/(?<=\w)_$/, '');
  return overload === '' ? base : `${base}.${overload}`;
}

function unsupported(op: Operator, why: string): ReclmisError {
  return new ReclmisError('EXPORT_UNSUPPORTED', `${op.name.replace('aten::', '')}: ${why}`);
}

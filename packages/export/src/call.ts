/** A recorded call as translators read it: arguments and tensors by name. */
import { ONNX_TYPES, type OnnxType, ReclmisError } from '@reclmis/core';
import type { Tensor } from '@reclmis/torch';
import { type Builder, onnxType } from './builder.js';
import {
  shapeText,
  type RecordedArgument,
  type RecordedCall,
  type RecordedValue,
  type Size,
} from './record.js';

/** Returns the names of the call's results. */
export type Translator = (call: Call, builder: Builder) => string | readonly string[];

export class Call {
  constructor(
    private readonly recorded: RecordedCall,
    private readonly names: Names,
  ) {}

  get name(): string {
    return this.recorded.name;
  }

  get results(): readonly RecordedValue[] {
    return this.recorded.results;
  }

  get result(): RecordedValue {
    const [first] = this.results;
    if (!first) throw this.unsupported('has no result');
    return first;
  }

  get type(): OnnxType {
    return onnxType(this.result.dtype);
  }

  value(name: string): RecordedValue {
    const value = this.recorded.arguments.get(name);
    if (!isValue(value)) throw this.unsupported(`needs a tensor for ${name}`);
    return value;
  }

  has(name: string): boolean {
    return isValue(this.recorded.arguments.get(name));
  }

  tensor(name: string): string {
    return this.names.of(this.value(name));
  }

  /** A tensor, cast to the result's type. */
  tensorAs(name: string, builder: Builder): string {
    const value = this.value(name);
    return castTo(builder, this.names.of(value), onnxType(value.dtype), this.type);
  }

  /** With its name; null if computed. */
  constant(name: string): { readonly name: string; readonly tensor: Tensor } | null {
    const value = this.value(name);
    return value.tensor && { name: this.names.nameOf(value), tensor: value.tensor };
  }

  tensors(name: string): readonly string[] {
    const list = this.recorded.arguments.get(name);
    if (!Array.isArray(list)) throw this.unsupported(`needs a list of tensors for ${name}`);
    return list.map((item: RecordedArgument) => {
      if (!isValue(item)) throw this.unsupported(`needs tensors in ${name}`);
      return this.names.of(item);
    });
  }

  /** A fixed number; `otherwise` if absent or null. */
  number(name: string, otherwise?: number): number {
    const value = this.recorded.arguments.get(name) ?? otherwise;
    if (typeof value === 'boolean') return Number(value);
    if (typeof value !== 'number') throw this.unsupported(`needs a fixed number for ${name}`);
    return value;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.recorded.arguments.get(name) ?? otherwise;
    if (typeof value !== 'boolean') throw this.unsupported(`needs true or false for ${name}`);
    return value;
  }

  text(name: string, otherwise: string): string {
    const value = this.recorded.arguments.get(name) ?? otherwise;
    if (typeof value !== 'string') throw this.unsupported(`needs a word for ${name}`);
    return value;
  }

  numbers(name: string, count: number, otherwise?: readonly number[]): readonly number[] {
    const value = this.recorded.arguments.get(name) ?? otherwise;
    if (typeof value === 'number') return Array.from({ length: count }, () => value);
    if (Array.isArray(value) && value.every((item) => typeof item === 'number')) {
      const list = value as readonly number[];
      if (list.length === 0 && otherwise) return otherwise;
      return list.length === 1 ? Array.from({ length: count }, () => list[0] ?? 0) : list;
    }
    throw this.unsupported(`needs fixed numbers for ${name}`);
  }

  isAbsent(name: string): boolean {
    return (this.recorded.arguments.get(name) ?? null) === null;
  }

  /** Non-negative, of `of`, by default the first result. */
  axis(name: string, otherwise?: number, of: RecordedValue = this.result): number {
    const axis = this.number(name, otherwise);
    return axis < 0 ? axis + of.shape.length : axis;
  }

  /** Non-negative axes; all if none were given. */
  axes(name: string, of: RecordedValue): readonly number[] {
    const rank = of.shape.length;
    const all = of.shape.map((_, axis) => axis);
    const given = this.recorded.arguments.get(name) ?? null;
    if (given === null || (Array.isArray(given) && given.length === 0)) return all;
    const list = Array.isArray(given) ? given : [given];
    return list.map((axis: RecordedArgument) => {
      if (typeof axis !== 'number') throw this.unsupported(`needs fixed axes for ${name}`);
      return axis < 0 ? axis + rank : axis;
    });
  }

  unsupported(why: string): ReclmisError {
    return new ReclmisError('EXPORT_UNSUPPORTED', `${this.name}: ${why}`);
  }
}

/** A fixed size. @throws EXPORT_UNSUPPORTED for the batch */
export function fixed(size: Size | undefined, what: string): number {
  if (typeof size === 'number') return size;
  throw new ReclmisError('EXPORT_UNSUPPORTED', `${what}: expected a size that does not depend on the batch`);
}

export function castTo(builder: Builder, name: string, from: OnnxType, to: OnnxType): string {
  return from === to ? name : builder.emit('Cast', [name], { to: { kind: 'int', value: ONNX_TYPES[to] } });
}

export class Names {
  private readonly made = new Map<number, string>();

  constructor(
    private readonly builder: Builder,
    private readonly parameters: ReadonlyMap<number, string>,
  ) {}

  set(value: RecordedValue, name: string): void {
    this.made.set(value.index, name);
  }

  of(value: RecordedValue): string {
    const made = this.made.get(value.index);
    if (made !== undefined) return made;
    if (!value.tensor) {
      throw new ReclmisError(
        'EXPORT_UNSUPPORTED',
        `a tensor of shape ${shapeText(value.shape)} comes from no recorded call`,
      );
    }
    return this.builder.tensor(this.nameOf(value), value.tensor);
  }

  nameOf(value: RecordedValue): string {
    return this.parameters.get(value.handle) ?? `constant_${value.index}`;
  }
}

export function isValue(value: RecordedArgument): value is RecordedValue {
  return typeof value === 'object' && value !== null && 'index' in value;
}

/**
 * Turns a recording into an ONNX graph, by `operators.ts` and `operators-shape.ts`. Constant results were
 * computed by libtorch; the graph has only those that a call reads.
 */
import { ReclmisError } from '@reclmis/core';
import { BATCH, Builder, onnxType } from './builder.js';
import { Call, Names } from './call.js';
import type { OnnxGraph, OnnxValue } from './onnx-graph.js';
import { OPERATORS } from './operators.js';
import { SHAPE_OPERATORS } from './operators-shape.js';
import type { RecordedValue, Recording } from './record.js';

export interface TranslateOptions {
  readonly name: string;
  readonly parameters: ReadonlyMap<number, string>;
}

/** @throws EXPORT_UNSUPPORTED for an unknown operator */
export function translate(recording: Recording, { name, parameters }: TranslateOptions): OnnxGraph {
  const inputs = recording.inputs.map((value) => describe(value, value.input ?? ''));
  const builder = new Builder(name, inputs);
  const names = new Names(builder, parameters);
  for (const value of recording.inputs) names.set(value, value.input ?? '');
  for (const call of recording.calls) {
    const translator = OPERATORS.get(call.name) ?? SHAPE_OPERATORS.get(call.name);
    if (!translator) {
      throw new ReclmisError('EXPORT_UNSUPPORTED', `the operator ${call.name} has no translation to ONNX`);
    }
    const made = translator(new Call(call, names), builder);
    const results = typeof made === 'string' ? [made] : made;
    call.results.forEach((value, i) => {
      const result = results[i];
      if (result !== undefined) names.set(value, result);
    });
  }
  return builder.finish(
    [...recording.outputs].map(([output, value]) => ({ ...describe(value, output), from: names.of(value) })),
  );
}

function describe({ shape, dtype }: RecordedValue, name: string): OnnxValue {
  const sizes = shape.map((size) => {
    if (typeof size === 'number') return size;
    return size.batch === 1 ? BATCH : `${size.batch} ${BATCH}`;
  });
  return { name, type: onnxType(dtype), shape: sizes };
}

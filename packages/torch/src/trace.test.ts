import { ReclmisError } from '@reclmis/core';
import { afterEach, describe, expect, it } from 'vitest';
import { cat, zeros } from './generated/functions.js';
import { scope } from './scope.js';
import { memory } from './runtime.js';
import { Tensor } from './tensor.js';
import { isTracedValue, trace, type Trace, type TracedCall, type TracedValue } from './trace.js';

const traces: Trace[] = [];
afterEach(() => {
  for (const one of traces.splice(0)) one.dispose();
});

/** Records a function of one tensor [2,3]. */
function record(body: (x: Tensor) => Tensor): Trace {
  const traced = scope(() => {
    const x = Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [2, 3]);
    return trace({ x }, () => ({ y: body(x) }));
  });
  traces.push(traced);
  return traced;
}

const names = ({ calls }: Trace): string[] => calls.map(({ name }) => name);
const value = (call: TracedCall | undefined, name: string): TracedValue => {
  const found = call?.arguments.get(name);
  if (!isTracedValue(found)) throw new Error(`${name} is no tensor`);
  return found;
};
const code = (body: (x: Tensor) => Tensor): string => {
  try {
    record(body);
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  return 'none';
};

describe('trace', () => {
  it('lists every call with named arguments, and every tensor once', () => {
    const traced = record((x) => x.add(x, { alpha: 2 }).softmax(-1));
    expect(names(traced)).toEqual(['add.Tensor', 'softmax.int']);
    const [add, softmax] = traced.calls;
    expect(add?.arguments.get('alpha')).toBe(2);
    expect(value(add, 'self')).toBe(traced.inputs[0]);
    expect(value(add, 'other')).toBe(traced.inputs[0]);
    expect(softmax?.arguments.get('dim')).toBe(-1);
    expect(value(softmax, 'self')).toBe(add?.results[0]);
    expect(traced.outputs.get('y')).toBe(softmax?.results[0]);
    expect(traced.inputs[0]).toMatchObject({ input: 'x', shape: [2, 3], dtype: 'float32', tensor: null });
  });

  it('gives a handle a new value for each change in place, without the underscore', () => {
    const traced = record((x) => x.mul(2).relu_().mul_(x));
    expect(names(traced)).toEqual(['mul.Scalar', 'relu', 'mul.Tensor']);
    const results = traced.calls.map(({ results: [first] }) => first?.index);
    expect(new Set(results).size).toBe(3);
    expect(value(traced.calls[2], 'self').index).toBe(results[1]);
    expect(traced.outputs.get('y')?.index).toBe(results[2]);
  });

  it('keeps constants with their data after the body has freed them', () => {
    const traced = record((x) => {
      const weight = Tensor.fromFloat32([1, 2, 3], [3]);
      return scope(() => x.add(weight.mul(10)));
    });
    const [mul, add] = traced.calls;
    expect(mul?.results[0]?.tensor?.toFloat32Array()).toEqual(Float32Array.of(10, 20, 30));
    expect(value(mul, 'self').tensor?.toFloat32Array()).toEqual(Float32Array.of(1, 2, 3));
    expect(add?.results[0]?.tensor).toBeNull();
  });

  it('takes lists of tensors, several results and lists of numbers', () => {
    const traced = record((x) => {
      const [a, b] = x.splitWithSizes([1, 2], 1) as [Tensor, Tensor];
      return cat([b, a], 1);
    });
    const [split, joined] = traced.calls;
    expect(split?.arguments.get('split_sizes')).toEqual([1, 2]);
    expect(split?.results.map(({ shape }) => shape)).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(joined?.arguments.get('tensors')).toEqual([split?.results[1], split?.results[0]]);
  });

  it('refuses what a graph of values cannot say', () => {
    expect(code((x) => x.mul(2).relu_())).toBe('none');
    // The view shows memory changed through another handle.
    expect(
      code((x) => {
        const y = x.mul(2);
        const view = y.view([6]);
        y.relu_();
        return view;
      }),
    ).toBe('EXPORT_UNSUPPORTED');
    expect(code((x) => zeros([2, 3]).add_(x))).toBe('EXPORT_UNSUPPORTED');
    expect(code((x) => (x.equal(x) ? x.neg() : x))).toBe('EXPORT_UNSUPPORTED');
  });

  it('frees all handles', () => {
    const before = memory().handles;
    record((x) => x.add(Tensor.fromFloat32([1, 2, 3], [3]))).dispose();
    traces.length = 0;
    expect(code((x) => zeros([2, 3]).add_(x))).toBe('EXPORT_UNSUPPORTED');
    expect(memory().handles).toBe(before);
  });
});

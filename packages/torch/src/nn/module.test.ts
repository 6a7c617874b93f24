import { beforeAll, expect, test } from 'vitest';
import { ReclmisError } from '@reclmis/core';
import { memory, setThreads } from '../runtime.js';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { BatchNorm2d, Conv2d, Dropout, Linear, Module } from './index.js';

class Block extends Module {
  readonly conv = this.child('conv', new Conv2d(1, 2, 1));
  readonly norm = this.child('norm', new BatchNorm2d(2));
}

class Model extends Module {
  readonly scale = this.parameter('scale', Tensor.fromFloat32([2]));
  readonly blocks = this.children('nConvs', [new Block(), new Block()]);
  readonly head = this.child('mlp.2', new Linear(2, 1));
  readonly drop = this.child('drop', new Dropout());
}

const KEYS = [
  'scale',
  ...[0, 1].flatMap((i) => [
    `nConvs.${i}.conv.weight`,
    `nConvs.${i}.conv.bias`,
    `nConvs.${i}.norm.weight`,
    `nConvs.${i}.norm.bias`,
    `nConvs.${i}.norm.running_mean`,
    `nConvs.${i}.norm.running_var`,
  ]),
  'mlp.2.weight',
  'mlp.2.bias',
];

function code(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ReclmisError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

beforeAll(() => setThreads(1)); // faster for tensors this small

test('keys are paths joined by dots; buffers are state but not parameters', () => {
  const model = new Model();
  expect([...model.stateDict().keys()].sort()).toEqual([...KEYS].sort());
  expect([...model.namedParameters().keys()].sort()).toEqual(
    KEYS.filter((key) => !/running/.test(key)).sort(),
  );
  expect(model.parameters()).toHaveLength(11);
  expect(model.parameterCount()).toBe(1 + 2 * (2 + 2 + 2 + 2) + 3);
  expect(model.stateDict().get('nConvs.1.conv.weight')).toBe(model.blocks[1]?.conv.weight);
  expect([...model.namedModules().keys()]).toContain('nConvs.0.norm');
});

test('a frozen part keeps its statistics and stays in evaluation; gradients pass through it', () => {
  scope(() => {
    const model = new Model();
    const [first, second] = model.blocks as [Block, Block];
    second.norm.runningMean.fill_(1);
    second.freeze();
    model.train();
    expect([model, first, first.norm, second, second.norm].map(({ training }) => training)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    const x = Tensor.fromFloat32([1, 2, 3, 4]).view([1, 1, 2, 2]);
    const input = x.clone().requiresGrad_();
    second.norm.forward(second.conv.forward(input)).sum().backward();
    // Statistics 1 and 1, scale 1: each pixel's gradient is the sum of the weights, but for eps.
    const slope = second.conv.weight.sum().item() / Math.sqrt(1 + 1e-5);
    for (const value of input.grad?.toFloat32Array() ?? []) expect(value).toBeCloseTo(slope, 6);
    expect(second.conv.weight.grad ?? null).toBeNull();
    expect([...second.norm.runningMean.toFloat32Array()]).toEqual([1, 1]);
    first.norm.forward(first.conv.forward(x));
    expect([...first.norm.runningMean.toFloat32Array()]).not.toEqual([0, 0]);
    expect(model.parameterCount({ trainable: true })).toBe(1 + (2 + 2 + 2 + 2) + 3);
  });
});

test('a key may be used once', () => {
  class Twice extends Module {
    readonly a = this.child('a', new Dropout());
    readonly b = this.child('a', new Dropout());
  }
  expect(() => new Twice()).toThrow(/Twice: the key "a"/);
});

test('train, eval and freezing reach every module', () => {
  const model = new Model();
  expect(model.blocks[0]?.norm.training).toBe(true);
  model.eval();
  expect([...model.namedModules().values()].every((module) => !module.training)).toBe(true);
  model.train();
  expect(model.drop.training).toBe(true);
  model.blocks[0]?.requiresGrad(false);
  expect(model.parameterCount({ trainable: true })).toBe(model.parameterCount() - 8);
  expect(model.blocks[0]?.conv.weight.requiresGrad).toBe(false);
  expect(model.blocks[1]?.conv.weight.requiresGrad).toBe(true);
});

test('loadStateDict copies values, also of another dtype, and ignores num_batches_tracked', () => {
  const [from, to] = [new Model(), new Model()];
  const state = new Map(from.stateDict());
  state.set('scale', Tensor.fromFloat64([7]));
  state.set('nConvs.0.norm.num_batches_tracked', Tensor.fromInt64([12], []));
  const handle = to.scale;
  expect(to.loadStateDict(state)).toEqual({ missing: [], unexpected: [] });
  expect(to.scale).toBe(handle);
  expect(to.scale.dtype).toBe('float32');
  expect(to.scale.item()).toBe(7);
  expect(to.scale.requiresGrad).toBe(true);
  for (const [key, tensor] of from.stateDict()) {
    if (key !== 'scale') expect(to.stateDict().get(key)?.toBytes(), key).toEqual(tensor.toBytes());
  }
});

test('missing and unexpected keys throw when strict and are reported otherwise', () => {
  const model = new Model();
  const state = new Map(model.stateDict());
  state.delete('mlp.2.bias');
  state.set('mlp.2.num_batches_tracked', Tensor.fromInt64([0])); // not a batch normalisation's
  for (let i = 0; i < 7; i++) state.set(`extra.${i}`, Tensor.fromFloat32([i]));
  const { code: name, message } = code(() => model.loadStateDict(state));
  expect(name).toBe('CHECKPOINT_MISMATCH');
  expect(message).toContain('1 missing (mlp.2.bias)');
  expect(message).toContain(
    '8 unexpected (mlp.2.num_batches_tracked, extra.0, extra.1, extra.2, extra.3, and 3 more)',
  );
  const report = model.loadStateDict(state, { strict: false });
  expect(report.missing).toEqual(['mlp.2.bias']);
  expect(report.unexpected).toHaveLength(8);
});

test('another shape is refused, strict or not, before anything is copied', () => {
  const model = new Model();
  const state = new Map(model.stateDict());
  state.set('scale', Tensor.fromFloat32([9]));
  state.set('mlp.2.weight', Tensor.fromFloat32([1, 2], [2, 1]));
  const failed = code(() => model.loadStateDict(state, { strict: false }));
  expect(failed.code).toBe('CHECKPOINT_MISMATCH');
  expect(failed.message).toContain('mlp.2.weight: expected shape [1, 2], the checkpoint has [2, 1]');
  expect(model.scale.item()).toBe(2);
});

test('to changes the dtype in place and keeps what trains', () => {
  const model = new Model();
  const { weight } = model.head;
  const before = weight.toFloat32Array();
  model.to('cpu', 'float64');
  expect(weight.dtype).toBe('float64');
  expect([...weight.toFloat64Array()]).toEqual([...before]);
  scope(() =>
    model.head
      .forward(Tensor.fromFloat64([1, 2], [1, 2]))
      .sum()
      .backward(),
  );
  expect(weight.grad?.dtype).toBe('float64');
  expect([...(weight.grad?.toFloat64Array() ?? [])]).toEqual([1, 2]);
});

test('parameters outlive the scope they are made in and end with dispose, which is safe to repeat', () => {
  const before = memory();
  const model = scope(() => new Model());
  expect(memory().handles).toBe(before.handles + KEYS.length);
  expect(model.scale.item()).toBe(2);
  model.dispose();
  model.dispose();
  expect(memory().handles).toBe(before.handles);
  expect(memory().liveBytes).toBe(before.liveBytes);
  expect(code(() => model.head.forward(model.scale)).code).toBe('TENSOR_DISPOSED');
});

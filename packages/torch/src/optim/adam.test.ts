import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ReclmisError } from '@reclmis/core';
import { randn } from '../generated/functions.js';
import { manualSeed, setThreads } from '../runtime.js';
import { noGrad, scope } from '../scope.js';
import { readSafetensors, writeSafetensors } from '../archive/safetensors.js';
import { Tensor } from '../tensor.js';
import { Adam, AdamW, type AdamOptions } from './index.js';

function leaf(values: readonly number[]): Tensor {
  return Tensor.fromFloat64(values).requiresGrad_();
}

/** Gradient of number `i` at step `t`: large and small, both signs. */
function gradient(i: number, t: number): number {
  return Math.sin(3 * i + t) * 10 ** ((i % 5) - 2);
}

function setGradient(parameter: Tensor, t: number): void {
  scope(() => {
    parameter.grad = Tensor.fromFloat64(Array.from({ length: parameter.numel }, (_, i) => gradient(i, t)));
  });
}

/** Adam of one number, as the papers write it. */
function scalarAdam(
  start: number,
  i: number,
  o: Required<Omit<AdamOptions, 'factors' | 'undecayed'>>,
  lrs: number[],
  decoupled: boolean,
): number {
  let [p, m, v] = [start, 0, 0];
  lrs.forEach((lr, k) => {
    const t = k + 1;
    let g = gradient(i, t);
    if (decoupled) p -= lr * o.weightDecay * p;
    else g += o.weightDecay * p;
    m = o.betas[0] * m + (1 - o.betas[0]) * g;
    v = o.betas[1] * v + (1 - o.betas[1]) * g * g;
    const mHat = m / (1 - o.betas[0] ** t);
    const vHat = v / (1 - o.betas[1] ** t);
    p -= (lr * mHat) / (Math.sqrt(vHat) + o.eps);
  });
  return p;
}

const START = [0.5, -1, 2, 0, 3];

beforeAll(() => setThreads(1)); // faster for tensors this small

test.each(['float32', 'float64'] as const)('a step is a change that autograd notices, %s', (dtype) => {
  scope(() => {
    const parameter = Tensor.fromFloat64(START).to({ dtype }).requiresGrad_();
    using adam = new Adam([parameter]);
    const loss = parameter.square().sum();
    loss.backward(null, { retainGraph: true });
    adam.step();
    // It would give the gradient of another loss.
    expect(() => loss.backward()).toThrow(/modified by an inplace operation/);
  });
});

test.each([
  ['Adam', Adam, { weightDecay: 0, eps: 1e-8 }],
  ['Adam with an L2 penalty', Adam, { weightDecay: 0.1, eps: 1e-8 }],
  ['Adam with a large eps', Adam, { weightDecay: 0, eps: 0.1 }],
  ['AdamW', AdamW, { weightDecay: 0.2, eps: 1e-8 }],
] as const)('%s agrees with the scalar formula over ten steps of changing rates', (_, Optimiser, given) => {
  const options = { lr: 0.1, betas: [0.8, 0.95] as const, ...given };
  const parameters = [leaf(START), leaf(START)];
  const optimiser = new Optimiser(parameters, options);
  const lrs = Array.from({ length: 10 }, (_, k) => 0.1 / (k + 1));
  lrs.forEach((lr, k) => {
    optimiser.lr = lr;
    parameters.forEach((parameter) => setGradient(parameter, k + 1));
    optimiser.step();
  });
  for (const parameter of parameters) {
    parameter.toFloat64Array().forEach((value, i) => {
      const expected = scalarAdam(START[i] ?? NaN, i, options, lrs, Optimiser === AdamW);
      // The same arithmetic in doubles, in another order: a few dozen roundings of size 1.
      expect(Math.abs(value - expected)).toBeLessThan(1e-13);
    });
  }
});

test.each([
  ['Adam', Adam, 0.1],
  ['AdamW', AdamW, 0.2],
] as const)(
  '%s in float32 follows float64, whatever the layout of parameter and gradient',
  (_, Optimiser, weightDecay) => {
    scope(() => {
      manualSeed(8);
      // 3 to 33,001 elements: remainders that fill no vector, and more than a thread takes at a time.
      const shapes = [[3], [3, 16, 5, 7], [33_001]];
      const wide = shapes.map((shape) => randn(shape, { dtype: 'float64' }).requiresGrad_());
      const narrow = wide.map((p) => {
        const x = p.detach().to({ dtype: 'float32' });
        return (x.shape.length === 4 ? x.contiguous({ memoryFormat: 'channelsLast' }) : x).requiresGrad_();
      });
      const options = { lr: 0.01, weightDecay };
      const [reference, own] = [new Optimiser(wide, options), new Optimiser(narrow, options)];
      for (let step = 0; step < 5; step++) {
        wide.forEach((p, i) => {
          p.grad = randn(p.shape, { dtype: 'float64' });
          (narrow[i] as Tensor).grad = p.grad.to({ dtype: 'float32' }); // row-major, also where the parameter is not
        });
        reference.step();
        own.step();
      }
      wide.forEach((p, i) => {
        const off = (narrow[i] as Tensor).detach().to({ dtype: 'float64' }).sub(p.detach()).abs().max();
        expect(off.item()).toBeLessThan(2e-6); // numbers up to 5, rounded ten times to 2.4e-7
      });
      for (const optimiser of [reference, own]) optimiser.dispose();
    });
  },
);

test('has PyTorch’s defaults: the first step moves by lr against the gradient’s sign', () => {
  const parameter = leaf([1, 1]);
  scope(() => void (parameter.grad = Tensor.fromFloat64([3, -0.01])));
  new Adam([parameter]).step();
  // g / (|g| + eps): 1 to 1e-8 / |g|, times lr = 1e-3
  const [a, b] = parameter.toFloat64Array();
  expect(a).toBeCloseTo(0.999, 10);
  expect(b).toBeCloseTo(1.001, 8);
  const decayed = leaf([1]);
  scope(() => void (decayed.grad = Tensor.fromFloat64([0])));
  new AdamW([decayed]).step();
  expect(decayed.item()).toBeCloseTo(1 - 1e-3 * 0.01, 15); // no gradient, only the decay
});

test('skips parameters without a gradient, whose step count stays', () => {
  const [early, late, never] = [leaf([1]), leaf([1]), leaf([1])];
  const optimiser = new Adam(new Map(Object.entries({ early, late, never })), { lr: 0.1 });
  for (let t = 1; t <= 3; t++) {
    optimiser.zeroGrad();
    setGradient(early, t);
    if (t === 3) setGradient(late, t);
    optimiser.step();
  }
  expect(never.item()).toBe(1);
  const state = optimiser.stateDict();
  expect([...state.keys()].filter((key) => key.endsWith('.step'))).toEqual(['early.step', 'late.step']);
  expect(state.get('early.step')?.item()).toBe(3);
  expect(state.get('late.step')?.item()).toBe(1);
  expect(late.item()).toBeCloseTo(1 - 0.1 * Math.sign(gradient(0, 3)), 5); // a first step, lr eps / |g| = 7e-7 short
});

test.each([Adam, AdamW])(
  'a factor of 0.1 moves a tenth at every step, in the state’s own count: %o',
  (Optimiser) => {
    const [whole, tenth, apart] = [leaf(START), leaf(START), leaf(START)];
    const optimiser = new Optimiser(new Map(Object.entries({ whole, tenth })), {
      lr: 0.1,
      factors: new Map([['tenth', 0.1]]),
    });
    const slow = new Optimiser(new Map([['tenth', apart]]), { lr: 0.01 });
    for (let t = 1; t <= 3; t++) {
      for (const parameter of [whole, tenth, apart]) setGradient(parameter, t);
      optimiser.step();
      slow.lr = 0.1 * 0.1; // as it is computed
      slow.step();
      if (t > 1) continue;
      const moved = (parameter: Tensor): number[] =>
        [...parameter.toFloat64Array()].map((value, i) => value - (START[i] ?? NaN));
      moved(tenth).forEach((step, i) => expect(step / (moved(whole)[i] ?? NaN)).toBeCloseTo(0.1, 12));
    }
    expect(tenth.toBytes()).toEqual(apart.toBytes());
    expect(optimiser.stateDict().get('tenth.step')?.item()).toBe(3);
  },
);

test('factors of unknown parameters and negative ones are refused', () => {
  const parameters = new Map([['p', leaf([1])]]);
  expect(() => new Adam(parameters, { factors: new Map([['q', 0.1]]) })).toThrow(/no parameter q/);
  expect(() => new Adam(parameters, { factors: new Map([['p', -1]]) })).toThrow(
    /factor of p must be at least 0/,
  );
});

test('a state written to a file and read back continues bit for bit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-adam-'));
  try {
    const file = join(folder, 'optimiser.safetensors');
    const run = (optimiser: AdamW, parameter: Tensor, from: number, to: number): void => {
      for (let t = from; t <= to; t++) {
        setGradient(parameter, t);
        optimiser.step();
      }
    };
    const whole = leaf(START);
    const first = new AdamW(new Map([['p', whole]]), { lr: 0.01 });
    run(first, whole, 1, 3);
    writeSafetensors(file, first.stateDict());
    const resumed = noGrad(() => scope(() => whole.clone())).requiresGrad_();
    run(first, whole, 4, 6);
    const second = new AdamW(new Map([['p', resumed]]), { lr: 0.01 });
    scope(() => second.loadStateDict(readSafetensors(file).tensors));
    run(second, resumed, 4, 6);
    expect(resumed.toBytes()).toEqual(whole.toBytes());
    for (const [key, tensor] of first.stateDict()) {
      expect(second.stateDict().get(key)?.toBytes(), key).toEqual(tensor.toBytes());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a refused state changes nothing', () => {
  const parameter = leaf([1, 2]);
  const optimiser = new Adam([parameter]);
  setGradient(parameter, 1);
  optimiser.step();
  const good = optimiser.stateDict();
  const before = good.get('0.exp_avg')?.toBytes();
  const bad: [string, Map<string, Tensor>, RegExp][] = [
    [
      'shape',
      new Map([...good, ['0.exp_avg', leaf([1, 2, 3])]]),
      /0: expected moments of shape \[2\], got \[3\]/,
    ],
    ['incomplete', new Map([...good].slice(0, 2)), /only some of them/],
    ['count', new Map([...good, ['0.step', leaf([1.5])]]), /0\.step: expected a count, got 1\.5/],
    [
      'foreign',
      new Map([...good, ['7.step', leaf([1])]]),
      /1 keys that match no parameter, the first is 7\.step/,
    ],
  ];
  for (const [, state, message] of bad) {
    expect(() => optimiser.loadStateDict(state)).toThrow(message);
    expect(() => optimiser.loadStateDict(state)).toThrow(ReclmisError);
    expect(optimiser.stateDict().get('0.exp_avg')?.toBytes()).toEqual(before);
  }
  optimiser.loadStateDict(good); // its own state is a state like any other
  expect(optimiser.stateDict().get('0.exp_avg')?.toBytes()).toEqual(before);
});

test('settings out of range are named', () => {
  expect(() => new Adam([], { lr: -1 })).toThrow(/lr must be at least 0, got -1/);
  expect(() => new Adam([], { betas: [0.9, 1] })).toThrow(/each of betas must be within \[0, 1\), got 1/);
});

test.each([
  ['Adam', Adam],
  ['AdamW', AdamW],
] as const)('%s leaves parameters out of the decay, and others as they were', (_, Optimiser) => {
  const ended = (weightDecay: number, undecayed: readonly string[]): Uint8Array[] => {
    const [weight, bias] = [leaf(START), leaf([0.5, -1])];
    const parameters = new Map([
      ['weight', weight],
      ['bias', bias],
    ]);
    using optimiser = new Optimiser(parameters, { lr: 0.1, weightDecay, undecayed: new Set(undecayed) });
    for (let t = 1; t <= 3; t++) {
      for (const parameter of parameters.values()) setGradient(parameter, t);
      optimiser.step();
    }
    return [weight.toBytes(), bias.toBytes()];
  };
  const [weight, bias] = ended(0.2, ['bias']);
  expect(weight).toEqual(ended(0.2, [])[0]);
  expect(bias).toEqual(ended(0, [])[1]);
  expect(bias).not.toEqual(ended(0.2, [])[1]);
  expect(() => new Optimiser([leaf([1])], { undecayed: new Set(['no']) })).toThrow(/no parameter no/);
});

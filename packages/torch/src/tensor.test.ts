import { describe, expect, it } from 'vitest';
import {
  cat,
  conv2d,
  device,
  devices,
  keep,
  listen,
  manualSeed,
  memory,
  noGrad,
  rand,
  scope,
  setThreads,
  Tensor,
  threads,
  zeros,
} from './index.js';

function caught(body: () => unknown): { code?: string; message: string } {
  try {
    body();
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('nothing was thrown');
}

describe('data', () => {
  it('goes in and comes out unchanged in every dtype', () => {
    using floats = Tensor.fromFloat32([1.5, -2, 3, 4], [2, 2]);
    expect(floats.shape).toEqual([2, 2]);
    expect([...floats.toFloat32Array()]).toEqual([1.5, -2, 3, 4]);
    using integers = Tensor.fromInt64([1, 2 ** 40, -3]);
    expect(integers.dtype).toBe('int64');
    expect(integers.toInt64Array()).toEqual([1, 2 ** 40, -3]);
    using flags = Tensor.fromUint8([1, 0, 1], [3], { dtype: 'bool' });
    expect([...flags.toUint8Array()]).toEqual([1, 0, 1]);
    for (const dtype of ['float16', 'bfloat16', 'float64', 'int8', 'int16', 'int32', 'uint8'] as const) {
      using converted = floats.to({ dtype });
      expect(converted.dtype).toBe(dtype);
    }
  });

  it('reads a transposed tensor in row-major order', () => {
    scope(() => {
      const x = Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [2, 3]).transpose(0, 1);
      expect([...x.toFloat32Array()]).toEqual([1, 4, 2, 5, 3, 6]);
    });
  });

  it('refuses bytes that do not fit the shape', () => {
    expect(caught(() => Tensor.fromFloat32([1, 2, 3], [2, 2]))).toMatchObject({
      code: 'TENSOR_SHAPE',
      message: 'a float32 tensor of shape [2,2] takes 16 bytes, got 12',
    });
  });
});

describe('operators', () => {
  it('choose the overload by the kind of the argument', () => {
    scope(() => {
      const x = Tensor.fromFloat32([1, 2, 3, 4], [2, 2]);
      expect([...x.add(1).toFloat32Array()]).toEqual([2, 3, 4, 5]);
      expect([...x.add(x, { alpha: 2 }).toFloat32Array()]).toEqual([3, 6, 9, 12]);
      expect([...x.sum([1]).toFloat32Array()]).toEqual([3, 7]);
      expect(x.sum().item()).toBe(10);
      expect(x.mean([0, 1], true).shape).toEqual([1, 1]);
      const [values, indices] = x.max(1, false);
      expect([...values.toFloat32Array(), ...indices.toInt64Array()]).toEqual([2, 4, 1, 1]);
      expect([...cat([x, x.neg()], 1).toFloat32Array()]).toEqual([1, 2, -1, -2, 3, 4, -3, -4]);
      expect(zeros([2, 3], { dtype: 'int64' }).dtype).toBe('int64');
    });
  });

  it('convolve as by hand', () => {
    scope(() => {
      const x = Tensor.fromFloat32([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
      const w = Tensor.fromFloat32([1, 0, 0, -1], [1, 1, 2, 2]);
      const b = Tensor.fromFloat32([10]);
      expect([...conv2d(x, w, b).toFloat32Array()]).toEqual([6, 6, 6, 6]); // x[i,j] - x[i+1,j+1] + 10
    });
  });

  it('change in place and return the same handle', () => {
    using x = Tensor.fromFloat32([1, 2]);
    const before = memory().handles;
    expect(x.mul_(3)).toBe(x);
    expect([...x.toFloat32Array()]).toEqual([3, 6]);
    expect(memory().handles).toBe(before);
  });

  it('name operator, shapes and cause when they fail', () => {
    scope(() => {
      const error = caught(() => zeros([2, 3]).matmul(zeros([4, 5])));
      expect(error.code).toBe('OPERATOR_FAILED');
      expect(error.message).toMatch(/^matmul\(self float32\[2,3\], other float32\[4,5\]\): .*2x3 and 4x5/);
      expect(caught(() => zeros([2]).add('x' as unknown as number))).toMatchObject({
        code: 'OPERATOR_FAILED',
      });
    });
  });

  it('report their calls to a listener', () => {
    const seen: string[] = [];
    const before = listen((operator) => seen.push(operator.name));
    try {
      scope(() => zeros([2]).add(1).sum());
    } finally {
      listen(before);
    }
    expect(seen).toEqual(['aten::zeros', 'aten::add', 'aten::sum']);
  });
});

describe('autograd', () => {
  it('differentiates, adds up and can be switched off', () => {
    scope(() => {
      const x = Tensor.fromFloat32([1, 2, 3]).requiresGrad_();
      x.mul(x).sum().backward();
      expect([...x.grad!.toFloat32Array()]).toEqual([2, 4, 6]);
      x.mul(x).sum().backward();
      expect([...x.grad!.toFloat32Array()]).toEqual([4, 8, 12]);
      x.clearGrad();
      expect(x.grad).toBeNull();
      expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
      expect(x.mul(2).requiresGrad).toBe(true);
    });
  });

  it('switches recording on again after a throw', () => {
    expect(() => noGrad(() => { throw new Error('x'); })).toThrow('x'); // prettier-ignore
    scope(() => expect(zeros([1]).requiresGrad_().add(1).requiresGrad).toBe(true));
  });

  it('reports when there is nothing to differentiate', () => {
    scope(() => expect(caught(() => zeros([]).backward())).toMatchObject({ code: 'OPERATOR_FAILED' }));
  });
});

describe('ownership', () => {
  it('frees what a scope made and does not return, also on a throw', () => {
    const before = memory();
    const kept = scope(() => {
      const a = zeros([256, 256]);
      return { sums: [a.sum([0])], rest: a.add(1).sum() };
    });
    expect(memory().handles - before.handles).toBe(2);
    expect(memory().liveBytes - before.liveBytes).toBe(256 * 4 + 4);
    kept.sums[0]!.dispose();
    kept.rest.dispose();
    expect(() =>
      scope(() => {
        zeros([256]);
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(memory().handles).toBe(before.handles);
    expect(memory().liveBytes).toBe(before.liveBytes);
  });

  it('passes results of inner scopes to the outer one', () => {
    const before = memory().handles;
    scope(() => {
      const inner = scope(() => zeros([2]).add(1));
      expect(inner.isDisposed).toBe(false);
      scope(() => keep(zeros([1]))).dispose();
    });
    expect(memory().handles).toBe(before);
  });

  it('lets a tensor be disposed of twice and names its use afterwards', () => {
    const x = zeros([2]);
    x.dispose();
    x.dispose();
    expect(caught(() => x.add(1))).toMatchObject({ code: 'TENSOR_DISPOSED' });
    expect(caught(() => x.shape)).toMatchObject({ code: 'TENSOR_DISPOSED' });
    expect(String(x)).toBe('Tensor(disposed)');
  });

  it('keeps memory constant over 200 steps of training, in bytes', () => {
    manualSeed(1);
    const weight = rand([8, 3, 3, 3]).requiresGrad_();
    const step = (): void =>
      scope(() => {
        const loss = conv2d(rand([2, 3, 64, 64]), weight, null, [1, 1], [1, 1])
          .relu()
          .mean();
        loss.backward();
        noGrad(() => weight.sub_(weight.grad!, { alpha: 0.1 }));
        weight.clearGrad();
      });
    for (let i = 0; i < 5; i++) step();
    const { liveBytes, handles } = memory();
    for (let i = 0; i < 195; i++) step();
    expect(memory()).toMatchObject({ liveBytes, handles });
    weight.dispose();
  });
});

describe('the engine', () => {
  it('repeats random numbers from a seed', () => {
    scope(() => {
      manualSeed(42);
      const first = [...rand([4]).toFloat32Array()];
      manualSeed(42);
      expect([...rand([4]).toFloat32Array()]).toEqual(first);
      expect(first.every((value) => value >= 0 && value < 1)).toBe(true);
    });
  });

  it('knows its devices and refuses others', () => {
    expect(devices()[0]).toBe('cpu');
    expect(device('cpu')).toBe('cpu');
    expect(caught(() => device('cuda:99'))).toMatchObject({ code: 'DEVICE_MISSING' });
  });

  it('takes a number of threads', () => {
    const before = threads();
    setThreads(1);
    expect(threads()).toBe(1);
    setThreads(before);
    expect(caught(() => setThreads(0))).toMatchObject({ code: 'OPTION_INVALID' });
  });
});

/** Groups of processes, on loopback addresses of their own, against one process. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { scope, setThreads } from '../index.js';
import { Group } from './group.js';
import { distributedBackends } from './native.js';
import { Store } from './store.js';
import { loss, makeNet, stateOf, values } from './testing/rank.js';

const RANK = fileURLToPath(new URL('./testing/rank.js', import.meta.url));
const MINUTE = 60_000;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function ranks(size: number, name: string): Promise<Ended[]> {
  const port = await freePort();
  return Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const env = { ...process.env, RANK: `${rank}`, WORLD_SIZE: `${size}`, MASTER_PORT: `${port}` };
      const child = spawn(process.execPath, [RANK, name], { env });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      return new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
    }),
  );
}

async function results<R>(size: number, name: string): Promise<R[]> {
  return (await ranks(size, name)).map(({ code, out, err }) => {
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as R;
  });
}

/**
 * Largest difference over the reference tensor's largest value, or over 1 if that is larger: gradients are 1
 * to 6, but those of biases before a normalisation are rounding around 0.
 */
function difference(own: Record<string, number[]>, reference: Record<string, number[]>): number {
  expect(Object.keys(own)).toEqual(Object.keys(reference));
  const errors = Object.entries(reference).map(([key, expected]) => {
    const scale = Math.max(...expected.map(Math.abs));
    return (
      Math.max(...expected.map((value, i) => Math.abs(value - (own[key]?.[i] ?? NaN)))) / Math.max(scale, 1)
    );
  });
  return Math.max(...errors);
}

function alone(count: number, passes: number): Record<string, number[]> {
  setThreads(1);
  const net = makeNet();
  net.train();
  for (let pass = 0; pass < passes; pass++) {
    for (const parameter of net.parameters()) parameter.clearGrad();
    scope(() => loss(net, values([15, 2, 5, 5], 1).narrow(0, 0, count), 0).backward());
  }
  const state = stateOf(net);
  net.dispose();
  return state;
}

const ROUNDING = 1e-12;

describe.skipIf(!distributedBackends().includes('gloo'))('groups of processes', () => {
  it.each([2, 3])(
    'of %i: every collective',
    async (size) => {
      const all = await results<Record<string, unknown>>(size, 'collectives');
      const own = Array.from({ length: size }, (_, rank) => [...values([3], rank).toFloat64Array()]);
      const expected = [0, 1, 2].map((i) => own.reduce((sum, x) => sum + (x[i] ?? NaN), 0));
      for (const { sum, bytes, ...rest } of all) {
        (sum as number[]).forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 12));
        expect(rest).toEqual({
          root: [...values([2, 2], size - 1).toFloat64Array()],
          all: own.map((_, rank) => [...values([2], rank).toFloat64Array()]),
          max: 10,
          texts: own.map((_, rank) => (rank === 0 ? '' : `rank ${rank} ü`.repeat(rank))),
          from0: 'said by 0',
        });
        expect(bytes).toBe(3 * 8 + 3 * 8); // one tensor of three numbers, three maxima
      }
    },
    MINUTE,
  );

  it(
    'a sum that is differentiable: every rank’s loss depends on every rank’s values',
    async () => {
      const all = await results<{ y: number[]; gradient: number[] }>(2, 'sum');
      const [a, b, w] = [0, 1, 5].map((seed) => values([4], seed).toFloat64Array());
      for (const [rank, { y, gradient }] of all.entries()) {
        const x = rank === 0 ? a : b;
        y.forEach((value, i) => expect(value).toBeCloseTo((a?.[i] ?? NaN) ** 2 + (b?.[i] ?? NaN) ** 2, 5));
        // Losses w y and 2 w y: d/dx = (1 + 2) w 2x.
        gradient.forEach((value, i) =>
          expect(value).toBeCloseTo(3 * (w?.[i] ?? NaN) * 2 * (x?.[i] ?? NaN), 4),
        );
      }
    },
    MINUTE,
  );

  it.each([2, 3])(
    'of %i give the gradients and running statistics of one process with the whole batch, in uneven shares',
    async (size) => {
      const all = await results<{ results: Record<string, number[]>[]; bytes: number }>(size, 'step');
      const expected = [alone(15, 1), alone(15, 2)]; // the second pass runs with rebuilt buckets
      for (const { results: own, bytes } of all) {
        expected.forEach((reference, i) =>
          expect(difference(own[i] ?? {}, reference)).toBeLessThan(ROUNDING),
        );
        expect(own).toEqual(all[0]?.results); // every rank has the same, bit for bit
        // Gradients of 76 + 8 + 15 + 6 numbers; statistics of 4 and of 3 channels, mean and variance, forward and back, and two counts.
        expect(bytes).toBe(8 * (76 + 8 + 15 + 6) + 8 * (2 * 2) * (4 + 3) + 2 * 8);
      }
    },
    MINUTE,
  );

  it(
    'reduces a gradient with other strides in dimensions of size 1 without a warning',
    async () => {
      const [a, b] = [0, 1].map((rank) => values([4], rank).toFloat64Array());
      for (const own of await results<number[]>(2, 'layout'))
        // which expects an empty stderr
        own.forEach((value, i) => expect(value).toBeCloseTo(((a?.[i] ?? NaN) + (b?.[i] ?? NaN)) / 2, 12));
    },
    MINUTE,
  );

  it(
    'a rank without cases takes part and changes nothing',
    async () => {
      const all = await results<Record<string, number[]>>(3, 'idle');
      for (const own of all) expect(difference(own, alone(5, 1))).toBeLessThan(ROUNDING);
    },
    MINUTE,
  );

  it(
    'a killed rank fails the others’ collectives at once',
    async () => {
      const [first, second, killed] = await ranks(3, 'lost');
      expect(killed?.code).toBeNull();
      for (const ended of [first, second]) {
        const { code, message, seconds } = JSON.parse(ended?.out ?? '') as {
          code: string;
          message: string;
          seconds: number;
        };
        expect(code).toBe('DISTRIBUTED_FAILED');
        expect(message).toMatch(/^rank \d of 3: all-reduce: /);
        expect(seconds).toBeLessThan(30); // the requirement's bound, not a measurement
      }
    },
    MINUTE,
  );

  it('refuses impossible options, and names the rank that did not join', () => {
    using store = new Store({ host: '127.0.0.1', port: 0, isServer: true });
    expect(store.port).toBeGreaterThan(0);
    store.set('key', 'välue');
    expect(store.get('key')).toBe('välue');
    const thrown = (act: () => unknown): ReclmisError => {
      try {
        act();
      } catch (error) {
        return error as ReclmisError;
      }
      throw new Error('expected an error');
    };
    expect(thrown(() => store.get('nothing', 300))).toMatchObject({
      code: 'DISTRIBUTED_FAILED',
      message: expect.stringContaining('nothing') as string,
    });
    expect(thrown(() => new Group({ store, rank: 2, size: 2, address: '127.0.0.1' })).code).toBe(
      'OPTION_INVALID',
    );
    expect(
      thrown(() => new Group({ store, rank: 0, size: 2, address: '127.0.0.1', timeoutMs: 500 })).code,
    ).toBe('DISTRIBUTED_FAILED');
    expect(
      thrown(() => new Store({ host: '127.0.0.1', port: 1, isServer: false, timeoutMs: 500 })).code,
    ).toBe('DISTRIBUTED_FAILED');
  });
});

import { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { Batcher, type BatcherOptions, type Done } from './batcher.js';

function gated(options: Partial<BatcherOptions<string, string>> = {}) {
  const batches: string[][] = [];
  const signals: AbortSignal[] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<string, string>({
    run: async (items, signal) => {
      batches.push([...items]);
      signals.push(signal);
      await new Promise<void>((resolve) => gates.push(resolve));
      if (items.includes('bad')) throw new ReclmisError('INFERENCE_FAILED', 'bad');
      return items.map((item) => item.toUpperCase());
    },
    maxQueue: 10,
    maxUnits: 3,
    maxCost: 100,
    wait: 0,
    ...options,
  });
  const never = new AbortController().signal;
  const submit = (
    item: string,
    { key = 'k', units = 1, cost = 1, signal = never } = {},
  ): Promise<Done<string>> => batcher.submit({ item, key, units, cost, signal });
  const open = async (): Promise<void> => {
    gates.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { batcher, submit, open, batches, signals, gates, never };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof ReclmisError ? error.code : error),
  );

describe('Batcher', () => {
  it('gathers jobs while it computes, in order, up to the largest batch', async () => {
    const { submit, open, batches } = gated();
    const all = ['a', 'b', 'c', 'd', 'e'].map((item) => submit(item));
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]); // a full batch is handed over at once
    await open();
    expect(batches).toHaveLength(2); // e may still get company
    await open();
    await open();
    expect(batches).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
    const done = await Promise.all(all);
    expect(done.map(({ value }) => value)).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(done.map(({ batch }) => batch)).toEqual([1, 3, 3, 3, 1]);
  });

  it('waits while idle for announced jobs, but not beyond a full batch', async () => {
    const { batcher, submit, open, batches } = gated({ wait: 20 });
    using slow = batcher.expect();
    const first = submit('a');
    expect(batches).toEqual([]);
    const second = submit('b');
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(batches).toEqual([['a', 'b']]);
    await open();
    expect((await first).waited).toBeGreaterThan(10); // timers may fire a little early
    await second;
    const more = ['c', 'd', 'e'].map((item) => submit(item));
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    await open();
    await Promise.all(more);

    const early = submit('f');
    expect(batches).toHaveLength(2);
    slow[Symbol.dispose](); // announced, but will not come
    slow[Symbol.dispose]();
    expect(batches.at(-1)).toEqual(['f']);
    await open();
    await early;
    const alone = submit('g');
    expect(batches.at(-1)).toEqual(['g']);
    await open();
    await alone;
  });

  it('hands over at most one batch ahead', async () => {
    const { submit, open, batches } = gated();
    const all = Array.from('abcdefghij', (item) => submit(item));
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
    for (let done = 1; done <= 2; done++) {
      await open();
      expect(batches).toHaveLength(done + 2);
    }
    await open();
    await open();
    expect((await Promise.all(all)).map(({ batch }) => batch)).toEqual([1, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
  });

  it('separates keys and limits units and cost; a job that is too large runs alone', async () => {
    const { submit, open, batches } = gated();
    const all = [
      submit('first'),
      submit('a'),
      submit('b', { key: 'other' }),
      submit('c', { key: 'other', units: 2 }),
      submit('d', { key: 'other' }),
      submit('e', { key: 'other', cost: 60 }),
      submit('f', { key: 'other', cost: 60 }),
      submit('huge', { cost: 1000, units: 7 }),
    ];
    for (let i = 0; i < 6; i++) await open();
    expect(batches).toEqual([['first'], ['a'], ['b', 'c'], ['d', 'e'], ['f'], ['huge']]);
    expect((await Promise.all(all)).map(({ batch }) => batch)).toEqual([1, 1, 3, 3, 2, 2, 1, 7]);
  });

  it('refuses jobs beyond the queue, and says when to retry', async () => {
    const { batcher, submit, open } = gated({ maxQueue: 2 });
    const taken = [submit('a'), submit('b'), submit('c')];
    expect([batcher.length, batcher.full]).toEqual([2, true]);
    expect(await codeOf(submit('d'))).toBe('SERVER_BUSY');
    expect(batcher.retryAfter).toBeGreaterThanOrEqual(1);
    await open();
    await open();
    expect((await Promise.all(taken)).map(({ value }) => value)).toEqual(['A', 'B', 'C']);
    expect(batcher.full).toBe(false);
  });

  it('counts the batch ahead as waiting, without aborted jobs', async () => {
    const { batcher, submit, open, batches, signals } = gated({ maxQueue: 4 });
    const gone = new AbortController();
    const ends = ['a', 'b', 'c'].map((item) => codeOf(submit(item)));
    ends.push(codeOf(submit('d', { signal: gone.signal })));
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
    expect(batcher.length).toBe(3);
    ends.push(codeOf(submit('e')));
    expect(await codeOf(submit('f'))).toBe('SERVER_BUSY');
    gone.abort(new ReclmisError('INTERRUPTED', 'gone'));
    expect(batcher.length).toBe(3);
    expect(signals[1]?.aborted).toBe(false);
    for (let i = 0; i < 3; i++) await open();
    expect(await Promise.all(ends)).toEqual(['none', 'none', 'none', 'INTERRUPTED', 'none']);
    expect(batcher.length).toBe(0);
  });

  it('counts reserved places until jobs arrive or are dropped', async () => {
    const { batcher, submit, open, batches, never } = gated({ maxQueue: 2 });
    const [one, two] = [batcher.place(), batcher.place()];
    expect([batcher.length, batcher.full]).toEqual([0, true]);
    expect(() => batcher.place()).toThrow('2 requests are waiting, the limit is 2');
    expect(await codeOf(submit('late'))).toBe('SERVER_BUSY'); // has no place, though nothing is computed
    const job = { item: 'a', key: 'k', units: 1, cost: 1, signal: never };
    const first = batcher.submit(job, one);
    expect([batches, batcher.full]).toEqual([[['a']], false]); // computed, so one more may wait
    one[Symbol.dispose]();
    const second = submit('b');
    expect(batcher.full).toBe(true);
    two[Symbol.dispose]();
    two[Symbol.dispose]();
    const third = submit('c');
    expect([batcher.length, batcher.full]).toEqual([2, true]);
    await open();
    await open();
    expect((await Promise.all([first, second, third])).map(({ value }) => value)).toEqual(['A', 'B', 'C']);
  });

  it('takes one at a time if none may wait', async () => {
    const { submit, open } = gated({ maxQueue: 0 });
    const first = submit('a');
    expect(await codeOf(submit('b'))).toBe('SERVER_BUSY');
    await open();
    expect((await first).value).toBe('A');
  });

  it('drops aborted jobs, and aborts a batch once all its jobs are', async () => {
    const { batcher, submit, open, batches, signals } = gated({ maxUnits: 4 });
    const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()] as const;
    const gone = new ReclmisError('INTERRUPTED', 'gone');
    const first = submit('a', { signal: one.signal });
    const second = submit('b', { signal: two.signal });
    const third = submit('c', { signal: three.signal });
    const fourth = submit('d');
    two.abort(gone);
    expect(await codeOf(second)).toBe('INTERRUPTED');
    expect(batcher.length).toBe(2);
    one.abort(gone);
    expect(await codeOf(first)).toBe('INTERRUPTED');
    expect(signals[0]?.aborted).toBe(true);
    await open();
    three.abort(gone);
    expect(await codeOf(third)).toBe('INTERRUPTED');
    expect(signals[1]?.aborted).toBe(false);
    await open();
    expect((await fourth).value).toBe('D');
    expect(batches).toEqual([['a'], ['c', 'd']]);
    expect(await codeOf(submit('e', { signal: one.signal }))).toBe('INTERRUPTED');
  });

  it('computes the jobs of a failed batch one by one', async () => {
    const { submit, open, batches } = gated();
    const first = submit('a');
    const results = [submit('b'), submit('bad'), submit('c')].map((job) =>
      codeOf(job.then(({ value }) => Promise.reject(new Error(value)))),
    );
    for (let i = 0; i < 5; i++) await open();
    expect(batches).toEqual([['a'], ['b', 'bad', 'c'], ['b'], ['bad'], ['c']]);
    expect((await first).value).toBe('A');
    const [b, bad, c] = await Promise.all(results);
    expect([String(b), bad, String(c)]).toEqual(['Error: B', 'INFERENCE_FAILED', 'Error: C']);
  });

  it('removes its listeners from signals that live on', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const signal = new Proxy(controller.signal, {
      get(target, key) {
        if (key === 'addEventListener')
          return (...args: Parameters<AbortSignal['addEventListener']>) => {
            listeners += 1;
            target.addEventListener(...args);
          };
        if (key === 'removeEventListener')
          return (...args: Parameters<AbortSignal['removeEventListener']>) => {
            listeners -= 1;
            target.removeEventListener(...args);
          };
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { submit, open } = gated();
    const job = submit('a', { signal });
    expect(listeners).toBe(2);
    await open();
    await job;
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(listeners).toBe(0);
  });
});

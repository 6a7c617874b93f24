import { describe, expect, it } from 'vitest';
import { Judge } from './verdict.js';

const PATIENCE = { silentMs: 20_000, stallMs: 600_000 };

/** Beats once a second between two times in seconds; the main thread makes progress every `every` seconds. */
function beats(judge: Judge, rank: number, from: number, to: number, every: number, working = true): void {
  for (let t = from; t <= to; t++) judge.hear(rank, { count: Math.floor(t / every), working }, t * 1000);
}

describe('the judge of ranks', () => {
  it('names a rank that falls silent, after that time and not before', () => {
    const judge = new Judge(PATIENCE);
    for (const rank of [1, 2]) judge.watch(rank, 0);
    beats(judge, 1, 1, 40, 1);
    beats(judge, 2, 1, 10, 1);
    expect(judge.judge(29_000)).toBeNull();
    expect(judge.judge(30_000)).toEqual({ rank: 2, why: 'no message from it for 20 s' });
  });

  it('names nobody who said goodbye', () => {
    const judge = new Judge(PATIENCE);
    judge.watch(1, 0);
    judge.release(1);
    judge.hear(1, { count: 1, working: true }, 500);
    expect(judge.judge(1e9)).toBeNull();
    expect(judge.watching).toBe(0);
  });

  it('learns from the steps so far how long one may take', () => {
    const judge = new Judge(PATIENCE);
    judge.watch(1, 0);
    expect(judge.stallLimit).toBe(600_000);
    beats(judge, 1, 1, 100, 5);
    expect(judge.stallLimit).toBe(40_000); // 8 x 5 s
    const stuck = (t: number): void => judge.hear(1, { count: 20, working: true }, t * 1000);
    for (let t = 101; t <= 139; t++) stuck(t);
    expect(judge.judge(139_000)).toBeNull();
    stuck(140);
    expect(judge.judge(140_000)).toEqual({ rank: 1, why: 'it hangs: no progress for 40 s within a step' });
  });

  it('never takes fewer than silentMs, or more than stallMs, for a hang', () => {
    const quick = new Judge(PATIENCE);
    quick.watch(1, 0);
    beats(quick, 1, 1, 10, 1);
    expect(quick.stallLimit).toBe(20_000);
    const slow = new Judge(PATIENCE);
    slow.watch(1, 0);
    beats(slow, 1, 1, 2000, 400);
    expect(slow.stallLimit).toBe(600_000);
  });

  it('lets a resting rank rest, and counts no rest as a step', () => {
    const judge = new Judge(PATIENCE);
    judge.watch(1, 0);
    beats(judge, 1, 1, 20, 1);
    beats(judge, 1, 21, 4000, 4000, false);
    expect(judge.judge(4_000_000)).toBeNull();
    beats(judge, 1, 4001, 4010, 1);
    expect(judge.stallLimit).toBe(20_000);
  });
});

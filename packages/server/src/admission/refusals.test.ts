import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Refusals, refusalWait } from './refusals.js';

const answer = (destroyed = false): ServerResponse =>
  Object.assign(new EventEmitter(), { destroyed }) as unknown as ServerResponse;

function watched(promise: Promise<void>): { readonly promise: Promise<void>; ended: boolean } {
  const state = { promise, ended: false };
  void promise.then(() => (state.ended = true));
  return state;
}

describe('Refusals', () => {
  it('wait 20 ms per other refusal, 4 s at most', () => {
    expect([0, 1, 10, 200, 10_000].map(refusalWait)).toEqual([0, 20, 200, 4000, 4000]);
  });

  it('send the first at once; others wait until the client is gone or the server stops', async () => {
    const refusals = new Refusals();
    await refusals.wait(answer());
    expect(refusals.length).toBe(0);
    for (let i = 0; i < 100; i++) await refusals.wait(answer(true)); // disconnected clients do not wait
    const leaving = answer();
    const [first, second] = [watched(refusals.wait(leaving)), watched(refusals.wait(answer()))];
    await Promise.resolve();
    expect([refusals.length, first.ended, second.ended]).toEqual([2, false, false]);
    leaving.emit('close');
    await first.promise;
    expect([refusals.length, second.ended, leaving.listenerCount('close')]).toEqual([1, false, 0]);
    refusals.close();
    await second.promise;
    await refusals.wait(answer());
    expect(refusals.length).toBe(0);
  });
});

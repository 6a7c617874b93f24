import { describe, expect, it } from 'vitest';
import { Rasters } from '../rasters.js';
import { secondResult } from '../state/second.js';
import type { ModelInfo, Picture, Result } from '../state/state.js';
import { createStore } from '../state/store.js';
import type { Reply, Request } from './protocol.js';
import { Second } from './second.js';

const note = (text: string): Result['note'] => ({ text, sides: null });
const result = (id: string, text: string): Result =>
  ({ id, picture: 'picture-1', note: note(text), threshold: 0.5 }) as Result;
const mask = { width: 1, height: 1, data: Uint8Array.of(1) };
const found = (job: number, text: string): Reply => ({
  kind: 'found',
  job,
  found: result('', text),
  mask,
  probability: Float32Array.of(1),
});

function opened() {
  const sent: Request[] = [];
  let reply: (reply: Reply) => void = () => undefined;
  const rasters = new Rasters();
  const store = createStore();
  const start = () => ({ post: (request: Request) => void sent.push(request), onReply: (listener: typeof reply) => void (reply = listener) }); // prettier-ignore
  const second = new Second(start, store, rasters);
  const picture = { id: 'picture-1', name: 'a.png', width: 1, height: 1, frame: 0, frames: 1, spacing: null } as Picture; // prettier-ignore
  store.dispatch({ type: 'picture/opened', picture, note: note('left') });
  rasters.open({ id: 'picture-1', file: new Blob(), image: { ...mask, data: new Uint8Array(3) } });
  store.dispatch({ type: 'result/found', result: result('r1', 'left') });
  return { sent, store, rasters, second, reply: (one: Reply): void => reply(one) };
}

describe('the second model', () => {
  it('is not offered by itself, and loaded when first compared, with its share of bytes', () => {
    const { sent, store, second } = opened();
    store.dispatch({ type: 'compare/models' });
    expect(store.state.compare).toBeNull();
    second.offer({ model: '/second/', runtime: '/ort/', featureBytes: 128 });
    expect(sent).toEqual([]);
    store.dispatch({ type: 'compare/models' });
    expect(sent).toEqual([{ kind: 'load', model: '/second/', runtime: '/ort/', featureBytes: 128 }]);
  });

  it('opens the picture once, and is asked about each result; only the latest answer counts', () => {
    const { sent, store, rasters, second, reply } = opened();
    second.offer({ model: '/second/', runtime: '/ort/', featureBytes: 128 });
    store.dispatch({ type: 'compare/models' });
    reply({ kind: 'loaded', info: {} as ModelInfo });
    expect(sent[1]).toMatchObject({ kind: 'open', job: 1, name: 'a.png' });
    reply({
      kind: 'opened',
      job: 1,
      picture: { id: 'theirs' } as Picture,
      image: { ...mask, data: new Uint8Array(3) },
    });
    expect(sent[2]).toMatchObject({
      kind: 'segment',
      job: 2,
      picture: 'theirs',
      note: note('left'),
      interest: false,
    });
    store.dispatch({ type: 'result/found', result: result('r2', 'right') });
    expect(sent[3]).toMatchObject({ kind: 'segment', job: 3, note: note('right') });
    reply(found(2, 'left'));
    expect([rasters.compared, secondResult(store.state)]).toEqual([null, null]);
    reply(found(3, 'right'));
    expect(rasters.compared).toBe(mask);
    expect(secondResult(store.state)?.id).toBe('second-3');
    store.dispatch({ type: 'result/found', result: result('r3', 'both') });
    expect(secondResult(store.state)).toBeNull(); // not about this note
    store.dispatch({ type: 'compare/close' });
    reply(found(4, 'both'));
    store.dispatch({ type: 'compare/models' });
    expect(sent.filter(({ kind }) => kind === 'open')).toHaveLength(1);
    expect(sent.at(-1)).toMatchObject({ kind: 'segment', job: 5 });
  });

  it('says why it failed', () => {
    const { store, second, reply } = opened();
    second.offer({ model: '/second/', runtime: '/ort/', featureBytes: 128 });
    store.dispatch({ type: 'compare/models' });
    reply({ kind: 'failed', job: null, failure: { code: 'MODEL_INVALID', message: 'broken' } });
    expect(store.state.second).toEqual({ status: 'failed', code: 'MODEL_INVALID', message: 'broken' });
    expect(store.state.failure).toBeNull(); // the first goes on
  });
});

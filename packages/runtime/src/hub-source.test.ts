import { FakeHub } from '@reclmis/files/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hubSource } from './hub-source.js';

const MANIFEST = Buffer.from('{"format":"any"}');
const NETWORK = Buffer.alloc(100_000, 7); // large enough for another server
let hub: FakeHub;
let commit: string;

beforeEach(async () => {
  hub = await FakeHub.start();
  const files = new Map([
    ['int8/manifest.json', MANIFEST],
    ['int8/segmenter.onnx', NETWORK],
  ]);
  commit = hub.commit('ward/chest', files);
});
afterEach(() => hub.close());

it('pins a branch to its commit, and follows the hub to its files', async () => {
  const source = await hubSource('hf:ward/chest@main/int8', hub.url);
  expect(source.origin).toEqual({ repository: 'ward/chest', revision: 'main', folder: 'int8', commit });
  hub.commit('ward/chest', new Map([['int8/manifest.json', Buffer.from('{}')]]));
  expect(Buffer.from(await source.read('manifest.json', 1000)).equals(MANIFEST)).toBe(true);
  expect(Buffer.from(await source.read('segmenter.onnx', 100_000)).equals(NETWORK)).toBe(true);
  await expect(source.read('segmenter.onnx', 99_999)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(hub.seen.filter(({ path }) => path.startsWith('/api/models/'))).toHaveLength(1);
});

it('asks nothing about a commit', async () => {
  const { origin } = await hubSource(`hf:ward/chest@${commit}`, hub.url);
  expect(origin).toMatchObject({ revision: commit, commit });
  expect(hub.seen).toEqual([]);
});

it('codes what is not there, not to be read or not reached, and ends by the signal', async () => {
  const codeOf = (place: string, url = hub.url): Promise<unknown> =>
    hubSource(place, url).then(
      () => null,
      (error: unknown) => (error as { code?: unknown }).code,
    );
  expect(await codeOf('hf:ward/absent')).toBe('HUB_MISSING');
  expect(await codeOf('hf:ward/chest@v9')).toBe('HUB_MISSING');
  expect(await codeOf('hf:chest')).toBe('OPTION_INVALID');
  expect(await codeOf('hf:ward/chest', 'http://127.0.0.1:9')).toBe('MODEL_MISSING');
  hub.repositories.get('ward/chest')!.gated = true;
  expect(await codeOf('hf:ward/chest')).toBe('HUB_REFUSED');
  const reason = new Error('enough');
  await expect(hubSource('hf:ward/chest', hub.url, AbortSignal.abort(reason))).rejects.toBe(reason);
});

import { describe, expect, it } from 'vitest';
import { commitOf, hubRefusal, parseHubAddress, pinnedAddress, resolveUrl, revisionUrl } from './hub.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

describe('parseHubAddress', () => {
  it.each([
    ['hf:ward/chest', 'ward/chest', 'main', ''],
    ['hf://ward/chest/', 'ward/chest', 'main', ''],
    ['hf:ward/chest@v1.2', 'ward/chest', 'v1.2', ''],
    ['hf:ward/chest@refs%2Fpr%2F1/int8', 'ward/chest', 'refs/pr/1', 'int8'],
    [`hf:ward/chest@${COMMIT}`, 'ward/chest', COMMIT, ''],
    ['hf:ward/chest/models/int8', 'ward/chest', 'main', 'models/int8'],
  ])('%s', (text, repository, revision, folder) => {
    expect(parseHubAddress(text)).toEqual({ repository, revision, folder });
  });

  it.each([
    'hf:',
    'hf:chest',
    'hf:ward/',
    'hf:ward/chest@',
    'hf:ward/chest@../main',
    'hf:ward/chest@%E0%A4%A',
    'hf:ward/chest@-x',
    'hf:../chest',
    'hf:ward/a--b',
    'hf:ward/chest/../../etc',
    'hf:ward/chest//int8',
    'hf:ward/chest?x=1',
    'hf:me:secret@host/chest',
  ])('refuses %s', (text) => {
    expect(() => parseHubAddress(text)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

it('addresses of the API and of files, with a hub below a path', () => {
  const address = parseHubAddress('hf:ward/chest@refs%2Fpr%2F1/int8');
  expect(revisionUrl('https://hub.example/hf/', address)).toBe(
    'https://hub.example/hf/api/models/ward/chest/revision/refs%2Fpr%2F1',
  );
  expect(resolveUrl('https://hub.example', address, COMMIT)).toBe(
    `https://hub.example/ward/chest/resolve/${COMMIT}/int8/`,
  );
  expect(pinnedAddress({ ...address, commit: COMMIT })).toBe(`hf:ward/chest@${COMMIT}/int8`);
});

it('takes only a commit of 40 digits', () => {
  const address = parseHubAddress('hf:ward/chest');
  expect(commitOf({ sha: COMMIT }, address, 'hub')).toBe(COMMIT);
  for (const answer of [null, {}, { sha: 'main' }, { sha: COMMIT.toUpperCase() }, 'text'])
    expect(() => commitOf(answer, address, 'hub')).toThrow(expect.objectContaining({ code: 'HUB_MISSING' }));
});

it.each([
  [401, null, 'HUB_MISSING'],
  [401, 'RepoNotFound', 'HUB_MISSING'],
  [401, 'GatedRepo', 'HUB_REFUSED'],
  [403, 'GatedRepo', 'HUB_REFUSED'],
  [403, null, 'HUB_REFUSED'],
  [404, 'RevisionNotFound', 'HUB_MISSING'],
  [404, 'EntryNotFound', 'HUB_MISSING'],
  [404, null, 'HUB_MISSING'],
  [418, null, undefined],
])('status %i with %s is %s', (status, code, expected) => {
  expect(hubRefusal(status, code, parseHubAddress('hf:ward/chest'), 'hub')?.code).toBe(expected);
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FetchedFiles, fetchWeights, weightsSource } from './fetch.js';
import { CLIP_VOCABULARY, knownWeights } from './known.js';
import { FileServer } from '@reclmis/files/testing';

const ID = 'clip-vit-b-32';
const HASH = '0123456789abcdef'.repeat(4);

describe('weightsSource', () => {
  it('is what is known', () => {
    const { model, vocabulary } = weightsSource(ID, { env: {} });
    expect(model).toMatchObject({ url: knownWeights(ID).url, sha256: knownWeights(ID).sha256 });
    expect(vocabulary).toEqual(CLIP_VOCABULARY);
  });

  it('a mirror changes the address, never the hash', () => {
    for (const base of ['https://mirror/clip', 'https://mirror/clip/']) {
      const { model, vocabulary } = weightsSource(ID, { env: { RECLMIS_WEIGHTS_URL: base } });
      expect(model).toMatchObject({
        url: 'https://mirror/clip/ViT-B-32.pt',
        sha256: knownWeights(ID).sha256,
      });
      expect(vocabulary.url).toBe('https://mirror/clip/bpe_simple_vocab_16e6.txt.gz');
      expect(vocabulary.sha256).toBe(CLIP_VOCABULARY.sha256);
    }
  });

  it('options go before the mirror', () => {
    const { model, vocabulary } = weightsSource(ID, {
      url: 'https://mine/model',
      vocabularyUrl: 'https://mine/words',
      vocabularySha256: HASH.toUpperCase(),
      env: { RECLMIS_WEIGHTS_URL: 'https://mirror/' },
    });
    expect(model).toMatchObject({ url: 'https://mine/model', sha256: knownWeights(ID).sha256 });
    expect(vocabulary).toMatchObject({ url: 'https://mine/words', sha256: HASH });
  });

  it('an unknown id needs an address and a hash', () => {
    const own = weightsSource('my-clip', { url: 'https://mine/a/..%2f..%2fb?x=1', sha256: HASH, env: {} });
    expect(own.model).toMatchObject({ file: 'weights-.._2f.._2fb', sha256: HASH }); // paths stay inside the folder
    expect(() => weightsSource('my-clip', { url: 'https://mine/b', env: {} })).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_UNKNOWN' }),
    );
    expect(() => weightsSource(ID, { sha256: 'short', env: {} })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    );
    expect(() => weightsSource(ID, { url: 'ftp://mine/b', env: {} })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    );
  });
});

describe('fetchWeights', () => {
  let home: string;
  let model: FileServer;
  let words: FileServer;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'reclmis-fetch-'));
    model = await FileServer.start(Buffer.from('the tower'));
    words = await FileServer.start(Buffer.from('the words'));
  });
  afterEach(async () => {
    await Promise.all([model.close(), words.close()]);
    rmSync(home, { recursive: true, force: true });
  });

  const run = <R>(use: (files: FetchedFiles) => Promise<R>): Promise<R> => {
    const source = weightsSource(ID, {
      url: model.url(),
      sha256: model.sha256,
      vocabularyUrl: words.url(),
      vocabularySha256: words.sha256,
      env: {},
    });
    return fetchWeights(source, { home, env: {}, retryDelayMs: 1 }, use);
  };

  it('hands both files over, under their names, and removes them', async () => {
    const seen = await run((files) => {
      expect(readFileSync(files.model, 'utf8')).toBe('the tower');
      expect(readFileSync(files.vocabulary, 'utf8')).toBe('the words');
      return Promise.resolve([files.model, files.vocabulary]);
    });
    expect(seen.map((path) => basename(path))).toEqual(['model.bin', 'bpe_simple_vocab_16e6.txt.gz']);
    expect(seen.some((path) => existsSync(path))).toBe(false);
    expect(readdirSync(join(home, 'downloads'))).toEqual([]);
  });

  it('keeps them for the next attempt when they cannot be used', async () => {
    await expect(run(() => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
    await run(() => Promise.resolve());
    expect([model.seen.length, words.seen.length]).toEqual([1, 1]);
  });

  it('two at once take turns', async () => {
    let inside = 0;
    const use = async (): Promise<void> => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside -= 1;
    };
    await Promise.all([run(use), run(use)]);
  });
});

/**
 * CLIP's tokeniser against ids of OpenAI's code. Skipped without ../shared, which has the vocabulary (not
 * ours to publish).
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ClipTokenizer } from '@reclmis/core';
import { beforeAll, describe, expect, it } from 'vitest';

const shared = (path: string): string => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
const VOCABULARY = shared('clip/bpe_simple_vocab_16e6.txt.gz');
const GOLDEN = shared('golden/clip-tokens.json');

describe.skipIf(!existsSync(VOCABULARY) || !existsSync(GOLDEN))('OpenAI’s tokeniser', () => {
  let tokenizer: ClipTokenizer;
  beforeAll(async () => {
    tokenizer = await ClipTokenizer.fromBytes(readFileSync(VOCABULARY));
  });

  it('gives the same ids for every golden string', () => {
    const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as [string, number[]][];
    expect(golden.length).toBeGreaterThanOrEqual(40);
    const ours = golden.map(([text]) => [text, [49_406, ...tokenizer.tokenize(text), 49_407]]);
    expect(ours).toEqual(golden);
    for (const [text, ids] of golden) {
      const { ids: padded, length, truncated } = tokenizer.encode(text, 77);
      expect(padded.length).toBe(77);
      expect(length).toBe(Math.min(77, ids.length));
      expect(truncated).toBe(ids.length > 77);
      expect(padded.slice(0, length - 1)).toEqual(ids.slice(0, length - 1));
      expect(padded[length - 1]).toBe(49_407);
    }
  });

  it('writes merges that read back to the same', () => {
    const merges = tokenizer.toMerges();
    expect(merges.split('\n').length).toBe(1 + 48_894 + 1);
    expect(ClipTokenizer.fromMerges(merges).toMerges()).toBe(merges);
    expect(tokenizer.decode(tokenizer.tokenize('Don’t; 左肺 &amp; 😷'))).toBe('don ’ t ; 左肺 & 😷');
  });
});

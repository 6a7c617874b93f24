import { describe, expect, it } from 'vitest';
import { interestingWords, interestShares } from './interest.js';
import { WordTokenizer } from './notes/word-tokenizer.js';
import type { NoteTokens } from './text/note-tokens.js';

const words = WordTokenizer.fromNotes(['upper left lung, all’s well'], { unknownWords: 'nearest' });
const shown = (note: string, tokens: NoteTokens, shares: readonly number[]): unknown[] =>
  interestingWords(note, tokens, Float32Array.from(shares)).map(({ text, start, end, weight }) => [
    text,
    note.slice(start, end),
    Number(weight.toFixed(3)),
  ]);

describe('interestShares', () => {
  const tokens = words.tokens('upper lung', 4);

  it('is the row’s patches, and the softmax of the scores of what is no padding', () => {
    const row = Float32Array.of(0.25, 0.75, 2, 1, 100, -100);
    const { patches, tokens: shares } = interestShares(row, 2, tokens);
    expect([...patches]).toEqual([0.25, 0.75]);
    expect(shares[0]).toBeCloseTo(Math.E / (1 + Math.E), 6);
    expect(shares[0]! + shares[1]!).toBeCloseTo(1, 6);
    expect([...shares.subarray(2)]).toEqual([0, 0]);
    row[0] = 9;
    expect(patches[0]).toBe(0.25); // a copy
  });

  it('stays finite for large scores', () => {
    const { tokens: shares } = interestShares(Float32Array.of(1, -1e30, 1e30, 0, 0), 1, tokens);
    expect([...shares]).toEqual([0, 1, 0, 0]);
  });

  it.each([
    ['too few values', Float32Array.of(1, 2, 3), /expected 5 values, got 3/],
    ['no numbers', Float32Array.of(1, Number.NaN, 0, 0, 0), /no numbers/],
  ])('refuses %s', (_, row, message) => {
    expect(() => interestShares(row, 1, tokens)).toThrow(message);
  });
});

describe('interestingWords', () => {
  it('are as the note has them, a slip of two words and an unknown one too', () => {
    const note = 'Upper LEFT lung; qqqq.';
    expect(shown(note, words.tokens(note, 6), [0.1, 0.2, 0.3, 0.4, 0, 0])).toEqual([
      ['Upper', 'Upper', 0.1],
      ['LEFT', 'LEFT', 0.2],
      ['lung', 'lung', 0.3],
      ['qqqq', 'qqqq', 0.4],
    ]);
  });

  it('finds a word that occurs twice each time, and none beyond the context', () => {
    const note = 'left, left lung';
    const found = interestingWords(note, words.tokens(note, 2), Float32Array.of(0.6, 0.4));
    expect(found.map(({ start, end }) => [start, end])).toEqual([
      [0, 4],
      [6, 10],
    ]);
  });

  it('finds words whose spelling changes its length, behind letters that do', () => {
    const note = 'ﬁne İ\u0307 e\u0301 All’s lung';
    const tokens = words.tokens(note, 8);
    const found = interestingWords(note, tokens, new Float32Array(8).fill(0.125));
    expect(found.map(({ text }) => text).slice(-2)).toEqual(['All’s', 'lung']);
  });

  it('has none of a note without words', () => {
    expect(interestingWords(' ... ', words.tokens(' ... ', 3), Float32Array.of(1, 0, 0))).toEqual([]);
  });
});

/** For CLIP's grouping see `clip-tokens.test.ts`. */
import { describe, expect, it } from 'vitest';
import { groupLabel, groupTokens, type NoteToken, sumByGroup } from './note-tokens.js';
import { WordTokenizer } from '../notes/word-tokenizer.js';

describe('groupTokens', () => {
  it('joins the tokens of a word, and padding, and keeps marks apart', () => {
    const piece = (text: string, word: number): NoteToken => ({ kind: 'word', text, word });
    const mark = (kind: NoteToken['kind']): NoteToken => ({ kind, text: '', word: null });
    const tokens = [
      mark('start'),
      piece('pul', 0),
      piece('monary', 0),
      piece('lung', 1),
      piece('lung', 2),
      mark('end'),
      mark('padding'),
      mark('padding'),
    ];
    const words = ['pulmonary', 'lung', 'lung', 'left'];
    const { groups } = groupTokens({ tokens, words });
    expect(sumByGroup(groups, [1, 2, 4, 8, 16, 32, 64, 128])).toEqual([1, 6, 8, 16, 32, 192]);
    expect(groups.map(groupLabel).slice(0, 2)).toEqual(['‹start›', 'pulmonary']);
    expect(groupTokens({ tokens, words })).toEqual({
      groups: [
        { kind: 'start', text: '', tokens: [0] },
        { kind: 'word', text: 'pulmonary', tokens: [1, 2] },
        { kind: 'word', text: 'lung', tokens: [3] },
        { kind: 'word', text: 'lung', tokens: [4] },
        { kind: 'end', text: '', tokens: [5] },
        { kind: 'padding', text: '', tokens: [6, 7] },
      ],
      cut: ['left'],
    });
  });
});

describe('WordTokenizer.tokens', () => {
  const tokenizer = WordTokenizer.fromNotes(['upper left lung']);

  it('labels known words, unknown words and padding', () => {
    const { tokens, words } = tokenizer.tokens('Upper RIGHT lung.', 5);
    expect(tokens.map(({ kind, text }) => [kind, text])).toEqual([
      ['word', 'upper'],
      ['unknown', 'right'],
      ['word', 'lung'],
      ['padding', ''],
      ['padding', ''],
    ]);
    expect(words).toEqual(['upper', 'right', 'lung']);
  });

  it('names the words that were cut', () => {
    expect(groupTokens(tokenizer.tokens('upper left lung', 2)).cut).toEqual(['lung']);
  });

  it('has one unknown token, of no word, for a note without words', () => {
    const { groups, cut } = groupTokens(tokenizer.tokens(' ... ', 3));
    expect(groups).toEqual([
      { kind: 'unknown', text: '', tokens: [0] },
      { kind: 'padding', text: '', tokens: [1, 2] },
    ]);
    expect(cut).toEqual([]);
  });
});

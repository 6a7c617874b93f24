import { describe, expect, it } from 'vitest';
import { describeUnknownWords } from './note-lengths.js';
import { WordTokenizer } from '../notes/word-tokenizer.js';

describe('describeUnknownWords', () => {
  const tokenizer = WordTokenizer.fromNotes(['one infected area, upper left lung']);
  const told = (...notes: string[]): string | null => toldBy(tokenizer, notes);
  const toldBy = (by: WordTokenizer, notes: readonly string[]): string | null =>
    describeUnknownWords({ tokens: (note) => by.tokens(note, 8) }, notes);

  it('is silent if every word is known, and about notes without words', () => {
    expect(told('Upper LEFT lung.', '', '...')).toBeNull();
    expect(told()).toBeNull();
  });

  it('counts notes with some and with only unknown words, and names no word', () => {
    expect(told('upper lung', 'upper lobe', 'upper lobe')).toBe(
      "2 of 3 notes contain words that are not in the model's vocabulary and are ignored.",
    );
    expect(told('Tumour', 'lower lung', 'left lung')).toBe(
      "2 of 3 notes contain words that are not in the model's vocabulary and are ignored; for 1 of them it knows no word at all.",
    );
  });

  it('counts slips that are read apart from words that are ignored', () => {
    const reading = WordTokenizer.fromNotes(['one infected area, upper left lung'], {
      unknownWords: 'nearest',
    });
    expect(toldBy(reading, ['uper left lugn', 'left lobe', 'left lung'])).toBe(
      "1 of 3 notes contain slips of words in the model's vocabulary, and are read as if they were spelt right. " +
        "1 of 3 notes contain words that are not in the model's vocabulary and are ignored.",
    );
    expect(toldBy(tokenizer, ['uper left lung'])).toContain('1 of 1 notes contain words that are not');
  });
});

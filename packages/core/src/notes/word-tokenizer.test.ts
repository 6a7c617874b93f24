import { describe, expect, it } from 'vitest';
import { wordsOf } from '../text/words.js';
import { PAD_ID, UNKNOWN_ID, WordTokenizer } from './word-tokenizer.js';

const notes = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'upper right LUNG',
  'The nuclei are sparsely distributed.',
];

describe('wordsOf', () => {
  it('lower-cases, drops punctuation and keeps words of any script', () => {
    expect(wordsOf('  Left-sided,"COVID-19" (the patient’s)...')).toEqual([
      'left',
      'sided',
      'covid',
      '19',
      'the',
      "patient's",
    ]);
    expect(wordsOf('Légère opacité, нижняя доля 左肺')).toEqual([
      'légère',
      'opacité',
      'нижняя',
      'доля',
      '左肺',
    ]);
    expect(wordsOf(' -- ')).toEqual([]);
    expect(wordsOf('e\u0301')).toEqual(wordsOf('\u00e9'));
    expect(wordsOf('J\u030c \u03aa\u0301')).toEqual(['\u01f0', '\u0390']); // capitals without a composed form
  });
});

describe('WordTokenizer', () => {
  const tokenizer = WordTokenizer.fromNotes(notes);

  it('lists the notes’ words in order of code points, after <pad> and <unk>', () => {
    expect(tokenizer.vocabulary.slice(0, 5)).toEqual(['<pad>', '<unk>', 'are', 'area', 'distributed']);
    expect(tokenizer.size).toBe(2 + 15);
    expect(WordTokenizer.fromNotes([...notes].reverse()).vocabulary).toEqual(tokenizer.vocabulary);
    expect(WordTokenizer.fromNotes(notes, { minCount: 2 }).vocabulary).toEqual([
      '<pad>',
      '<unk>',
      'lung',
      'upper',
    ]);
  });

  it('encodes with padding, cuts long notes, and marks unknown words', () => {
    const id = (word: string): number => tokenizer.vocabulary.indexOf(word);
    expect(tokenizer.encode('Upper LEFT lung.', 5)).toEqual({
      ids: [id('upper'), id('left'), id('lung'), PAD_ID, PAD_ID],
      length: 3,
    });
    expect(tokenizer.encode('upper left lung', 2)).toEqual({ ids: [id('upper'), id('left')], length: 2 });
    expect(tokenizer.encode('upper spleen', 2).ids).toEqual([id('upper'), UNKNOWN_ID]);
    expect(tokenizer.decode([id('upper'), UNKNOWN_ID, PAD_ID])).toEqual(['upper', '<unk>']);
    expect(tokenizer.has('Upper')).toBe(true);
    expect(tokenizer.has('<pad>')).toBe(false);
  });

  it('encodes a note without words as one unknown word', () => {
    expect(tokenizer.encode(' . ', 3)).toEqual({ ids: [UNKNOWN_ID, PAD_ID, PAD_ID], length: 1 });
  });

  it('reads slips as the nearest word if asked to, and says which they are', () => {
    const reading = WordTokenizer.fromNotes(notes, { unknownWords: 'nearest' });
    expect(reading.encode('uper leftlung spleen', 6)).toEqual({
      ids: [...reading.encode('upper left lung', 3).ids, UNKNOWN_ID, PAD_ID, PAD_ID],
      length: 4,
    });
    expect(reading.tokens('uper leftlung spleen', 5)).toEqual({
      tokens: [
        { kind: 'slip', text: 'upper', word: 0 },
        { kind: 'slip', text: 'left', word: 1 },
        { kind: 'slip', text: 'lung', word: 1 },
        { kind: 'unknown', text: 'spleen', word: 2 },
        { kind: 'padding', text: '', word: null },
      ],
      words: ['uper', 'leftlung', 'spleen'],
    });
    expect(reading.encode('upper leftlung', 2).ids).toEqual(reading.encode('upper left', 2).ids); // cut within
    expect(reading.count('uper leftlung spleen', 5)).toBe(4);
    expect(reading.count('spleen leftlung', 1)).toBe(2); // behind the context a word counts as one
    expect(reading.has('uper')).toBe(false);
    expect(tokenizer.encode('uper leftlung', 2).ids).toEqual([UNKNOWN_ID, UNKNOWN_ID]);
  });

  it('keeps with the vocabulary how it reads unknown words; a version 1 ignores them', () => {
    const reading = WordTokenizer.fromNotes(notes, { unknownWords: 'nearest' });
    const json: unknown = JSON.parse(JSON.stringify(reading));
    expect(json).toMatchObject({ version: 2 });
    expect(WordTokenizer.fromJSON(json).encode('uper lung', 2)).toEqual(reading.encode('upper lung', 2));
    expect(tokenizer.toJSON().version).toBe(1);
    expect(WordTokenizer.fromJSON(tokenizer.toJSON()).unknownWords).toBe('ignored');
  });

  it('refuses an empty context and unknown ids', () => {
    expect(() => tokenizer.encode('x', 0)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => tokenizer.decode([999])).toThrow(expect.objectContaining({ code: 'VOCABULARY_INVALID' }));
  });

  it('survives JSON, words such as "constructor" included', () => {
    const odd = WordTokenizer.fromNotes([...notes, 'constructor __proto__ toString J\u030cX']);
    const again = WordTokenizer.fromJSON(JSON.parse(JSON.stringify(odd)));
    expect(again.vocabulary).toEqual(odd.vocabulary);
    expect(again.encode(notes[0] as string, 12)).toEqual(odd.encode(notes[0] as string, 12));
  });

  const good = tokenizer.toJSON();
  it.each([
    ['null', null, /a list/],
    ['no words', { format: good.format, version: 1 }, /a list/],
    ['another format', { ...good, format: 'bpe' }, /got bpe/],
    ['another version', { ...good, version: 3 }, /got reclmis-words\/3, made by a newer version/],
    ['no reserved words', { ...good, words: ['a', 'b'] }, /<pad> as word 0/],
    ['too short', { ...good, words: ['<pad>'] }, /first words/],
    ['a word twice', { ...good, words: [...good.words, 'area'] }, /occurs twice/],
    ['a number', { ...good, words: [...good.words, 7] }, /not a word/],
    ['two words in one', { ...good, words: [...good.words, 'zz yy'] }, /one lower-case word/],
  ])('refuses a stored vocabulary with %s', (_, json, message) => {
    const read = (): unknown => WordTokenizer.fromJSON(json);
    expect(read).toThrow(expect.objectContaining({ code: 'VOCABULARY_INVALID' }));
    expect(read).toThrow(message);
  });

  it('reports the longest note and the share of unknown words', () => {
    expect(tokenizer.statistics(['upper spleen', 'left lung and spleen', ''])).toEqual({
      notes: 3,
      words: 6,
      longest: 4,
      unknownShare: 3 / 6,
      unknown: ['and', 'spleen'],
    });
    expect(tokenizer.statistics([]).unknownShare).toBe(0);
  });
});

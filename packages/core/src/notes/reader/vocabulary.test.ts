/** Vocabularies of users: what is filled in, what is refused, and the sentences that they write. */
import { describe, expect, it } from 'vitest';
import { readNote } from './read-note.js';
import { parseVocabulary, vocabularyFlaws } from './vocabulary.js';
import { canonicalText } from './writer.js';

const minimal = {
  name: 'skin',
  canonical: { finding: 'lesion' },
  languages: { en: { sides: { left: 'left' } } },
};

describe('parseVocabulary', () => {
  it('fills in what is left out', () => {
    const vocabulary = parseVocabulary(minimal);
    expect(vocabulary.languages['en']?.places).toBe('before');
    expect(vocabulary.canonical).toMatchObject({ finding: 'lesion', paired: true, sentences: null });
    expect(readNote('left', vocabulary).places.map(({ side }) => side)).toEqual(['left']);
    expect(canonicalText(readNote('left', vocabulary), vocabulary)).toBeNull();
  });

  const withSentences = (sentences: unknown, finding: string | null = 'lesion'): unknown => ({
    ...minimal,
    canonical: { finding, sentences },
    languages: { en: { findings: { mole: 'mole' } } },
  });

  it.each([
    [{ ...minimal, name: '' }, /^name: /],
    [{ ...minimal, languages: {} }, /^languages: expected at least one language/],
    [
      { ...minimal, languages: { en: { named: { above: 'top' } } } },
      /languages\.en\.named\.above: .*got "above"/,
    ],
    [{ ...minimal, languages: { en: { counts: { many: 'many' } } } }, /languages\.en\.counts\.many: /],
    [{ ...minimal, languages: { en: { sidse: {} } } }, /^languages\.en\.sidse: there is no such key/],
    [{ ...minimal, languages: { en: { filler: 3 } } }, /^languages\.en\.filler: expected words with commas/],
    [
      { ...minimal, languages: { en: { filler: '(a/b/c/d/e/f/g/h/i)(a/b/c/d/e/f/g/h/i)' } } },
      /^languages\.en\.filler: .* stands for more than 64 phrases/,
    ],
    [
      { ...minimal, canonical: { general: ['mole'] } },
      /^canonical\.general: expected a finding .* got "mole"/,
    ],
    [withSentences('lvit', null), /^canonical\.finding: expected a text/],
    [withSentences({}), /^canonical\.sentences: expected either "note" or "findings", got neither/],
    [withSentences({ note: 'a', findings: { mole: 'b' } }), /got both/],
    [withSentences({ note: '{size}' }), /note: expected one of \{count\}, .* got \{size\}/],
    [withSentences({ note: '[a [b]]' }), /note: "\[" within/],
    [withSentences({ note: '[a' }), /note: "\[" without "\]"/],
    [withSentences({ note: 'a]' }), /note: "\]" without "\["/],
    [withSentences({ note: 'a {count' }), /note: "\{" without/],
    [withSentences({ findings: { wart: '{place}' } }), /findings\.wart: expected a finding .* got "wart"/],
    [withSentences({ findings: { mole: ['ok', '{zone}'] } }), /findings\.mole\.1: expected one of/],
    [withSentences({ note: 'a', place: '{count}' }), /place: expected one of \{zone\}/],
    [withSentences({ note: 'a', words: { up: 'top' } }), /words\.up: expected left, right, .* got "up"/],
  ])('refuses %j', (value, message) => {
    const parse = (): unknown => parseVocabulary(value);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'NOTE_VOCABULARY_INVALID' }));
  });

  it('lists all flaws, with their keys', () => {
    const flaws = vocabularyFlaws({
      ...minimal,
      languages: { en: { named: { above: 'top' }, counts: { '0': 'none' } } },
    });
    expect(flaws.map(({ path }) => path)).toEqual([
      ['languages', 'en', 'named', 'above'],
      ['languages', 'en', 'counts', '0'],
    ]);
  });

  it('limits the phrases of all lists together', () => {
    const filler = Array.from({ length: 1000 }, (_, i) => `x${i}(a/b/c/d/e/f/g/h)(a/b/c/d/e/f/g/h)`);
    expect(vocabularyFlaws({ ...minimal, languages: { en: { filler } } })).toEqual([
      { path: ['languages'], message: 'expected at most 50000 phrases, got 64000' },
    ]);
  });

  it('takes names that objects have of their own', () => {
    const vocabulary = parseVocabulary({
      ...minimal,
      canonical: { sentences: { findings: { constructor: 'A constructor[, {places}].' } } },
      languages: {
        en: { zones: { upper: 'top' }, findings: { constructor: 'builder', toString: 'string' } },
      },
    });
    expect(canonicalText(readNote('top builder', vocabulary), vocabulary)).toBe('A constructor, upper.');
    expect(canonicalText(readNote('top string', vocabulary), vocabulary)).toBeNull();
  });
});

describe('sentences', () => {
  const polyps = (sentences: object, finding: string | null = null) =>
    parseVocabulary({
      name: 'polyps',
      canonical: { finding, paired: false, sentences },
      languages: {
        en: {
          sides: { left: 'left', right: 'right' },
          zones: { upper: 'top, upper', middle: 'centre', lower: 'bottom, lower' },
          organs: { one: 'corner' },
          findings: { polyp: 'polyp(/s)', ulcer: 'ulcer(/s)' },
          counts: { '1': 'one, a', '2': 'two' },
          joins: { and: 'and' },
          links: 'in, at',
          uncertain: 'possible',
          filler: 'the',
        },
      },
    });
  const write = (text: string, sentences: object, finding: string | null = null): string | null => {
    const vocabulary = polyps(sentences, finding);
    return canonicalText(readNote(text, vocabulary), vocabulary);
  };
  const NOTE = { note: '[{Count} ](polyp/polyps)[, {places}].' };

  it.each([
    ['a polyp at the top left', 'One polyp, upper left.'],
    ['possible polyp, top left corner', 'polyp, upper left.'],
    ['two polyps: top left and bottom right', 'Two polyps, upper left and lower right.'],
    ['polyps at the top left, centre and bottom right', 'polyps, upper left, lower right and middle.'],
    ['two polyps', 'Two polyps.'],
  ])('writes "%s" as "%s"', (text, expected) => expect(write(text, NOTE)).toBe(expected));

  it('uses the words, joins and numbers of the vocabulary', () => {
    const words = { left: 'links', upper: 'oben', lower: 'unten', right: 'rechts', '2': 'zwei' };
    const german = { note: '{Count} (Polyp/Polypen) {places}.', words, list: [', ', ' und '] };
    expect(write('two polyps: top left and bottom right', german)).toBe(
      'Zwei Polypen oben links und unten rechts.',
    );
    expect(write('polyps at the top left', german)).toBeNull(); // no number was said
    expect(write('2 polyps at the top left', { note: '{number} at {places}', place: '{side} {zones}' })).toBe(
      '2 at left upper',
    );
  });

  it('joins the heights of a side, or not', () => {
    const text = 'polyps at the top left and bottom left';
    expect(write(text, { note: '{places}' })).toBe('upper left and lower left');
    expect(write(text, { note: '{places}', place: '[{zones} ][{side}]' })).toBe('upper lower left');
  });

  it('names findings, or what all are called', () => {
    expect(write('ulcer and polyp at the top', { note: '{finding}: {places}' })).toBe(
      'polyp and ulcer: upper',
    );
    expect(write('ulcer at the top', { note: '{finding}: {places}' }, 'lesion')).toBe('lesion: upper');
  });

  it('writes a sentence for each finding, in its own order', () => {
    const findings = {
      polyp: ['{Count} polyp(/s) {places}.', 'Polyp {place}.', 'Polyps.'],
      ulcer: 'Ulcer {place}.',
    };
    expect(write('ulcer at the top and bottom, two polyps in the centre', { findings })).toBe(
      'Two polyps middle. Ulcer upper. Ulcer lower.',
    );
    expect(write('polyps at the top and bottom', { findings })).toBe('Polyp upper. Polyp lower.');
    expect(write('polyps', { findings })).toBe('Polyps.');
    expect(write('ulcer', { findings })).toBeNull(); // no sentence without a place
  });
});

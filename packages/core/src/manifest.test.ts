import { describe, expect, it } from 'vitest';
import { formatManifest, habitsOf, manifestJsonSchema, parseManifest, withVocabulary } from './manifest.js';
import { parseVocabulary } from './notes/reader/index.js';
import { manifestJson } from './testing/manifest.js';

const manifest = (note: object): object => manifestJson({ note });

describe('note.sides', () => {
  it('is unknown in manifests of older versions', () => {
    expect(parseManifest(manifest({}), 'old').note?.sides).toBe('unknown');
  });

  it('is read and written unchanged', () => {
    for (const sides of ['patient', 'image', 'unknown'] as const) {
      const parsed = parseManifest(manifest({ sides }), 'new');
      expect(parsed.note?.sides).toBe(sides);
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
  });

  it('is one of the three', () => {
    expect(() => parseManifest(manifest({ sides: 'left' }), 'bad')).toThrow(/note\.sides/);
    expect(JSON.stringify(manifestJsonSchema())).toContain('"enum":["patient","image","unknown"]');
  });
});

describe('note.grammar', () => {
  it('is unknown in manifests of older versions, and else read and written unchanged', () => {
    expect(habitsOf(parseManifest(manifest({}), 'old'))).toEqual({ sides: 'unknown', grammar: 'unknown' });
    for (const grammar of ['lvit', 'other', 'unknown'] as const) {
      const parsed = parseManifest(manifest({ grammar, sides: 'image' }), 'new');
      expect(habitsOf(parsed)).toEqual({ sides: 'image', grammar });
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
    expect(() => parseManifest(manifest({ grammar: 'LViT' }), 'bad')).toThrow(/note\.grammar/);
    expect(habitsOf({ note: null })).toEqual({ sides: 'unknown', grammar: 'unknown' });
  });
});

describe('note.vocabulary', () => {
  const vocabulary = parseVocabulary({
    name: 'polyps',
    canonical: { sentences: { note: 'Polyp {places}.' } },
    languages: { en: { sides: { left: 'left' }, findings: { polyp: 'polyp' } } },
  });

  it('goes with its grammar, and is checked', () => {
    const parsed = parseManifest(manifest({ grammar: 'vocabulary', vocabulary }), 'new');
    expect(habitsOf(parsed)).toEqual({ sides: 'unknown', grammar: 'vocabulary', vocabulary });
    expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    expect(withVocabulary(parseManifest(manifest({}), 'old'), vocabulary)).toEqual(parsed);
    const bad = { ...vocabulary, canonical: { sentences: { note: '{size}' } } };
    for (const note of [{ grammar: 'vocabulary' }, { grammar: 'lvit', vocabulary }])
      expect(() => parseManifest(manifest(note), 'bad')).toThrow(
        /note\.vocabulary: expected with the grammar/,
      );
    expect(() => parseManifest(manifest({ grammar: 'vocabulary', vocabulary: bad }), 'bad')).toThrow(
      /note\.vocabulary\.canonical\.sentences\.note: expected one of/,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { formatManifest, habitsOf, manifestJsonSchema, parseManifest } from './manifest.js';
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

import { describe, expect, it } from 'vitest';
import { RESIZE_RULES } from './images/resize-rule.js';
import {
  formatManifest,
  habitsOf,
  MANIFEST_FORMAT,
  manifestJsonSchema,
  parseManifest,
  resizeOf,
  windowOf,
  statedResize,
  withVocabulary,
} from './manifest.js';
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

describe('segmenter.features', () => {
  const FEATURES = [
    { name: 'map', type: 'uint8', shape: [1, 8, 4, 4] },
    { name: 'queries', type: 'float32', shape: [4, 16, 8] },
  ];
  const featured = (features: unknown, change: object = {}): object => {
    const json = manifestJson({}, change) as { format: string; segmenter: object };
    const { interest, ...segmenter } = { interest: null, ...json.segmenter };
    const own = json.format === MANIFEST_FORMAT ? { interest } : {};
    return { ...json, segmenter: { ...segmenter, ...own, features } };
  };

  it('are read and written unchanged, and may be null', () => {
    for (const features of [FEATURES, null]) {
      const parsed = parseManifest(featured(features), 'new');
      expect(parsed.segmenter.features).toEqual(features);
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
  });

  it('are absent from format 1, which is still read, and required in format 2', () => {
    const old = { format: 'reclmis-model/1' };
    expect(parseManifest(featured(undefined, old), 'old')).toMatchObject(old);
    for (const json of [featured(undefined), featured(FEATURES, old), featured(null, old)])
      expect(() => parseManifest(json, 'bad')).toThrow(
        /segmenter\.features: expected from format "reclmis-model\/2" on/,
      );
    expect(() => parseManifest(featured(null, { format: 'reclmis-model/4' }), 'bad')).toThrow(
      'expected format reclmis-model/1 or reclmis-model/2 or reclmis-model/3, got reclmis-model/4, made by a newer version',
    );
  });

  it.each([
    ['no feature', []],
    ['a type of no model', [{ ...FEATURES[0], type: 'string' }]],
    ['a size of zero', [{ ...FEATURES[0], shape: [0] }]],
    ['no shape', [{ ...FEATURES[0], shape: [] }]],
  ])('are refused with %s', (_, features) => {
    expect(() => parseManifest(featured(features), 'bad')).toThrow(/segmenter\.features/);
  });

  it('are refused in a model that reads no notes', () => {
    const json = manifestJson({}, { note: null, textEncoder: null }) as { segmenter: object };
    const segmenter = { ...json.segmenter, inputs: { image: 'image', note: null } };
    const parse = (features: unknown): unknown =>
      parseManifest({ ...json, segmenter: { ...segmenter, features } }, 'bad');
    expect(parse(null)).toMatchObject({ segmenter: { features: null } });
    expect(() => parse(FEATURES)).toThrow('expected null without notes');
  });
});

describe('segmenter.interest', () => {
  const INTEREST = { output: 'interest', side: 14 };
  const interested = (interest: unknown, change: object = {}): object => {
    const json = manifestJson({}, change) as { segmenter: object };
    return { ...json, segmenter: { ...json.segmenter, interest } };
  };

  it('is read and written unchanged, and may be null', () => {
    for (const interest of [INTEREST, null]) {
      const parsed = parseManifest(interested(interest), 'new');
      expect(parsed.segmenter.interest).toEqual(interest);
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
  });

  it('is absent from formats 1 and 2, which are still read, and required in format 3', () => {
    const second = { format: 'reclmis-model/2' };
    expect(parseManifest(interested(undefined, second), 'old')).toMatchObject(second);
    for (const json of [interested(undefined), interested(INTEREST, second), interested(null, second)])
      expect(() => parseManifest(json, 'bad')).toThrow(
        /segmenter\.interest: expected in format "reclmis-model\/3"/,
      );
  });

  it.each([
    ['no output', { ...INTEREST, output: '' }],
    ['a side of zero', { ...INTEREST, side: 0 }],
    ['a side of 10^9', { ...INTEREST, side: 10 ** 9 }],
    ['another key', { ...INTEREST, words: true }],
  ])('is refused with %s', (_, interest) => {
    expect(() => parseManifest(interested(interest), 'bad')).toThrow(/segmenter\.interest/);
  });

  it('is refused in a model that reads no notes', () => {
    const json = interested(INTEREST, { note: null, textEncoder: null }) as { segmenter: object };
    const segmenter = { ...json.segmenter, inputs: { image: 'image', note: null } };
    expect(() => parseManifest({ ...json, segmenter }, 'bad')).toThrow(
      'segmenter.interest: expected null without notes',
    );
  });
});

describe('image.resize', () => {
  const resized = (resize?: string): object => {
    const json = manifestJson() as { image: object };
    return { ...json, image: { ...json.image, resize } };
  };

  it('is by area in manifests that do not state it, and else read and written unchanged', () => {
    expect(resizeOf(parseManifest(resized(), 'old'))).toBe('area');
    for (const rule of RESIZE_RULES) {
      const parsed = parseManifest(resized(statedResize(rule)), 'new');
      expect(resizeOf(parsed)).toBe(rule);
      expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    }
    expect(() => parseManifest(resized('bicubic'), 'bad')).toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('image.resize') as string,
      }),
    );
  });
});

describe('image.window', () => {
  const shown = (window?: string): object => {
    const json = manifestJson() as { image: object };
    return { ...json, image: { ...json.image, ...(window === undefined ? {} : { window }) } };
  };

  it('is each file’s own in manifests that do not state it, and else read and written unchanged', () => {
    expect(windowOf(parseManifest(shown(), 'old'))).toBeUndefined();
    const parsed = parseManifest(shown('-600/1500'), 'new');
    expect(windowOf(parsed)).toEqual({ centre: -600, width: 1500 });
    expect(parseManifest(JSON.parse(formatManifest(parsed)), 'again')).toEqual(parsed);
    expect(() => parseManifest(shown('-600/0'), 'bad')).toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('image.window') as string,
      }),
    );
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

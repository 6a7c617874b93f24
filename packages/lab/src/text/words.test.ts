import { ReclmisError } from '@reclmis/core';
import { scope, type Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { restoreNoteEncoder } from './restore.js';
import { WordEncoder } from './words.js';

const NOTES = [
  'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.',
  'Unilateral pulmonary infection, one infected area, middle right lung.',
];
const encoder = WordEncoder.fromNotes(NOTES);
const W = encoder.width;

const tokens = (note: string, by = encoder): Float32Array[] =>
  scope(() => {
    const { features, valid } = by.encode([note]);
    const flat = features.toFloat32Array();
    const length = valid.sum([1]).toInt64Array()[0] ?? 0;
    return Array.from({ length }, (_, t) => flat.slice(t * by.width, (t + 1) * by.width));
  });
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
};
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
const at = <T>(items: readonly T[], i: number): T => {
  const item = items.at(i);
  if (item === undefined) throw new RangeError(`no item ${i}`);
  return item;
};

describe('WordEncoder', () => {
  it('gives [B,T,W] features, zero behind a note’s last word, without gradient', () => {
    scope(() => {
      const { features, valid } = encoder.encode([...NOTES, 'lung']);
      expect(features.shape).toEqual([3, 24, 512]);
      expect(features.requiresGrad).toBe(false);
      expect(valid.dtype).toBe('bool');
      expect(valid.sum([1]).toInt64Array()).toEqual([13, 9, 1]);
      const behind = features.mul(valid.logicalNot().unsqueeze(-1));
      expect(behind.abs().max().item()).toBe(0);
    });
  });

  it('has unit variance, as CLIP’s features', () => {
    const values = tokens(at(NOTES, 0))
      .slice(3, -3)
      .flatMap((row) => [...row]); // tokens with all their neighbours
    const mean = values.reduce((s, x) => s + x, 0) / values.length;
    const variance = values.reduce((s, x) => s + (x - mean) ** 2, 0) / values.length;
    // 3,584 values: five standard deviations of the mean are 0.08, of the variance 0.12; neighbours share words, so twice that.
    expect(Math.abs(mean)).toBeLessThan(0.16);
    expect(Math.abs(variance - 1)).toBeLessThan(0.24);
  });

  it('tells words, sides and zones apart, and binds a zone to its side', () => {
    const [a, b] = [
      tokens('upper left lung and lower right lung'),
      tokens('lower left lung and upper right lung'),
    ];
    expect(cosine(at(a, 0), at(b, 0))).toBeLessThan(0.6); // upper, lower
    // "left" after "upper" and after "lower": the same word with another neighbour, alike but not equal.
    const left = cosine(at(a, 1), at(b, 1));
    expect(left).toBeGreaterThan(0.4);
    expect(left).toBeLessThan(0.9);
  });

  it('lets a neighbour’s word be read linearly from a token', () => {
    // The word before "lung" is at distance -1, rolled by -37: it correlates more than any other word.
    const [own] = tokens('left');
    const vector = (word: string): Float32Array => {
      const [alone] = tokens(word);
      const [unknown] = tokens('zebra'); // the position code of token 0 only
      return Float32Array.from(alone ?? own ?? [], (x, i) => x - (unknown?.[i] ?? 0));
    };
    const lung = at(tokens('upper left lung'), 2);
    const rolledBack = Float32Array.from(lung, (_, i) => lung[(((i - 37) % W) + W) % W] ?? 0);
    const scores = ['upper', 'left', 'right', 'lower', 'lung', 'and'].map((word) =>
      cosine(vector(word), rolledBack),
    );
    expect(scores.indexOf(Math.max(...scores))).toBe(1);
  });

  it('gives a word the same vector in every vocabulary', () => {
    const other = WordEncoder.fromNotes(['lung left something else entirely']);
    expect(tokens('left lung', other)).toEqual(tokens('left lung'));
    expect(other.fingerprint).not.toBe(encoder.fingerprint);
  });

  it('gives unknown words no direction, and an empty note one token', () => {
    const [zebra] = tokens('zebra');
    expect(tokens('giraffe')[0]).toEqual(zebra);
    expect(tokens('')).toHaveLength(1);
    expect(dot(zebra ?? [], zebra ?? [])).toBeGreaterThan(0); // its position
  });

  describe('that reads unknown words as the nearest', () => {
    const reading = WordEncoder.fromNotes(NOTES, { unknownWords: 'nearest' });

    it('gives a slip the features of its word, and other words none', () => {
      expect(tokens('Uper leftlung, infektion', reading)).toEqual(tokens('upper left lung infection'));
      expect(tokens('zebra', reading)).toEqual(tokens('zebra'));
      expect(reading.countTokens('uper leftlung')).toBe(3);
    });

    it('gives the training notes the features that they have without', () => {
      for (const note of NOTES) expect(tokens(note, reading)).toEqual(tokens(note));
      expect(reading.fingerprint).not.toBe(encoder.fingerprint);
    });

    it('is told from older encoders by its description', () => {
      const description = JSON.parse(JSON.stringify(reading.describe())) as { tokenizer: unknown };
      const restored = restoreNoteEncoder(description);
      expect(restored.fingerprint).toBe(reading.fingerprint);
      scope(() => {
        const slip = restored.encode(['uper lung']).features;
        expect(
          slip
            .sub(restored.encode(['upper lung']).features)
            .abs()
            .max()
            .item(),
        ).toBe(0);
      });
      expect(description.tokenizer).toMatchObject({ version: 2 });
      expect(encoder.describe()['tokenizer']).toMatchObject({ version: 1 });
    });
  });

  it('ignores letter case and punctuation, and cuts notes at the context length', () => {
    expect(tokens('UPPER, left lung.')).toEqual(tokens('upper left lung'));
    const short = WordEncoder.fromNotes(NOTES, { contextLength: 4 });
    scope(() => {
      const { features, valid } = short.encode([at(NOTES, 0)]);
      expect(features.shape).toEqual([1, 4, 512]);
      expect(valid.all().item()).toBe(1);
    });
  });

  it('comes back from its description with the same features and fingerprint', () => {
    const stored: unknown = JSON.parse(JSON.stringify(encoder.describe()));
    const restored = restoreNoteEncoder(stored);
    expect(restored.fingerprint).toBe(encoder.fingerprint);
    scope(() => {
      const difference = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().item();
      expect(difference(restored.encode(NOTES).features, encoder.encode(NOTES).features)).toBe(0);
    });
  });

  it.each([null, {}, { kind: 'clip' }, { kind: 'words' }, { ...encoder.describe(), recipe: 'another' }])(
    'refuses the description %j',
    (json) => {
      expect(() => restoreNoteEncoder(json)).toThrow(ReclmisError);
    },
  );

  it('refuses notes without words', () => {
    expect(() => WordEncoder.fromNotes(['', '...'])).toThrow(/no word/);
  });
});

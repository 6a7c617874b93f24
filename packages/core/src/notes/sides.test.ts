import { describe, expect, it } from 'vitest';
import { mayNameSide } from './side-words.js';
import { inSidesOf, sidesToTell } from './sides.js';

const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';

describe('inSidesOf', () => {
  it('leaves the note unchanged if the sides agree or are not stated', () => {
    for (const sides of ['patient', 'image'] as const) {
      const same = { text: NOTE, sides, mirrored: false, warnings: [] };
      expect(inSidesOf(NOTE, sides)).toEqual(same);
      expect(inSidesOf(NOTE, sides, sides)).toEqual(same);
    }
  });

  it('mirrors the note if the caller means the other sides', () => {
    const mirrored = NOTE.replace('left', 'right');
    expect(inSidesOf(NOTE, 'patient', 'image')).toEqual({
      text: mirrored,
      sides: 'image',
      mirrored: true,
      warnings: [],
    });
    expect(inSidesOf(NOTE, 'image', 'patient')).toMatchObject({ text: mirrored, sides: 'patient' });
    expect(inSidesOf('All lung.', 'image', 'patient')).toMatchObject({
      text: 'All lung.',
      mirrored: false,
    });
  });

  it('warns that a model’s sides are unknown if the note names one', () => {
    const { text, sides, mirrored, warnings } = inSidesOf(NOTE, 'unknown');
    expect({ text, sides, mirrored }).toEqual({ text: NOTE, sides: 'unknown', mirrored: false });
    expect(warnings.map(({ code }) => code)).toEqual(['SIDES_UNKNOWN']);
    expect(inSidesOf(NOTE, 'unknown', 'image')).toMatchObject({
      text: NOTE,
      sides: 'image',
      mirrored: false,
      warnings: [{ code: 'SIDES_UNKNOWN' }],
    });
    expect(inSidesOf('Infiltrat links', 'unknown').warnings).toHaveLength(1);
    expect(inSidesOf('The nuclei are sparsely distributed.', 'unknown', 'image').warnings).toEqual([]);
  });

  it('names the words that it could not mirror', () => {
    const { text, warnings } = inSidesOf('Infiltrat im linken Oberlappen, left lung', 'patient', 'image');
    expect(text).toBe('Infiltrat im linken Oberlappen, right lung');
    expect(warnings).toMatchObject([{ code: 'SIDES_NOT_MIRRORED' }]);
    expect(warnings[0]?.message).toBe(
      'the note means the image’s sides and the model learnt the patient’s, but "linken" was left as written',
    );
    expect(inSidesOf('Infiltrat im linken Oberlappen', 'patient', 'patient').warnings).toEqual([]);
    expect(inSidesOf('Opacity, llz', 'patient', 'image').warnings).toMatchObject([
      { code: 'SIDES_NOT_MIRRORED' },
    ]);
  });
});

describe('mayNameSide', () => {
  it.each([
    ['Unilateral pulmonary infection, upper left lung and right lung, RUL', []],
    ['Verschattung rechts basal', ['rechts']],
    ['opacité du lobe supérieur droit', ['droit']],
    ['opacidad en el lóbulo izquierdo', ['izquierdo']],
    ['addensamento a sinistra', ['sinistra']],
    ['左肺上叶', ['左']],
    ['linked areas of a destroyed lung', []],
    ['в левом лёгком, справа', ['левом', 'справа']],
    ['Rt. upper zone, L base', ['Rt', 'L']],
    ['lesion at 3 o’clock', ['o’clock']],
    ['bright nodule, all lobes, slower, copyright', []],
  ])('%s', (text, words) => {
    expect(mayNameSide(text)).toEqual(words);
  });
});

describe('sidesToTell', () => {
  it('uses the patient’s if nothing is known', () => {
    expect(['patient', 'image', 'unknown'].map((one) => sidesToTell(one as 'patient'))).toEqual([
      'patient',
      'image',
      'patient',
    ]);
  });
});

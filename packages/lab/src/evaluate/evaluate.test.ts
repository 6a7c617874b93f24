import { describe, expect, it } from 'vitest';
import { mirrorNote, ReclmisError } from '@reclmis/core';
import { scoresToCsv } from './evaluate.js';
import { NOTE_REWORDINGS, noteVariant } from './note-variants.js';
import { noteWording } from './note-wording.js';

const cases = Array.from({ length: 40 }, (_, i) => ({ id: `case-${i}`, note: `note ${i}` }));

describe('noteVariant', () => {
  it('keeps, empties, mirrors, flips and recounts', () => {
    const note = 'Unilateral pulmonary infection, one infected area, upper left lung.';
    expect(noteVariant('right', cases, 1)(note, 'x')).toBe(note);
    expect(noteVariant('empty', cases, 1)(note, 'x')).toBe('');
    expect(noteVariant('mirrored', cases, 1)(note, 'x')).toBe(note.replace('left', 'right'));
    expect(noteVariant('flipped', cases, 1)(note, 'x')).toBe(note.replace('upper', 'lower'));
    expect(noteVariant('recounted', cases, 1)(note, 'x')).toBe(
      note.replace('one infected area', 'two infected areas'),
    );
  });

  it('exchanges sides and heights in other words, or leaves the note whole', () => {
    const worded = noteWording('free', [{ sides: 'patient', grammar: 'lvit' }]).of;
    const given = (variant: 'mirrored' | 'flipped', note: string, reading = {}): string =>
      noteVariant(variant, cases, 1, reading)(note, 'x');
    for (const note of ['Opacity, llz', 'Upper left lung, none rechts.', 'Infiltrat im linken Oberlappen'])
      expect(given('mirrored', note)).toBe(note);
    expect(given('flipped', 'beide Unterfelder')).toBe('beide Unterfelder');
    expect(given('mirrored', 'Opacity, llz', { worded })).toBe(
      'Unilateral pulmonary infection, lower right lung.',
    );
    expect(given('flipped', 'Infiltrat im linken Oberlappen', { worded })).toBe(
      'Unilateral pulmonary infection, lower left lung.',
    );
  });

  it('shuffles so that each note is given once and nobody gets their own', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const given = noteVariant('shuffled', cases, seed);
      const notes = cases.map(({ id, note }) => given(note, id));
      notes.forEach((note, i) => expect(note).not.toBe(cases[i]?.note));
      expect([...notes].sort()).toEqual(cases.map(({ note }) => note).sort());
    }
  });

  it('shuffles by the seed', () => {
    const all = (seed: number) => cases.map(({ id, note }) => noteVariant('shuffled', cases, seed)(note, id));
    expect(all(7)).toEqual(all(7));
    expect(all(7)).not.toEqual(all(8));
  });

  it('puts notes into other words by seed and case, and leaves those that it cannot', () => {
    const note = 'Unilateral pulmonary infection, one infected area, upper left lung.';
    for (const kind of NOTE_REWORDINGS) {
      const given = noteVariant(kind, cases, 1);
      const texts = cases.map(({ id }) => given(note, id));
      expect(texts).toEqual(cases.map(({ id }) => noteVariant(kind, [], 1)(note, id)));
      expect(texts).not.toContain(note);
      expect(new Set(texts).size, kind).toBeGreaterThan(2);
      expect(given('note 7', 'x')).toBe('note 7');
    }
    const paraphrase = noteVariant('paraphrased', cases, 1)(note, 'x');
    expect(noteVariant('exchanged', cases, 1)(note, 'x')).toBe(mirrorNote(paraphrase));
  });

  it('refuses to shuffle one case', () => {
    expect(() => noteVariant('shuffled', cases.slice(0, 1), 1)).toThrow(ReclmisError);
  });
});

describe('scoresToCsv', () => {
  it('writes a header, a row per image, and quotes what needs it', () => {
    const row = {
      group: 'patient 7',
      dice: 0.5,
      iou: 1 / 3,
      precision: 0.5,
      recall: 0.5,
      predicted: 4,
      truth: 4,
      intersection: 2,
      hd95: 2.5,
      assd: null,
      hd95Mm: null,
      assdMm: null,
      predictedDice: 0.75,
    };
    expect(scoresToCsv([{ id: 'a,"b"', ...row }])).toBe(
      'id,group,dice,iou,precision,recall,predicted,truth,intersection,hd95,assd,hd95Mm,assdMm,predictedDice,presence\r\n' +
        '"a,""b""",patient 7,0.5,0.3333333333333333,0.5,0.5,4,4,2,2.5,,,,0.75,\r\n',
    );
  });
});

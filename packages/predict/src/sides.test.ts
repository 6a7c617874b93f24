import { mirrorNote } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { describeMirrored, type Learner, sidedNotes } from './sides.js';

const model = (sides: Learner['sides'], readsNotes = true): Learner => ({ dir: sides, readsNotes, sides });
const NOTE = 'upper left lung';

describe('sidedNotes', () => {
  it('takes the model’s sides, or those that are said', () => {
    const own = sidedNotes([model('image')], undefined);
    expect([own.given, own.told, own.identity]).toEqual([undefined, 'image', ', notes of image sides']);
    expect(own.of(NOTE)).toEqual({ sides: 'image', mirrored: false, warnings: [] });
    const other = sidedNotes([model('image')], 'patient');
    expect([other.given, other.told]).toEqual(['patient', 'patient']);
    expect(other.identity).toBe(', notes of patient sides (the model: image)');
    expect(other.of(NOTE)).toEqual({ sides: 'patient', mirrored: true, warnings: [] });
  });

  it("is the same work if the models' own sides are given, and other work if they change", () => {
    const of = (learnt: Learner['sides'][], asked?: 'patient' | 'image'): string =>
      sidedNotes(
        learnt.map((sides) => model(sides)),
        asked,
      ).identity;
    expect(of(['image'], 'image')).toBe(of(['image']));
    expect(of(['unknown', 'image'], 'image')).toBe(of(['unknown', 'image']));
    const others = [
      of(['image']),
      of(['image'], 'patient'),
      of(['unknown']),
      of(['unknown'], 'image'),
      of(['patient']),
    ];
    expect(new Set(others).size).toBe(5);
    expect(of(['unknown'])).toBe(''); // as in journals older than sides
    expect(sidedNotes([model('image', false)], 'patient').identity).toBe('');
  });

  it('must be told if models differ; one that reads no notes never differs', () => {
    const models = [model('patient'), model('image')];
    expect(() => sidedNotes(models, undefined)).toThrow(/learnt different sides/);
    expect(sidedNotes(models, 'patient').of(NOTE)).toMatchObject({ sides: 'patient', mirrored: true });
    expect(sidedNotes([model('patient'), model('image', false)], undefined).given).toBe('patient');
    expect(sidedNotes([model('image', false)], 'patient').of(NOTE).mirrored).toBe(false);
  });

  it('warns once of a model that does not say', () => {
    const notes = sidedNotes([model('unknown'), model('unknown')], undefined);
    expect(notes.told).toBe('patient');
    expect(notes.of(NOTE).warnings.map(({ code }) => code)).toEqual(['SIDES_UNKNOWN']);
    expect(notes.of('all lung').warnings).toEqual([]);
    expect(sidedNotes([model('unknown'), model('image')], undefined).of(NOTE)).toMatchObject({
      sides: 'image',
      warnings: [{ code: 'SIDES_UNKNOWN' }],
    });
  });
});

describe('describeMirrored', () => {
  it('counts swapped notes, and leaves warnings to the results', () => {
    const notes = sidedNotes([model('image')], 'patient');
    const all = [NOTE, mirrorNote(NOTE), 'all lung', 'left, rechts'].map((note) => notes.of(note));
    expect(describeMirrored(all)).toEqual([
      'Left and right were swapped in 3 of 4 notes, as the model has learnt them.',
    ]);
    expect(describeMirrored([sidedNotes([model('unknown')], undefined).of(NOTE)])).toEqual([]);
  });
});

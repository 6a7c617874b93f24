/** Notes of a prediction by models of either convention. */
import { mirrorNote } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { describeNoteSides, type Learner, sidedNotes } from './sides.js';

const model = (sides: Learner['sides'], readsNotes = true): Learner => ({ dir: sides, readsNotes, sides });
const NOTE = 'upper left lung';

describe('sidedNotes', () => {
  it('takes the model’s sides, or those that are said', () => {
    const own = sidedNotes([model('image')], undefined);
    expect([own.given, own.told, own.identity]).toEqual([undefined, 'image', '']);
    expect(own.of(NOTE)).toEqual({ sides: 'image', mirrored: false, warnings: [] });
    const other = sidedNotes([model('image')], 'patient');
    expect([other.given, other.told]).toEqual(['patient', 'patient']);
    expect(other.identity).toBe(', notes of patient sides (the model: image)');
    expect(other.of(NOTE)).toEqual({ sides: 'patient', mirrored: true, warnings: [] });
  });

  it('needs to be told where models differ; one that reads no notes differs from none', () => {
    const models = [model('patient'), model('image')];
    expect(() => sidedNotes(models, undefined)).toThrow(/learnt different sides/);
    expect(sidedNotes(models, 'patient').of(NOTE)).toMatchObject({ sides: 'patient', mirrored: true });
    expect(sidedNotes([model('patient'), model('image', false)], undefined).given).toBe('patient');
    expect(sidedNotes([model('image', false)], 'patient').of(NOTE).mirrored).toBe(false);
  });

  it('warns of a model that does not say it, once', () => {
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

describe('describeNoteSides', () => {
  it('counts notes by what is to be said of them', () => {
    const notes = sidedNotes([model('image')], 'patient');
    const all = [NOTE, mirrorNote(NOTE), 'all lung', 'left, rechts'].map((note) => notes.of(note));
    expect(describeNoteSides(all)).toEqual([
      'Left and right were exchanged in 3 of 4 notes, as the model has learnt them.',
      'SIDES_NOT_MIRRORED: 1 of 4 notes: the note means the patient’s sides and the model learnt the image’s, but "rechts" was left as written',
    ]);
  });
});

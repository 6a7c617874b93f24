import { mirrorNote, type NoteGrammar, parseVocabulary } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { describeChanged, type Learner, type ModelNote, notesForModels } from './model-notes.js';

type Stated = Learner['habits']['sides'];
const model = (sides: Stated, readsNotes = true, grammar: NoteGrammar = 'unknown'): Learner => ({
  dir: sides,
  readsNotes,
  habits: { sides, grammar },
});
const told = ({ sides, mirrored, style, warnings }: ModelNote): object => ({
  sides,
  mirrored,
  style,
  warnings,
});
const NOTE = 'upper left lung';

describe('notesForModels', () => {
  it('takes the model’s sides, or those that are said', () => {
    const own = notesForModels([model('image')]);
    expect([own.told, own.identity]).toEqual(['image', ', notes of image sides']);
    expect(told(own.of(NOTE))).toEqual({ sides: 'image', mirrored: false, style: 'as-is', warnings: [] });
    const other = notesForModels([model('image')], { sides: 'patient' });
    expect(other.told).toBe('patient');
    expect(other.identity).toBe(', notes of patient sides (the model: image)');
    expect(other.of(NOTE)).toMatchObject({ sides: 'patient', mirrored: true, warnings: [] });
    expect(other.of(NOTE).each).toEqual([{ text: 'upper right lung', worded: NOTE, mirrored: true }]);
  });

  it("is the same work if the models' own sides are given, and other work if they change", () => {
    const of = (learnt: Stated[], sides?: 'patient' | 'image'): string =>
      notesForModels(
        learnt.map((one) => model(one)),
        { sides },
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
    expect(notesForModels([model('image', false)], { sides: 'patient' }).identity).toBe('');
  });

  it('names a vocabulary of its own, and tells its versions apart', () => {
    const by = (note: string) => {
      const vocabulary = parseVocabulary({
        name: 'polyps',
        canonical: { paired: false, sentences: { note } },
        languages: { en: { sides: { left: 'left' }, findings: { polyp: 'polyp' } } },
      });
      const habits = { sides: 'image', grammar: 'vocabulary', vocabulary } as const;
      return notesForModels([{ dir: 'm', readsNotes: true, habits }]);
    };
    const [one, other] = [by('Polyp {places}.'), by('Polyps {places}.')];
    expect(one.of('left polyp').each[0]?.text).toBe('Polyp left.');
    expect(one.of('left polyp').style).toBe('free');
    expect(one.identity).toMatch(/^, notes of image sides, free notes by polyps [0-9a-f]{8}$/);
    expect(other.identity).not.toBe(one.identity);
  });

  it('must be told if models differ; one that reads no notes never differs', () => {
    const models = [model('patient'), model('image')];
    expect(() => notesForModels(models)).toThrow(/learnt different sides/);
    expect(notesForModels(models, { sides: 'patient' }).of(NOTE)).toMatchObject({
      sides: 'patient',
      mirrored: true,
    });
    expect(notesForModels([model('patient'), model('image', false)]).told).toBe('patient');
    expect(notesForModels([model('image', false)], { sides: 'patient' }).of(NOTE).mirrored).toBe(false);
  });

  it('warns once of a model that does not say', () => {
    const notes = notesForModels([model('unknown'), model('unknown')]);
    expect(notes.told).toBe('patient');
    expect(notes.of(NOTE).warnings.map(({ code }) => code)).toEqual(['SIDES_UNKNOWN']);
    expect(notes.of('all lung').warnings).toEqual([]);
    expect(notesForModels([model('unknown'), model('image')]).of(NOTE)).toMatchObject({
      sides: 'image',
      warnings: [{ code: 'SIDES_UNKNOWN' }],
    });
  });
});

describe('notes in free text', () => {
  const lvit = model('image', true, 'lvit');
  const WORDED = 'Unilateral pulmonary infection, upper right lung.';

  it('gives each model its own words', () => {
    const notes = notesForModels([lvit, model('image'), model('image', false, 'lvit')]);
    expect(notes.of('RUL opacity')).toMatchObject({ style: 'free', mirrored: false, warnings: [] });
    expect(notes.of('RUL opacity').each.map(({ text }) => text)).toEqual([
      WORDED,
      'RUL opacity',
      'RUL opacity',
    ]);
    expect(notes.of('RUL opacity')).toBe(notes.of('RUL opacity')); // read once
    expect(notesForModels([model('image', false, 'lvit')]).of('RUL opacity').style).toBe('as-is');
  });

  it('is other work in another style, and the same in the style that applies anyway', () => {
    const of = (one: Learner[], style?: 'free' | 'as-is'): string => notesForModels(one, { style }).identity;
    expect(of([lvit])).toBe(', notes of image sides, free notes');
    expect(of([lvit], 'free')).toBe(of([lvit]));
    expect(of([lvit], 'as-is')).toBe(of([model('image')]));
    expect(of([model('image')], 'free')).toBe(of([lvit]));
    expect(of([lvit, model('image')])).toBe(', notes of image sides, free notes (the models: free, as-is)');
    expect(() => notesForModels([lvit, model('image', true, 'other')], { style: 'free' })).toThrow(
      /^note style free: /,
    );
  });

  it('warns once of a note that none can be given in its words', () => {
    const notes = notesForModels([lvit, lvit]);
    expect(notes.of('Lungs clear').warnings).toMatchObject([{ code: 'NOTE_AS_WRITTEN' }]);
    expect(notes.of('Lungs clear').style).toBe('as-is');
  });
});

describe('describeChanged', () => {
  it('counts swapped notes, and leaves warnings to the results', () => {
    const notes = notesForModels([model('image')], { sides: 'patient' });
    const all = [NOTE, mirrorNote(NOTE), 'all lung', 'left, rechts'].map((note) => notes.of(note));
    expect(describeChanged(all)).toEqual([
      'Left and right were swapped in 3 of 4 notes, as the model has learnt them.',
    ]);
    expect(describeChanged([notesForModels([model('unknown')]).of(NOTE)])).toEqual([]);
    const free = notesForModels([model('image', true, 'lvit')]);
    expect(describeChanged([NOTE, 'LUL opacity', 'RLL opacity'].map((note) => free.of(note)))).toEqual([
      '2 of 3 notes were put into the words that the model has learnt (--note-style as-is prevents it).',
    ]);
  });
});

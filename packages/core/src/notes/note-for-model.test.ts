import { describe, expect, it } from 'vitest';
import { SHIPS } from '../testing/ships.js';
import { noteForModel, type NoteHabits, styleFor } from './note-for-model.js';

const LVIT: NoteHabits = { sides: 'patient', grammar: 'lvit' };
const OTHER: NoteHabits = { sides: 'patient', grammar: 'other' };
const UNKNOWN: NoteHabits = { sides: 'patient', grammar: 'unknown' };
const codes = (note: string, habits = LVIT): string[] =>
  noteForModel(note, habits).warnings.map(({ code }) => code);

describe('noteForModel', () => {
  it.each([
    ['RUL opacity', 'Unilateral pulmonary infection, upper right lung.'],
    [
      'Two opacities in the RUL and LLL, no effusion.',
      'Bilateral pulmonary infection, two infected areas, lower left lung and upper right lung.',
    ],
    ['Infiltrat im linken Oberlappen', 'Unilateral pulmonary infection, upper left lung.'],
    ['Left upper lobe', 'Unilateral pulmonary infection, upper left lung.'],
  ])('puts "%s" into LViT’s words', (note, text) => {
    const { read, ...rest } = noteForModel(note, LVIT);
    expect(rest).toEqual({
      text,
      worded: text,
      sides: 'patient',
      mirrored: false,
      style: 'free',
      warnings: [],
    });
    expect(read?.complete).toBe(true);
  });

  it.each([
    'Unilateral pulmonary infection, one infected area, upper left lung.',
    'bilateral pulmonary infection,two infected areas, upper leftlung, lower right lung',
    'All left lung and upper right lung',
    'upper left lung',
  ])('never rewords a note that has them: "%s"', (note) => {
    for (const style of ['free', undefined] as const)
      expect(noteForModel(note, LVIT, { style })).toEqual({
        text: note,
        worded: note,
        sides: 'patient',
        mirrored: false,
        style: 'as-is',
        read: null,
        warnings: [],
      });
  });

  it('keeps what the grammar itself says of places and number', () => {
    const moved = noteForModel('All left lung, unilateral pulmonary infection, 1 infected area', LVIT);
    expect(moved.text).toBe('Unilateral pulmonary infection, one infected area, all left lung.');
  });

  it('rewords first, then swaps left and right', () => {
    expect(noteForModel('RUL opacity', LVIT, { sides: 'image' })).toMatchObject({
      text: 'Unilateral pulmonary infection, upper left lung.',
      worded: 'Unilateral pulmonary infection, upper right lung.',
      sides: 'image',
      mirrored: true,
      style: 'free',
      warnings: [],
    });
  });

  it('leaves the note as written if the grammar is another or unknown, unless asked', () => {
    for (const habits of [OTHER, UNKNOWN])
      expect(noteForModel('RUL opacity', habits)).toMatchObject({
        text: 'RUL opacity',
        style: 'as-is',
        read: null,
        warnings: [],
      });
    expect(noteForModel('RUL opacity', LVIT, { style: 'as-is' }).text).toBe('RUL opacity');
    expect(noteForModel('RUL opacity', UNKNOWN, { style: 'free' }).text).toBe(
      'Unilateral pulmonary infection, upper right lung.',
    );
    expect(() => noteForModel('RUL opacity', OTHER, { style: 'free' })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', remedy: expect.stringMatching(/as-is/) as string }),
    );
  });

  it.each([
    [
      'Opacity in the left zorgblat lobe',
      'was not fully understood',
      ['NOTE_AS_WRITTEN', 'NOTE_PARTLY_READ'],
    ],
    ['Opacity in the left or right base', 'was not fully understood', ['NOTE_AS_WRITTEN', 'NOTE_AMBIGUOUS']],
    ['Lungs clear', 'says that nothing is there', ['NOTE_AS_WRITTEN']],
    ['No consolidation', 'says that nothing is there', ['NOTE_AS_WRITTEN']],
    ['No infection in the left lung', 'says that nothing is there', ['NOTE_AS_WRITTEN']],
    ['Patchy infiltrates', 'names no place of a finding', ['NOTE_AS_WRITTEN']],
    [
      'Consolidations in the lower zone and left apex',
      'names a side for some of its places only',
      ['NOTE_AS_WRITTEN'],
    ],
  ])('leaves "%s" as written, and says why', (note, why, expected) => {
    const { text, style, read, warnings } = noteForModel(note, LVIT);
    expect([text, style]).toEqual([note, 'as-is']);
    expect(read).not.toBeNull();
    expect(codes(note)).toEqual(expected);
    expect(warnings[0]?.message).toContain(why);
    expect(codes(note, UNKNOWN)).toEqual([]);
  });

  it('tells of words that were read as typing errors', () => {
    expect(codes('Consolidaton at the left base')).toEqual(['NOTE_WORDS_MENDED']);
    expect(noteForModel('upper rigth lung', LVIT)).toMatchObject({
      text: 'Unilateral pulmonary infection, upper right lung.',
      warnings: [{ code: 'NOTE_WORDS_MENDED' }],
    });
  });

  it('says nothing of a note without words', () => {
    for (const note of ['', ' ', '...'])
      expect(noteForModel(note, LVIT)).toMatchObject({ text: note, warnings: [] });
  });

  it('warns of sides in what is sent, not in what was written', () => {
    expect(codes('Infiltrat links', { sides: 'unknown', grammar: 'lvit' })).toEqual(['SIDES_UNKNOWN']);
    expect(codes('llz', { sides: 'unknown', grammar: 'lvit' })).toEqual(['SIDES_UNKNOWN']);
    for (const grammar of ['lvit', 'other'] as const)
      expect(codes('both lungs', { sides: 'unknown', grammar })).toEqual([]);
    const symmetrical =
      'Bilateral pulmonary infection, two infected areas, all left lung and all right lung.';
    expect(codes(symmetrical, { sides: 'unknown', grammar: 'lvit' })).toEqual([]);
    for (const note of [
      symmetrical.replace('all left', 'upper left'),
      'Opacity in both lungs, left worse than right',
    ])
      expect(codes(note, { sides: 'unknown', grammar: 'other' })).toEqual(['SIDES_UNKNOWN']);
    const mirrored = noteForModel('Infiltrat im linken Oberlappen', LVIT, { sides: 'image' });
    expect([mirrored.text, mirrored.warnings]).toEqual([
      'Unilateral pulmonary infection, upper right lung.',
      [],
    ]);
  });
});

describe('styleFor', () => {
  it('follows the grammar unless asked', () => {
    expect([LVIT, OTHER, UNKNOWN].map((habits) => styleFor(habits))).toEqual(['free', 'as-is', 'as-is']);
    expect(styleFor(LVIT, 'as-is')).toBe('as-is');
  });
});

it('warns of sides in a vocabulary’s own words that could not be swapped', () => {
  const habits: NoteHabits = { sides: 'image', grammar: 'vocabulary', vocabulary: SHIPS };
  const read = noteForModel('a hole at port', habits, { sides: 'patient' });
  expect([read.text, read.mirrored, read.warnings]).toEqual(['Hole, starboard.', true, []]);
  for (const [note, style] of [
    ['a hole at zorg port', undefined],
    ['a hole at port', 'as-is'],
  ] as const) {
    // prettier-ignore
    const { text, warnings } = noteForModel(note, habits, { sides: 'patient', style });
    expect(text).toBe(note);
    expect(warnings.find(({ code }) => code === 'SIDES_NOT_MIRRORED')?.message).toMatch(
      /but .*port" was left as written/,
    );
    expect(
      noteForModel(note, habits, { style }).warnings.some(({ code }) => code === 'SIDES_NOT_MIRRORED'),
    ).toBe(false);
  }
});

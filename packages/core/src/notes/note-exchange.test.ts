import { describe, expect, it } from 'vitest';
import { exchangedNote } from './note-exchange.js';
import { noteForMirror, noteForModel, type NoteHabits } from './note-for-model.js';
import { SHIPS } from '../testing/ships.js';
import { chest } from './reader/index.js';

describe('exchangedNote', () => {
  it.each([
    ['Opacity in the left lower lobe, RUL clear', 'Opacity in the right lower lobe, LUL clear'],
    ['Bilateral opacities', 'Bilateral opacities'],
    ['Unilateral pulmonary infection, upper left lung.', 'Unilateral pulmonary infection, upper right lung.'],
    ['left breast mass', 'right breast mass'],
  ])('exchanges the sides of "%s"', (note, text) => {
    expect(exchangedNote(note, chest())).toEqual({ text, left: [] });
  });

  it.each([
    ['Opacity, llz', ['llz']],
    ['Lingular consolidation', ['Lingular']],
    ['Infiltrat links basal', ['links']],
    ['Left base clear, opacity in the rul', ['rul']],
    ['Zorg at the llz', ['llz']],
  ])('names the words of "%s" that stay', (note, left) => {
    expect(exchangedNote(note, chest()).left).toEqual(left);
  });

  it('knows a vocabulary’s sentences, and its words in others', () => {
    expect(exchangedNote('Hole, port.', SHIPS)).toEqual({ text: 'Hole, starboard.', left: [] });
    expect(exchangedNote('a hole at port', SHIPS)).toEqual({ text: 'a hole at port', left: ['port'] });
    expect(exchangedNote('a hole', SHIPS)).toEqual({ text: 'a hole', left: [] });
  });
});

it('gives the note for a mirror image only if all sides can be exchanged', () => {
  const ships: NoteHabits = { sides: 'image', grammar: 'vocabulary', vocabulary: SHIPS };
  const asked = (note: string): string | null => noteForMirror(noteForModel(note, ships).text, ships);
  expect(asked('a hole at port')).toBe('Hole, starboard.');
  expect(asked('a zorg at port')).toBeNull();
  expect(noteForMirror('Opacity, llz', { sides: 'image', grammar: 'lvit' })).toBeNull();
});

it('warns of sides by what is read, also of words that only the reader knows', () => {
  const codes = (note: string, sides: NoteHabits['sides'], given?: 'patient'): string[] =>
    noteForModel(note, { sides, grammar: 'other' }, { sides: given }).warnings.map(({ code }) => code);
  expect(codes('Opacity, llz', 'image', 'patient')).toEqual(['SIDES_NOT_MIRRORED']);
  expect(codes('Opacity, llz', 'image')).toEqual([]);
  expect(codes('Opacity, llz', 'unknown')).toEqual(['SIDES_UNKNOWN']);
  expect(codes('Opacity at both bases', 'image', 'patient')).toEqual([]);
});

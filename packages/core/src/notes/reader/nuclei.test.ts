/** The vocabulary of nuclei and models that learnt MoNuSeg's notes; annotated sentences are in tests/nuclei.test.ts. */
import { describe, expect, it } from 'vitest';
import { grammarOf } from '../note-grammar.js';
import { noteForModel, type NoteHabits } from '../note-for-model.js';
import { nuclei } from './nuclei.js';
import { readNote } from './read-note.js';
import { vocabularyFlaws } from './vocabulary.js';
import { canonicalText } from './writer.js';

const written = (text: string): string | null => canonicalText(readNote(text, nuclei()), nuclei());

describe('the vocabulary of nuclei', () => {
  it('has no flaws', () => {
    expect(vocabularyFlaws(nuclei())).toEqual([]);
  });

  it('says the same in the same words, whatever the order', () => {
    const text = 'The nuclei density in the upper left is high. The nuclei density in the lower is low.';
    expect(written('Many nuclei top left, few at the bottom.')).toBe(text);
    expect(written('Few nuclei at the bottom, many top left.')).toBe(text);
    expect(written(text)).toBe(text);
  });

  it.each([
    'Dense in the upper left or the lower left',
    'Denser from left to right',
    'Nuclei are absent at the top',
    'Zorgblat nuclei on the left',
    'Equal numbers of nuclei on both sides',
  ])('has nothing to write for "%s"', (text) => expect(written(text)).toBeNull());
});

describe('notes for a model that learnt MoNuSeg’s', () => {
  const OWN = [
    'The nuclei are evenly distributed.',
    'The nuclei are sparsely distributed.',
    'The nuclei are irregularly distributed.',
    'The nuclei density in the upper right is high.',
    'The nuclei density in the lower is high.',
    'The nuclei density in the left is high.',
    'The nuclei density is higher around.',
  ];
  const habits: NoteHabits = { sides: 'image', grammar: 'nuclei' };

  it('tells their grammar', () => {
    expect(grammarOf(OWN)).toBe('nuclei');
    expect(grammarOf([...OWN, 'Nuclei everywhere'])).toBe('other');
  });

  it.each(OWN)('leaves "%s" as it is', (note) => {
    expect(noteForModel(note, habits)).toMatchObject({
      text: note,
      style: 'as-is',
      read: null,
      warnings: [],
    });
  });

  it('rewords free text, and swaps its sides', () => {
    const note = 'Dense top left, sparse bottom right';
    expect(noteForModel(note, habits)).toMatchObject({
      text: 'The nuclei density in the upper left is high. The nuclei density in the lower right is low.',
      style: 'free',
      warnings: [],
    });
    expect(noteForModel(note, habits, { sides: 'patient' })).toMatchObject({
      text: 'The nuclei density in the upper right is high. The nuclei density in the lower left is low.',
      worded: 'The nuclei density in the upper left is high. The nuclei density in the lower right is low.',
      mirrored: true,
      warnings: [],
    });
  });

  it('leaves what no sentence says as written, with the reason', () => {
    const note = 'Evenly distributed on the left';
    expect(noteForModel(note, habits)).toMatchObject({
      text: note,
      style: 'as-is',
      warnings: [
        {
          code: 'NOTE_AS_WRITTEN',
          message: 'the model has learnt no sentence for what the note says; the model gets it as written',
        },
      ],
    });
  });
});

import { describe, expect, it } from 'vitest';
import { type Laterality, lateralityWarnings } from './laterality.js';
import { meaningOf } from './note-meaning.js';
import type { StatedSides } from './sides.js';

const codes = (note: string, sides: StatedSides, laterality: Laterality | null): string[] =>
  lateralityWarnings(meaningOf(note), sides, laterality).map(({ code }) => code);

describe('lateralityWarnings', () => {
  it('warns of a note about the other side', () => {
    expect(codes('upper right lung', 'patient', 'L')).toEqual(['LATERALITY_DIFFERS']);
    expect(codes('upper left lung', 'patient', 'R')).toEqual(['LATERALITY_DIFFERS']);
    expect(lateralityWarnings(meaningOf('upper left lung'), 'image', 'L')).toEqual([
      {
        code: 'LATERALITY_DIFFERS',
        message: 'the note names only the patient’s right, but the file says that it shows the left',
      },
    ]);
  });

  it('says nothing where the note fits, or where it cannot tell', () => {
    expect(codes('upper left lung', 'patient', 'L')).toEqual([]);
    expect(codes('upper right lung', 'image', 'L')).toEqual([]);
    expect(codes('upper right lung', 'unknown', 'L')).toEqual([]);
    expect(codes('upper left lung and lower right lung', 'patient', 'L')).toEqual([]);
    expect(codes('pneumonia', 'patient', 'L')).toEqual([]);
    for (const laterality of ['B', 'U', null] as const)
      expect(codes('upper right lung', 'patient', laterality)).toEqual([]);
  });
});

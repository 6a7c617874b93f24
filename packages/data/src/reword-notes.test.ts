import { mirrorNote, parseNote, readNote, REWORDINGS } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import type { AugmentOptions } from './augment-options.js';
import { NoteRewordings } from './reword-notes.js';

const NOTE = 'Unilateral pulmonary infection, one infected area, lower left lung.';
const of = (options: Partial<AugmentOptions>, seed = 1): NoteRewordings =>
  NoteRewordings.of({ notes: 0.5, ...options }, seed)!;
const heard = (rewordings: NoteRewordings, note = NOTE): string[] =>
  Array.from({ length: 1000 }, (_, epoch) => rewordings.noteFor(note, epoch, 'case'));

describe('NoteRewordings', () => {
  it('is off by default, and on in mode none', () => {
    expect(NoteRewordings.of({}, 1)).toBeNull();
    expect(NoteRewordings.of(null, 1)).toBeNull();
    expect(NoteRewordings.of({ mode: 'none', notes: 0.1 }, 1)).not.toBeNull();
  });

  it('rewords with the given probability, from a bounded list', () => {
    for (const [notes, noteVariants] of [
      [0.5, 8],
      [0.2, 30],
      [1, 1],
    ] as const) {
      const rewordings = of({ notes, noteVariants });
      const texts = heard(rewordings);
      const share = texts.filter((text) => text !== NOTE).length / texts.length;
      // 1,000 draws: four deviations of at most 0.016.
      expect(Math.abs(share - notes)).toBeLessThan(notes === 1 ? 1e-9 : 0.064);
      const different = new Set(texts.filter((text) => text !== NOTE));
      expect(different.size).toBeLessThanOrEqual(noteVariants);
      expect(different.size).toBeGreaterThan(0.8 * noteVariants - 1);
      expect([...different].every((text) => rewordings.variantsOf(NOTE).includes(text))).toBe(true);
    }
  });

  it('follows from seed, epoch, case and note, in any order', () => {
    const expected = heard(of({}));
    const again = of({});
    const backwards = Array.from({ length: 1000 }, (_, i) => again.noteFor(NOTE, 999 - i, 'case'));
    expect(backwards.reverse()).toEqual(expected);
    expect(heard(of({}, 2))).not.toEqual(expected);
  });

  it('takes the kinds asked for', () => {
    const negated = of({ noteKinds: 'negated' }).variantsOf(NOTE);
    expect(negated.every((text) => text.startsWith(NOTE) && text.length > NOTE.length)).toBe(true);
    const kinds = of({ noteVariants: REWORDINGS.length }).variantsOf(NOTE);
    expect(kinds).toHaveLength(REWORDINGS.length);
  });

  it('lists all texts that a note can become, mirrored first where images are', () => {
    const rewordings = of({ notes: 1 });
    const texts = rewordings.textsOf([NOTE, NOTE]);
    expect(texts).toHaveLength(16);
    for (const note of [NOTE, mirrorNote(NOTE)])
      for (const text of heard(rewordings, note)) expect(texts).toContain(text);
    expect(of({ mode: 'none' }).textsOf([NOTE])).toHaveLength(8);
    expect(of({ mode: 'upstream' }).textsOf([NOTE])).toHaveLength(8);
    const spelt = rewordings.textsOf([NOTE], 'misspelt');
    const slips = texts.filter((text) => !spelt.includes(text));
    expect(slips.length).toBeGreaterThan(0);
    for (const text of slips) {
      const changed = [NOTE, mirrorNote(NOTE)].map((note) => {
        const words = note.split(' ');
        return text.split(' ').filter((word, i) => word !== words[i]).length;
      });
      expect(Math.min(...changed)).toBeLessThanOrEqual(3); // words misspelt at most
    }
    // A rewording of the mirrored note names the mirrored side.
    for (const text of rewordings.variantsOf(mirrorNote(NOTE))) {
      const { places, complete } = readNote(text);
      if (complete) expect(places.map(({ side }) => side)).toEqual(['right']);
    }
  });

  it('leaves other notes alone, and counts them', () => {
    const other = 'The nuclei are sparsely distributed.';
    const rewordings = of({ notes: 1 });
    expect(new Set(heard(rewordings, other))).toEqual(new Set([other]));
    expect(rewordings.describe([NOTE, NOTE, other])).toBe(
      'Training puts notes into other words 100 % of the time: 2 different notes have 16 rewordings, mirrored ones included ' +
        '(at most 8 of each); 1 are outside LViT’s grammar and stay as written.',
    );
  });

  it('keeps words for a run from tables alone', () => {
    const note = 'Smith infection, one infected area, lower left lung.';
    expect(parseNote(note).finding).toBe('smith infection');
    const rewordings = of({ noteVariants: 50 });
    expect(rewordings.textsOf([note]).join(' ')).toMatch(/smith/iu);
    const tabled = rewordings.tabledTextsOf([note]);
    expect(tabled.length).toBeGreaterThan(20);
    expect(tabled.join(' ')).not.toMatch(/smith/iu);
    const told = of({ notes: 1 }).textsOf([NOTE]); // only of rewordings that training hears
    expect(told).toEqual(expect.arrayContaining(of({ notes: 1 }).tabledTextsOf([NOTE])));
    expect(of({ noteKinds: 'reordered' }).tabledTextsOf([NOTE])).toEqual([]);
  });
});

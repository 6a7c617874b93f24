import { describe, expect, it } from 'vitest';
import { rulesOf } from './reference-rules.js';
import { wordsToKeep } from './reference-words.js';

const SAID = 'Unilateral pulmonary infection, one infected area, upper left lung';
const WORDS = ['area', 'infected', 'infection', 'left', 'lung', 'one', 'pulmonary', 'unilateral', 'upper'];
const number = (i: number): string => String(i).padStart(4, '0');
/** Cases named like QaTa-COV19's, `each` to a patient. */
const told = (count: number, each: number, note: (i: number) => string): { id: string; note: string }[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `cxr_s${number(Math.floor(i / each))}-e1-r${i % each}`,
    note: note(i),
  }));
/** Cases whose names tell no patient. */
const untold = (count: number, note: (i: number) => string): { id: string; note: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `image_${number(i)}`, note: note(i) }));
const others = (words: readonly string[]): string[] => words.filter((word) => !WORDS.includes(word));

describe('wordsToKeep', () => {
  it('keeps the words of the grammar and of reports, however rare', () => {
    expect(wordsToKeep(untold(1, () => SAID))).toEqual(WORDS);
    expect(others(wordsToKeep(untold(1, () => `${SAID}, pleural effusion of Kowalczyk`)))).toEqual([
      'effusion',
      'of',
      'pleural',
    ]);
  });

  it('keeps a word of five patients, and not one that a single patient has in any number of notes', () => {
    const note = (i: number): string => `${SAID}, ${i < 40 ? 'Kowalczyk' : i < 100 ? 'Milchglas' : 'selten'}`;
    expect(others(wordsToKeep(told(104, 20, note)))).toEqual([]); // two, three and one patients
    expect(others(wordsToKeep(told(104, 10, note)))).toEqual(['milchglas']); // four, six and one
    expect(others(wordsToKeep(told(104, 1, note)))).toEqual(['kowalczyk', 'milchglas']);
  });

  it('keeps no surname of a patient with five images, or with fifty, where names tell no patient', () => {
    for (const images of [5, 20, 50]) {
      const note = (i: number): string => `${SAID}${i >= 100 && i < 100 + images ? ', Kowalczyk' : ''}`;
      expect(wordsToKeep(untold(200, note))).toEqual(WORDS);
    }
  });

  it('nor a rare one that is spread over all images', () => {
    expect(wordsToKeep(untold(400, (i) => (i % 20 === 0 ? `${SAID}, Kowalczyk` : SAID)))).toEqual(WORDS);
  });

  it('keeps there what a tenth of the notes and nearly every stretch of them have', () => {
    expect(others(wordsToKeep(untold(200, (i) => (i % 5 === 0 ? `${SAID}, Milchglas` : SAID))))).toEqual([
      'milchglas',
    ]);
    const note = (i: number): string => (i < 140 ? `${SAID}, Milchglas` : SAID); // in seven stretches of ten
    expect(wordsToKeep(untold(200, note))).toEqual(WORDS);
    expect(wordsToKeep(untold(19, () => `${SAID}, Milchglas`))).toEqual(WORDS); // too few notes
  });

  it('does not count images that tell no patient as patients beside those that do', () => {
    const few = [...told(4, 1, () => 'Kowalczyk'), ...untold(10, (i) => (i < 5 ? 'Kowalczyk' : 'lung'))];
    expect(wordsToKeep(few)).toEqual(['lung']);
    expect(wordsToKeep(few, '^(?:cxr_s|image_)(.+)$')).toEqual(['kowalczyk', 'lung']); // declared to be patients
  });

  it('keeps no clause of a script without blanks that is longer than a word', () => {
    expect(wordsToKeep(told(5, 1, () => '肺'.repeat(65)))).toEqual([]);
  });
});

describe('rulesOf', () => {
  const fits = (
    count: number,
    inside: (i: number) => number | null,
    counted: (i: number) => boolean | null,
  ) => Array.from({ length: count }, (_, i) => ({ inside: inside(i), counted: counted(i) }));

  it('of few masks are the usual ones', () => {
    expect(rulesOf([], 'image')).toEqual({ inside: 0.35, areas: true, sides: 'image' });
    expect(rulesOf(fits(19, () => 0, () => false), 'unknown')).toEqual({ inside: 0.35, areas: true, sides: 'unknown' }); // prettier-ignore
  });

  it('ask for as much inside as 98 % of the masks have, and never for more than usual', () => {
    const rising = fits(101, (i) => 0.1 + i / 1000, () => true); // prettier-ignore
    expect(rulesOf(rising, 'patient')).toEqual({ inside: 0.102, areas: true, sides: 'patient' });
    expect(rulesOf(fits(100, () => 0.9, () => null), 'patient').inside).toBe(0.35); // prettier-ignore
  });

  it('say nothing where masks and zones do not go together, or notes count no areas of the mask', () => {
    expect(rulesOf(fits(100, (i) => (i < 10 ? 0 : 1), () => true), 'image').inside).toBeNull(); // prettier-ignore
    expect(rulesOf(fits(100, () => null, (i) => i >= 2), 'image').areas).toBe(true); // prettier-ignore
    expect(rulesOf(fits(100, () => null, (i) => i >= 3), 'image').areas).toBe(false); // prettier-ignore
  });
});

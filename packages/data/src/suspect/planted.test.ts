/** Planted faults of several cases or splits. */
import { describe, expect, it } from 'vitest';
import { maskOf, mirrorNote } from '@reclmis/core';
import { drawPhantom, type Phantom } from '../phantom.js';
import type { Split } from '../types.js';
import { duplicateSuspicions } from './duplicates.js';
import { findSuspicions } from './index.js';
import { noteSuspicions } from './notes.js';
import { subjectOf } from './testing.js';
import { turnedFrom, TURNS } from './turns.js';
import type { Subject, Suspicion, Turn } from './types.js';

const COUNT = 48;
const phantoms = (seed: number, count: number, size: number): Phantom[] =>
  Array.from({ length: count }, (_, i) => drawPhantom(seed, i, size));
const clean = phantoms(2, COUNT, 64).map((one, i) => subjectOf(i, one));

/** Ids of each suspicion, by code. */
const found = (subjects: readonly Subject[], group?: string): Record<string, string[]> =>
  Object.fromEntries(
    findSuspicions(subjects, group === undefined ? {} : { group }).map(({ code, cases }) => [code, cases.map(({ id }) => id)]), // prettier-ignore
  );
const messages = (subjects: readonly Subject[]): string[] => findSuspicions(subjects).map(({ message }) => message); // prettier-ignore
const measured = (one: Subject, measure: Partial<Subject['measure']>): Subject => ({ ...one, measure: { ...one.measure, ...measure } }); // prettier-ignore
const noted = (note: (own: string, i: number) => string): Subject[] =>
  clean.map((one, i) => ({ ...one, note: note(one.note, i) }));
/** Half of the cases for training, the rest for validation and test, in halves. */
const inSplits = (subjects: readonly Subject[]): Subject[] =>
  subjects.map((one, i) => ({
    ...one,
    split: i < subjects.length / 2 ? 'train' : i < 0.75 * subjects.length ? 'val' : 'test',
  }));

const turnedShape = (shape: Uint8Array, turn: Turn): Uint8Array => Uint8Array.from(turnedFrom(turn, 32), (p) => shape[p] as number); // prettier-ignore
/** A turned copy of a case in another split; its mask turned with it or not. */
function copyOf(
  one: Subject,
  turn: Turn | null,
  { mask = true, note = one.note, split = 'test' }: { mask?: boolean; note?: string; split?: Split } = {},
): Subject {
  const { picture, shape } = one.measure;
  const copy = { ...one, id: `copy-of-${one.id}`, split, note };
  if (turn === null) return copy;
  return measured(copy, { hash: `${one.measure.hash} turned`, picture: turnedShape(picture, turn), shape: mask ? turnedShape(shape, turn) : shape }); // prettier-ignore
}

describe('copies', () => {
  it.each(TURNS)('are found in another split though they are turned: %s', (turn) => {
    const copies = [3, 8].map((i) => copyOf(clean[i] as Subject, turn, { note: turn === 'mirror' ? mirrorNote((clean[i] as Subject).note) : (clean[i] as Subject).note })); // prettier-ignore
    const suspicions = findSuspicions([...clean, ...copies]);
    const across = suspicions.find(({ code }) => code === 'DUPLICATES_ACROSS_SPLITS');
    expect(across?.cases.map(({ id, other }) => `${id} ${other?.id ?? ''}`)).toEqual([
      'case-03 copy-of-case-03',
      'case-08 copy-of-case-08',
    ]);
    expect(across?.message).toMatch(/train case-03 with test copy-of-case-03 \((?:mirrored|flipped|turned) /);
    expect(suspicions.map(({ code }) => code)).not.toContain('DUPLICATES_DIFFER');
  });

  it('with a mask that was not turned along contradict each other, and are no negatives', () => {
    const suspicions = found([...clean, copyOf(clean[0] as Subject, 'mirror', { mask: false })]);
    expect(suspicions['DUPLICATES_ACROSS_SPLITS']).toEqual(['case-00']);
    expect(suspicions['DUPLICATES_DIFFER']).toEqual(['case-00']);
    expect(suspicions).not.toHaveProperty('IMAGES_INVERTED');
  });

  it('whose note kept its sides when image and mask were mirrored contradict each other', () => {
    const one = clean.find(({ note }) => /^Unilateral/.test(note)) as Subject;
    const suspicions = found([...clean, copyOf(one, 'mirror')]);
    expect(suspicions['DUPLICATES_DIFFER']).toEqual([one.id]);
  });

  it('in other words: their places are compared, unless sides cannot be exchanged', () => {
    const one = clean.find(({ note }) => /^Unilateral/.test(note)) as Subject;
    const [left, right] = ['Opacity, lung, left.', 'Opacity, lung, right.'];
    const pair = (note: string, other: string): Suspicion[] =>
      duplicateSuspicions([{ a: { ...one, note }, b: copyOf({ ...one, note: other }, 'mirror'), turn: 'mirror' }]); // prettier-ignore
    const differ = (found: Suspicion[]): boolean => found.some(({ code }) => code === 'DUPLICATES_DIFFER');
    expect([pair(left, right), pair(left, left)].map(differ)).toEqual([false, true]);
    expect([pair(left, 'Verschattung rechts'), pair(left, 'Verschattung links')].map(differ)).toEqual([false, true]); // prettier-ignore
    expect(differ(pair('Verschattung links', 'Verschattung rechts'))).toBe(false);
  });

  it('within a split are told where one note has different masks, or one mask different places', () => {
    const [one, other] = [clean[1], clean[2]] as [Subject, Subject];
    const twin = { ...copyOf(one, null, { split: 'train' }) };
    expect(found([...clean, twin])).toEqual({});
    expect(found([...clean, measured(twin, { shape: other.measure.shape })])['DUPLICATES_DIFFER']).toEqual([one.id]); // prettier-ignore
    const sided = clean.find(({ note }) => /^Unilateral/.test(note)) as Subject;
    const elsewhere = copyOf(sided, null, { split: 'train', note: mirrorNote(sided.note) });
    const twice = findSuspicions([...clean, elsewhere]).find(({ code }) => code === 'DUPLICATES_DIFFER');
    expect(twice?.cases.map(({ id, why }) => `${id}: ${why ?? ''}`)).toEqual([
      `${sided.id}: one mask, notes of different places`,
    ]);
  });

  it('of nothing are blank images alone', () => {
    const blank = { grey8: { min: 0, max: 0, mean: 0, sd: 0 }, hash: 'black', picture: new Uint8Array(1024) };
    const subjects = inSplits(clean).map((one, i) => (i % 12 === 5 ? measured(one, blank) : one));
    expect(found(subjects)).toEqual({
      IMAGES_BLANK: ['case-05', 'case-17', 'case-29', 'case-41'],
    });
  });
});

describe('patients', () => {
  it('in two splits are told, judging by file names', () => {
    const named = inSplits(clean).map((one, i) => ({ ...one, id: `p${i === 40 ? 7 : i}_${i}` }));
    expect(found(named, '^p(\\d+)_')).toEqual({ PATIENTS_ACROSS_SPLITS: ['p7_7'] });
    expect(found(named)).toEqual({});
  });
});

describe('one split alone', () => {
  const splits = inSplits(phantoms(2, 80, 64).map((one, i) => subjectOf(i, one)));
  it('says nothing where all is right', () => {
    expect(found(splits)).toEqual({});
  });

  it.each([1, -1])('is told where it has the masks of the neighbours: %d', (by) => {
    const own = splits.filter(({ split }) => split === 'val');
    const shapes = splits.map((one) => {
      const at = own.indexOf(one);
      return at < 0 ? one : measured(one, { shape: (own[(at + by + own.length) % own.length] as Subject).measure.shape }); // prettier-ignore
    });
    const suspicion = findSuspicions(shapes).find(({ code }) => code === 'PAIRS_SHIFTED');
    expect(suspicion?.message).toContain(`masks of val look like those of other cases, 1 ${by > 0 ? 'before' : 'after'} in the order of names`); // prettier-ignore
    expect(suspicion?.cases).toHaveLength(own.length - 1);
  });

  it('is told where its masks are turned', () => {
    const turned = splits.map((one) => one.split === 'test' ? measured(one, { shape: turnedShape(one.measure.shape, 'flip') }) : one); // prettier-ignore
    const [first] = findSuspicions(turned);
    expect([first?.code, first?.count]).toEqual(['PAIRS_TURNED', 20]);
    expect(first?.message).toContain('all masks of test look flipped upside down');
  });
});

describe('masks beside their images', () => {
  /** Subjects whose masks are displaced right and down. */
  const displaced = (dx: number, dy: number): Subject[] =>
    phantoms(7, 60, 112).map((phantom, i) => {
      const { mask } = phantom;
      const { width, height } = mask;
      const data = new Uint8Array(width * height);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          if (x >= dx && y >= dy && x - dx < width && y - dy < height)
            data[y * width + x] = 255 * (mask.data[(y - dy) * width + x - dx] as number);
      return subjectOf(i, { ...phantom, mask: maskOf({ width, height, channels: 1, data }, 'a mask').mask });
    });

  it('are told with the way and the distance, which is exact to 2 pixels', () => {
    expect(messages(displaced(0, 0))).toEqual([]);
    const all = findSuspicions(displaced(10, -8)).find(({ code }) => code === 'PAIRS_DISPLACED');
    expect(all?.message).toMatch(/^all masks lie beside the edges of their images, 10 pixels too far to the right and 8 pixels too high \(/); // prettier-ignore
    expect(all?.count).toBe(60);
  });

  it('are told of one split alone', () => {
    const [right, wrong] = [displaced(0, 0), displaced(-12, 0)];
    const mixed = right.map((one, i) => (i < 32 ? one : { ...(wrong[i] as Subject), split: 'val' as const }));
    const part = findSuspicions(mixed).find(({ code }) => code === 'PAIRS_DISPLACED');
    expect(part?.message).toMatch(/^val masks lie beside the edges of their images, 12 pixels too far to the left \(/); // prettier-ignore
    expect(part?.count).toBe(28);
  });
});

describe('labels', () => {
  const phantom = drawPhantom(2, 0, 64);
  /** A mask of 8 x 8 squares with these labels; 0 in the gaps. */
  const labelled = (labels: readonly number[]): Subject => {
    const data = Uint8Array.from({ length: 64 * 64 }, (_, p) => {
      const [x, y] = [p % 64, Math.floor(p / 64)];
      if (x % 8 === 0 || y % 8 === 0) return 0;
      return labels[(Math.floor(y / 8) * 8 + Math.floor(x / 8)) % labels.length] as number;
    });
    const { mask, values } = maskOf({ width: 64, height: 64, channels: 1, data }, 'a mask');
    const subject = subjectOf(0, { ...phantom, mask });
    return measured(subject, { values });
  };
  const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
  const said = (one: Subject): string | undefined =>
    findSuspicions([one]).find(({ code }) => code.startsWith('MASKS_'))?.message;

  it('above 31 are said to be read at half, though there are as many as objects', () => {
    expect(said(labelled(numbers))).toBe('1 mask holds areas of more than one label, or black with the noise of a JPEG; in it a label is above 31, so that those below half of the highest value count as background: train case-00 (41 values, below 20 background)'); // prettier-ignore
    expect(said(labelled([40, 80]))).toMatch(/below half .* \(3 values, below 40 background\)$/);
    expect(said(labelled([1, 2, 3]))).toBe('1 mask holds areas of more than one label, or black with the noise of a JPEG; all of them count as foreground: train case-00 (4 values)'); // prettier-ignore
  });
});

describe('left and right', () => {
  it('of a few notes that chance may have made agree say nothing of the others', () => {
    const sided = clean.filter(({ measure, note }) => measure.sides !== null && /^Unilateral/.test(note)).slice(0, 10); // prettier-ignore
    expect(sided).toHaveLength(10);
    const one = sided[4] as Subject;
    const wrong = {
      ...one,
      note: mirrorNote(one.note),
      measure: { ...one.measure, sides: 'image' as const },
    };
    const others = clean.filter(({ measure }) => measure.sides === null);
    // Nine of ten are not clear by core's rule, as in `plan`, `train` and the probes; with twenty they are.
    expect(found([...others, ...sided.map((own) => (own === one ? wrong : own))])).not.toHaveProperty('NOTES_PLACE_DIFFERS'); // prettier-ignore
    expect(found(clean.map((own) => (own === one ? wrong : own)))['NOTES_PLACE_DIFFERS']).toEqual([one.id]);
  });
});

describe('notes', () => {
  /** Ids of each suspicion about the notes, by code. */
  const told = (subjects: readonly Subject[]): Record<string, string[]> =>
    Object.fromEntries(noteSuspicions(subjects).map(({ code, cases }) => [code, cases.map(({ id }) => id)]));

  it.each([
    ['case 17', 'names', (_: string, i: number) => `case ${i}`],
    ['Patient no. 17.', 'names', (_: string, i: number) => `Patient no. ${100 + i}.`],
  ])('that only count their cases: %s', (_, __, note) => {
    expect(told(noted(note))['NOTES_ARE_NAMES']).toHaveLength(COUNT);
  });

  it('that hold the name of the file and nothing else', () => {
    expect(told(clean.map((one) => ({ ...one, note: `Image ${one.id}` })))['NOTES_ARE_NAMES']).toHaveLength(COUNT); // prettier-ignore
    expect(told(clean.map((one) => ({ ...one, note: `${one.id}: left lung.` })))).toEqual({});
  });

  it('that say nothing: placeholders, other languages and scripts, or nothing of what the others say', () => {
    const one = (note: string): string | undefined =>
      noteSuspicions(noted((own, i) => (i === 3 ? note : own))).find(({ code }) => code === 'NOTES_SAY_NOTHING')?.cases[0]?.why; // prettier-ignore
    expect(one('see report')).toBe('a placeholder');
    expect(one('No description.')).toBe('a placeholder');
    expect(one('Verschattung im rechten Unterlappen mit Infiltrat')).toBe('in another language');
    expect(one('Opacités dans les deux poumons.')).toBe('in another language');
    expect(one('双肺感染')).toBe('in another script');
    expect(one('Normal heart, ribs intact.')).toBe('no number, place or finding');
    const unread = noted((_, i) => `Macchie ${i % 2 ? 'della parte bassa' : 'nella parte alta'} del polmone`);
    expect(told(unread)['NOTES_SAY_NOTHING']).toHaveLength(COUNT);
  });

  it.each([
    ['German', (i: number) => `Verdichtung ${i % 2 ? 'links basal' : 'beidseits'} mit Erguss`],
    ['French', (i: number) => `Opacité dans le poumon ${i % 2 ? 'gauche' : 'droit'}, sans épanchement`],
    ['Chinese', (i: number) => `${i % 2 ? '左' : '右'}肺感染`],
  ])('in the set’s own language, if the reader knows it, are no suspicion: %s', (_, note) => {
    expect(told(noted((__, i) => note(i)))['NOTES_SAY_NOTHING']).toBeUndefined();
    const one = noted((__, i) => (i === 3 ? 'siehe Befund mit Verlauf' : note(i)));
    expect(told(one)['NOTES_SAY_NOTHING']).toHaveLength(1);
  });

  it.each([
    [
      'polyps',
      ['one small pink round polyp', 'a medium polyp in the upper left of the image', 'many polyps'],
    ],
    ['skin', ['pigmented lesion with irregular border', 'benign nevus', 'melanoma, asymmetric']],
    ['sizes', Array.from({ length: COUNT }, (_, i) => `Lesion of ${(37 * i) % 101} mm`)],
    [
      'lungs in other words',
      ['bilateral opacities', 'unilateral pneumonia, right lower lobe', 'hazy apices'],
    ],
  ])('of another kind are no suspicion: %s', (_, notes) => {
    expect(told(noted((__, i) => notes[i % notes.length] as string))).toEqual({});
  });

  it('that were cut at a comma, before a place or at "and", in all cases or in one', () => {
    const cuts = [
      (note: string) => note.split(',').slice(0, 1).join(','),
      (note: string) => note.split(',').slice(0, 2).join(','),
      (note: string) => note.split(',').slice(0, 2).join(',') + ',',
      (note: string) => note.replace(/ and .*$/, ' and'),
    ];
    for (const cut of cuts) {
      const all = told(noted(cut))['NOTES_CUT_OFF'];
      const several = clean.filter(({ note }) => cut(note) !== note).length;
      expect(all).toHaveLength(several);
      const at = clean.findIndex(({ note }) => cut(note) !== note);
      expect(told(noted((own, i) => (i === at ? cut(own) : own)))['NOTES_CUT_OFF']).toEqual([clean[at]?.id]);
    }
    expect(told(noted((note, i) => (i === 2 ? `"${note}` : note)))['NOTES_CUT_OFF']).toEqual(['case-02']);
    expect(told(noted((note, i) => (i === 2 ? `${note.slice(0, 40)}...` : note)))['NOTES_CUT_OFF']).toEqual(['case-02']); // prettier-ignore
  });
});

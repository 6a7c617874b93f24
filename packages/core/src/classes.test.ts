/** Classes as users write them, and the vote between them. */
import { describe, expect, it } from 'vitest';
import { classSlug, describeFlaw, parseClasses, readClasses } from './classes.js';
import { COLOURS } from './images/overlay.js';
import { ClassVote } from './masks/class-vote.js';

const flawsOf = (value: unknown): string[] => readClasses(value).flaws.map(describeFlaw);

describe('classes', () => {
  it('are a note by name, or an entry; labels, colours and thresholds have defaults', () => {
    expect(
      parseClasses({
        'left lung': ' Left lung. ',
        heart: { note: 'Heart.', label: 7, colour: 'Sky Blue', threshold: 0.25 },
        rib: { note: 'Rib.', colour: '#0A0b0c' },
      }),
    ).toEqual([
      { name: 'left lung', note: 'Left lung.', label: 1, colour: COLOURS.orange, threshold: null },
      { name: 'heart', note: 'Heart.', label: 7, colour: COLOURS.skyBlue, threshold: 0.25 },
      { name: 'rib', note: 'Rib.', label: 3, colour: [10, 11, 12], threshold: null },
    ]);
  });

  it('have colours of their own, more than there are names for', () => {
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`c${i}`, `note ${i}`]));
    const colours = parseClasses(many).map(({ colour }) => String(colour));
    expect(new Set(colours).size).toBe(21);
    // Half way from orange to white, and 60 % of orange.
    expect([colours[7], colours[14]]).toEqual(['243,207,128', '138,95,0']);
  });

  it.each([
    ['a list', [], 'expected classes by name, each with its note, got a list'],
    ['a text', 'heart', 'expected classes by name, each with its note, got "heart"'],
    ['nothing', null, 'expected classes by name, each with its note, got nothing'],
    ['no class', {}, 'expected at least one class, got none'],
    ['a class without a note', { heart: null }, 'heart: expected a note, or note, label, colour, threshold by name, got nothing'], // prettier-ignore
    ['an empty note', { heart: ' ' }, 'heart.note: expected what to segment, as text, got " "'],
    ['a slip of a key', { heart: { note: 'a', color: '#fff' } }, 'heart.color: there is no such key; did you mean colour?'], // prettier-ignore
    ['a strange key', { heart: { note: 'a', probability: 1 } }, 'heart.probability: there is no such key; expected note, label, colour, threshold'], // prettier-ignore
    ['the background’s label', { heart: { note: 'a', label: 0 } }, 'heart.label: expected a whole number from 1 to 255 (0 is the background), got 0'], // prettier-ignore
    ['a label above 255', { heart: { note: 'a', label: 256 } }, 'heart.label: expected a whole number from 1 to 255 (0 is the background), got 256'], // prettier-ignore
    ['half a label', { heart: { note: 'a', label: 1.5 } }, 'heart.label: expected a whole number from 1 to 255 (0 is the background), got 1.5'], // prettier-ignore
    ['a label as text', { heart: { note: 'a', label: '1' } }, 'heart.label: expected a whole number from 1 to 255 (0 is the background), got "1"'], // prettier-ignore
    ['an unknown colour', { heart: { note: 'a', colour: 'mauve' } }, 'heart.colour: expected "#rrggbb" or one of orange, skyBlue, green, yellow, blue, vermilion, purple, got "mauve"'], // prettier-ignore
    ['a threshold that nothing exceeds', { heart: { note: 'a', threshold: 1 } }, 'heart.threshold: expected a number from 0 to below 1, got 1'], // prettier-ignore
    ['one note twice', { heart: 'Heart', cor: 'heart ' }, 'cor.note: has the note of heart'],
    [
      'one label twice',
      { heart: { note: 'a', label: 2 }, cor: 'b' },
      'cor.label: has the label of heart, 2: a class without one has its place',
    ],
    ['one name twice, but for signs', { 'left lung': 'a', Left_Lung: 'b' }, 'Left_Lung: has the name, but for case and signs of left lung'], // prettier-ignore
    ['one colour twice', { a: { note: 'a', colour: 'blue' }, b: { note: 'b', colour: '#0072B2' } }, 'b.colour: has the colour of a'], // prettier-ignore
    ['a number for a name', { 1: 'a' }, '1: expected a name with a letter'],
    ['a name of two lines', { 'a\nb': 'a' }, 'a\nb: expected a name of at most 48 characters in one line'],
  ])('are refused: %s', (_, value, message) => {
    expect(flawsOf(value)).toEqual([message]);
    expect(() => parseClasses(value, 'x.yaml')).toThrow(
      expect.objectContaining({ code: 'CLASSES_INVALID', message: `x.yaml: ${message}` }) as Error,
    );
  });

  it('are at most 255', () => {
    const many = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, `note ${i}`]));
    expect(flawsOf(many(255))).toEqual([]);
    expect(flawsOf(many(256))[0]).toBe('expected at most 255 classes, got 256');
  });

  it('have names for files', () => {
    expect(['Left lung', '_a.b/c', 'Épée 2', '心脏'].map(classSlug)).toEqual(['left-lung', 'a-b-c', 'épée-2', '心脏']); // prettier-ignore
  });
});

describe('the vote', () => {
  it('goes to the greatest probability above its class’s threshold, on a tie to the first class', () => {
    const vote = new ClassVote(3, 2);
    vote.add(Float32Array.of(0.6, 0.5, 0.75, 0.25, 0.625, 0), 0.5);
    vote.add(Float32Array.of(0.7, 0.5, 0.75, 0.375, 0.5, 0), 0.25);
    vote.add(Float32Array.of(0.9, 0.9, 0.9, 0.9, 0.9, 0), 0.9375);
    // Pixel 1: 0.5 is not above 0.5, but above 0.25. Pixel 2: a tie.
    expect([...vote.labels([10, 200, 3]).data]).toEqual([200, 200, 10, 200, 10, 0]);
    expect([...vote.mask(0).data]).toEqual([0, 0, 1, 0, 1, 0]);
    expect([...vote.mask(1).data]).toEqual([1, 1, 0, 1, 0, 0]);
    expect([0, 1, 2].map((i) => vote.claimed(i))).toEqual([3, 5, 0]);
  });

  it('takes a class’s place for whatever label it has, and a probability above a threshold of 0', () => {
    const vote = new ClassVote(1, 1);
    vote.add(Float32Array.of(0), 0);
    vote.add(Float32Array.of(1e-7), 0);
    expect([...vote.labels([1, 255]).data]).toEqual([255]);
    expect(() => vote.add(new Float32Array(2), 0.5)).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error); // prettier-ignore
  });
});

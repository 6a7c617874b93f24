/**
 * Finds images that show nearly nothing, use little of their range, or differ in kind or size from the rest.
 */
import { counted, median, type Subject, suspicion, type Suspicion } from './types.js';

/** Levels of 255; the least in QaTa-COV19 is 79. */
const LEAST_RANGE = 16;
const LEAST_DEVIATION = 2;
/** Brightest level of too few bits: 4,095 of 65,535 is 16 of 255, 16,383 is 64. */
const DARK = { 8: 32, 16: 65 } as const;
const EXCEPTION = 0.2;
const LEAST_CASES = 5;
const OTHER_SIZE = 4;

export function imageSuspicions(subjects: readonly Subject[]): Suspicion[] {
  return [...blankOrDark(subjects), ...mixed(subjects), ...sizes(subjects)];
}

export function isBlank(subject: Subject): boolean {
  const { grey8 } = subject.measure;
  return !isDark(subject) && (grey8.max - grey8.min < LEAST_RANGE || grey8.sd < LEAST_DEVIATION);
}

function isDark({ measure: { grey8, bits } }: Subject): boolean {
  return grey8.max - grey8.min > 1 && grey8.max <= DARK[bits === 16 ? 16 : 8];
}

function blankOrDark(subjects: readonly Subject[]): Suspicion[] {
  const blank = subjects.filter(isBlank);
  const dark = subjects.filter(isDark);
  const found: Suspicion[] = [];
  if (blank.length > 0) {
    found.push(
      suspicion(
        'IMAGES_BLANK',
        `${counted(blank.length, 'image has', 'images have')} one value or next to no contrast`,
        blank.map(({ split, id, measure: { grey8 } }) => ({
          split,
          id,
          why: grey8.min === grey8.max ? `all ${grey8.min}` : `${grey8.min} to ${grey8.max} of 255`,
        })),
      ),
    );
  }
  if (dark.length > 0) {
    found.push(
      suspicion(
        'IMAGES_DARK',
        `${counted(dark.length, 'image uses', 'images use')} only the darkest part of the range, as 12 bits in 16 or a wrong export do`,
        dark.map(({ split, id, measure: { grey8, bits } }) => ({
          split,
          id,
          why: `${bits} bits, brightest ${((100 * grey8.max) / 255).toFixed(1)} %`,
        })),
      ),
    );
  }
  return found;
}

function mixed(subjects: readonly Subject[]): Suspicion[] {
  const grey = subjects.filter(({ measure }) => measure.grey);
  const colour = subjects.filter(({ measure }) => !measure.grey);
  const [few, many, kind] = grey.length < colour.length ? [grey, colour, 'grey'] : [colour, grey, 'coloured'];
  if (few.length === 0 || subjects.length < LEAST_CASES || few.length > EXCEPTION * subjects.length)
    return [];
  return [
    suspicion(
      'IMAGES_MIXED',
      `${counted(few.length, 'image is', 'images are')} ${kind} among ${many.length} that are not`,
      few.map(({ split, id }) => ({ split, id })),
    ),
  ];
}

function sizes(subjects: readonly Subject[]): Suspicion[] {
  if (subjects.length < LEAST_CASES) return [];
  const side = ({ measure }: Subject): number => Math.sqrt(measure.width * measure.height);
  const shape = ({ measure }: Subject): number => measure.width / measure.height;
  const [usualSide, usualShape] = [median(subjects.map(side)), median(subjects.map(shape))];
  const apart = (a: number, b: number): number => Math.max(a / b, b / a);
  const odd = subjects.filter(
    (one) => apart(side(one), usualSide) >= OTHER_SIZE || apart(shape(one), usualShape) >= OTHER_SIZE / 2,
  );
  if (odd.length === 0 || odd.length > EXCEPTION * subjects.length) return [];
  return [
    suspicion(
      'IMAGES_SIZES_DIFFER',
      `${counted(odd.length, 'image has', 'images have')} another size or shape than the rest, whose side is ${Math.round(usualSide)} pixels in the middle`,
      odd.map(({ split, id, measure }) => ({ split, id, why: `${measure.width}x${measure.height}` })),
    ),
  ];
}

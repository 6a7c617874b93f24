/**
 * Compares notes in LViT's grammar with their masks: number of areas, sides, heights, empty masks. One
 * disagreement is suspicious if other notes agree; if hardly any agree, notes may be shifted, or none fit.
 * The set shows whose sides its notes mean.
 */
import {
  countZones,
  inferSides,
  mirrorZones,
  namedZones,
  oneSideNamed,
  meaningOf,
  type ParsedNote,
  tallySides,
} from '@reclmis/core';
import { THUMB as S } from '../measure/thumbnail.js';
import { counted, type Subject, suspicion, type Suspicion } from './types.js';
import { ZONES_OF_IMAGE } from './zones.js';

const LEAST_CASES = 10;
/** Below this, areas that notes count separately often touch. */
const SMALL = 192;
const LEAST_SIDE = 64;
/** Share that must agree before a single case is suspicious. */
const CUSTOM = 0.8;
/** The most on the named side; 1,585 of QaTa-COV19's 1,596 masks have more than a third there. */
const WRONG_SIDE = 0.05;
/** The most in the named half, with a tenth of the height to spare. */
const WRONG_HEIGHT = 0.02;
const SPARE = 0.1;
/** Neighbours whose notes a case may have, and others for chance. */
const SHIFTS = [1, -1, 2, -2];
const CHANCE = [3, 5, 7, 11, 13];
/** t of a paired comparison: beyond chance, and too little for any relation. */
const CLEAR = 5;
const UNRELATED = 2;
const GAIN = 0.1;
const LEAST_RELATED = 30;

export const DENIES =
  /^\s*(?:no|without|kein[e]?|sans|sin)\s+(?:\p{L}+\s+){0,3}(?:infections?|pneumonia|findings?|lesions?|opacit(?:y|ies)|abnormalit(?:y|ies)|infected)\b/iu;

interface Read {
  readonly subject: Subject;
  readonly note: ParsedNote;
  readonly zones: number | null;
  /** Shares of the mask, by the image's sides. */
  readonly left: number;
  readonly byZone: Float64Array;
}

export function agreementSuspicions(subjects: readonly Subject[]): Suspicion[] {
  const read = subjects.map(readCase);
  return [...emptiness(read), ...shifted(read), ...numbers(read), ...sides(read), ...heights(read)];
}

function readCase(subject: Subject): Read {
  const note = meaningOf(subject.note);
  const byZone = new Float64Array(64);
  let [left, total] = [0, 0];
  for (const [p, value] of subject.measure.shape.entries()) {
    if (value === 0) continue;
    total += value;
    if (p % S < S / 2) left += value;
    const zone = ZONES_OF_IMAGE[p] as number;
    byZone[zone] = (byZone[zone] as number) + value;
  }
  for (let zone = 0; zone < byZone.length; zone++) byZone[zone] = (byZone[zone] as number) / (total || 1);
  return { subject, note, zones: namedZones(note), left: left / (total || 1), byZone };
}

const isEmpty = ({ subject }: Read): boolean => subject.measure.foreground === 0;

function emptiness(read: readonly Read[]): Suspicion[] {
  const names = ({ note }: Read): boolean => (note.count ?? 0) > 0 || note.places.length > 0;
  const denies = ({ note, subject }: Read): boolean =>
    note.count === 0 || (DENIES.test(subject.note) && note.places.length === 0);
  const lacking = read.filter((one) => isEmpty(one) && names(one) && !denies(one));
  const denied = read.filter((one) => !isEmpty(one) && denies(one));
  return [
    ...(lacking.length === 0 ? [] : [suspicion('MASKS_LACK_AREAS', `${counted(lacking.length, 'mask is empty, though its note names', 'masks are empty, though their notes name')} areas or places`, lacking.map(place))]), // prettier-ignore
    ...(denied.length === 0 ? [] : [suspicion('NOTES_DENY_AREAS', `${counted(denied.length, 'note says', 'notes say')} that there is nothing, though the mask is not empty`, denied.map(place))]), // prettier-ignore
  ];
}

const place = ({ subject: { split, id } }: Read): { split: Subject['split']; id: string } => ({ split, id });

/** Counts all areas, or those without specks. */
function numberFits({ count }: ParsedNote, { subject: { measure } }: Read): boolean {
  return count === measure.areas || count === measure.largeAreas;
}

/** One area less than noted, in a small picture. */
function mayHaveMerged({ note, subject: { measure } }: Read): boolean {
  return note.count === measure.areas + 1 && Math.min(measure.width, measure.height) < SMALL;
}

function numbers(read: readonly Read[]): Suspicion[] {
  const stating = read.filter(
    (one) =>
      (one.note.count ?? 0) > 0 &&
      !isEmpty(one) &&
      Math.min(one.subject.measure.width, one.subject.measure.height) >= LEAST_SIDE,
  );
  const odd = stating.filter((one) => !numberFits(one.note, one) && !mayHaveMerged(one));
  if (stating.length < LEAST_CASES || odd.length === 0 || odd.length > (1 - CUSTOM) * stating.length)
    return [];
  return [
    suspicion(
      'NOTES_COUNT_DIFFERS',
      `${counted(odd.length, 'note states', 'notes state')} another number of areas than the mask has (of ${stating.length} that state one)`,
      odd.map((one) => ({
        ...place(one),
        why: `note ${one.note.count ?? 0}, mask ${one.subject.measure.areas}`,
      })),
    ),
  ];
}

/** Finds disagreements on sides, if the set's convention is clear (core's `inferSides`). */
function sides(read: readonly Read[]): Suspicion[] {
  const { sides: convention, reason } = inferSides(tallySides(read.map(({ subject }) => subject.measure.sides))); // prettier-ignore
  if (convention === 'unknown') return [];
  const odd = read.flatMap((one) => {
    const side = isEmpty(one) ? null : oneSideNamed(one.subject.note);
    if (side === null) return [];
    const onLeft = (side === 'left') === (convention === 'image');
    return (onLeft ? one.left : 1 - one.left) <= WRONG_SIDE ? [{ ...place(one), why: `note ${side}` }] : [];
  });
  if (odd.length === 0) return [];
  return [
    suspicion(
      'NOTES_PLACE_DIFFERS',
      `${counted(odd.length, 'note names', 'notes name')} the side on which the mask is not (${reason})`,
      odd,
    ),
  ];
}

function heights(read: readonly Read[]): Suspicion[] {
  const of = (zone: 'upper' | 'lower'): Read[] =>
    read.filter(
      (one) =>
        !isEmpty(one) &&
        one.note.places.length > 0 &&
        one.note.places.every(({ zones }) => zones.length === 1 && zones[0] === zone),
    );
  const [upper, lower] = [of('upper'), of('lower')];
  const below = (one: Read, line: number): number => shareBelow(one.subject.measure.shape, line);
  const odd = [
    ...upper.filter((one) => 1 - below(one, 0.5 + SPARE) <= WRONG_HEIGHT),
    ...lower.filter((one) => below(one, 1 / 3) <= WRONG_HEIGHT),
  ];
  const all = upper.length + lower.length;
  if (all < LEAST_CASES || odd.length === 0) return [];
  const whole = odd.length > all / 2 ? ', as if all images or masks were upside down' : '';
  return [
    suspicion(
      'NOTES_PLACE_DIFFERS',
      `${counted(odd.length, 'note names', 'notes name')} a height at which the mask is not${whole}`,
      odd.map((one) => ({ ...place(one), why: `note ${upper.includes(one) ? 'upper' : 'lower'}` })),
    ),
  ];
}

function shareBelow(shape: Uint8Array, line: number): number {
  let [below, total] = [0, 0];
  for (const [p, value] of shape.entries()) {
    total += value;
    if (Math.floor(p / S) + 0.5 > line * S) below += value;
  }
  return total === 0 ? 0 : below / total;
}

/** 0 to 1: the number, and the mask's share in the named zones. */
function fitOf(note: Read, mask: Read, patient: boolean): number {
  const parts: number[] = [];
  if (note.note.count !== null) parts.push(numberFits(note.note, mask) ? 1 : 0);
  if (note.zones !== null) {
    const named = patient ? mirrorZones(note.zones) : note.zones;
    let inside = 0;
    for (const [zone, share] of mask.byZone.entries()) if ((zone & named) !== 0) inside += share;
    // The more zones a note names, the less it says; six say nothing.
    parts.push(inside - 0.5 * (countZones(named) / 6));
  }
  return parts.reduce((a, b) => a + b, 0) / parts.length;
}

function shifted(read: readonly Read[]): Suspicion[] {
  const told = read.filter((one) => !isEmpty(one) && (one.note.count !== null || one.zones !== null));
  if (told.length < LEAST_CASES || told.length < read.length / 2) return [];
  if (new Set(told.map(({ note, zones }) => `${note.count ?? ''} ${zones ?? ''}`)).size < 3) return [];
  const results = [false, true].map((patient) => {
    const own = told.map((one) => fitOf(one, one, patient));
    const at = (shift: number): { t: number; gain: number } => {
      const gains = told.flatMap((mask, i) => {
        const note = told[i + shift];
        return note?.subject.split === mask.subject.split ? [fitOf(note, mask, patient) - (own[i] as number)] : []; // prettier-ignore
      });
      return pairedT(gains);
    };
    return { own: own.reduce((a, b) => a + b, 0), at };
  });
  const { at } = results.reduce((a, b) => (b.own > a.own ? b : a));
  const { at: other } = results.reduce((a, b) => (b.own > a.own ? a : b));
  const shift = [at, other]
    .flatMap((by) => SHIFTS.map((n) => ({ n, ...by(n) })))
    .filter(({ t, gain }) => t > CLEAR && gain > GAIN)
    .sort((a, b) => b.t - a.t)[0];
  if (shift !== undefined) {
    const places = told.map(place);
    return [
      suspicion(
        'PAIRS_SHIFTED',
        `notes look like those of other cases: of the masks ${Math.abs(shift.n)} ${shift.n > 0 ? 'before' : 'after'} in the order of names`,
        places,
      ),
    ];
  }
  const chance = CHANCE.map((n) => -Math.max(-at(n).t, -other(n).t));
  const related = chance.some((t) => t < -UNRELATED);
  if (told.length < LEAST_RELATED || related) return [];
  return [
    suspicion(
      'NOTES_UNRELATED',
      `the notes of ${told.length} cases fit their masks no better than other cases’ notes do`,
      told.map(place),
    ),
  ];
}

function pairedT(gains: readonly number[]): { t: number; gain: number } {
  const n = gains.length;
  if (n < 2) return { t: 0, gain: 0 };
  const gain = gains.reduce((a, b) => a + b, 0) / n;
  const spread = gains.reduce((sum, value) => sum + (value - gain) ** 2, 0) / (n - 1);
  return { t: spread === 0 ? 0 : gain / Math.sqrt(spread / n), gain };
}

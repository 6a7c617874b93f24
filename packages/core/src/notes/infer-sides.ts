/**
 * Infers whose left and right notes mean from where the masks are: "left lung" fits the patient's if most of
 * the mask is in the image's right half. Only notes that name one side count.
 */
import { meaningOf } from './note-meaning.js';
import type { Vocabulary } from './reader/index.js';
import type { Mask } from '../images/raster.js';
import { type StatedSides, whoseSides } from './sides.js';
import type { Warning } from '../warnings.js';
import { namedZones, type Sides } from './zone-map.js';

/** Notes that fit each convention. */
export type SidesTally = Readonly<Record<Sides, number>>;

export interface InferredSides {
  readonly sides: StatedSides;
  /** Notes that name one side, by fitting convention. */
  readonly tally: SidesTally;
  /** The figure behind it, a sentence without full stop. */
  readonly reason: string;
  /** Many notes fit either convention: some notes or masks are wrong. */
  readonly mixed: boolean;
}

const LEAST_SHARE = 0.8;
/** Against a fair coin: seven of seven notes pass, six of six do not. */
const BY_CHANCE = 0.01;
const WORTH_WARNING = 20;
const DENSE = /^(?:high|higher|highest|dense|denser|densest)$/u;

/**
 * The only side that a note names; null for none or both. A sparse part of an image says nothing about the
 * mask's place.
 * @param vocabulary the note's; default: LViT's grammar, and free text about lungs
 */
export function oneSideNamed(note: string, vocabulary: Vocabulary | null = null): 'left' | 'right' | null {
  const parsed = meaningOf(note, vocabulary);
  const zones = namedZones(parsed);
  if (zones !== null) return zones >> 3 === 0 ? 'left' : (zones & 0b111) === 0 ? 'right' : null;
  const sides = new Set(
    parsed.nuclei.map((one) =>
      one.kind === 'density' && DENSE.test(one.level) ? (one.where?.side ?? null) : null,
    ),
  );
  const [only] = sides;
  return sides.size === 1 ? (only ?? null) : null;
}

export function sideOfMask({ width, data }: Mask): 'left' | 'right' | null {
  let [all, onLeft] = [0, 0]; // doubled: a middle column counts half on each side
  for (let p = 0; p < data.length; p++) {
    if (data[p] === 0) continue;
    const x = 2 * (p % width) + 1;
    all += 2;
    onLeft += x < width ? 2 : x === width ? 1 : 0;
  }
  return 2 * onLeft > all ? 'left' : 2 * onLeft < all ? 'right' : null;
}

/** @param vocabulary as for `oneSideNamed` */
export function sidesOfCase(note: string, mask: Mask, vocabulary: Vocabulary | null = null): Sides | null {
  const named = oneSideNamed(note, vocabulary);
  const side = named === null ? null : sideOfMask(mask);
  return side === null ? null : side === named ? 'image' : 'patient';
}

export function tallySides(cases: Iterable<Sides | null>): SidesTally {
  const tally = { patient: 0, image: 0 };
  for (const one of cases) if (one !== null) tally[one]++;
  return tally;
}

/** Decides if four in five notes agree and a fair coin would do so less than once in a hundred times. */
export function inferSides(tally: SidesTally): InferredSides {
  const { patient, image } = tally;
  const count = patient + image;
  const likely: Sides = image > patient ? 'image' : 'patient';
  const most = tally[likely];
  const clear = count > 0 && most >= LEAST_SHARE * count && tailOfCoin(most, count) < BY_CHANCE;
  const sides = clear ? likely : 'unknown';
  const whose = likely === 'image' ? 'the image’s' : 'the patient’s';
  const n = (value: number): string => value.toLocaleString('en');
  const figure = `${n(most)} of ${n(count)} ${count === 1 ? 'note that names one side fits' : 'notes that name one side fit'} ${whose} left and right`;
  const reason =
    count === 0
      ? 'no note names only one side'
      : clear
        ? figure
        : `${figure}, which is ${most >= LEAST_SHARE * count ? 'too few' : 'too close to half'} to tell`;
  return { sides, tally, reason, mixed: !clear && count >= WORTH_WARNING };
}

/** "1,056 of 1,065 notes that name one side fit the image’s left and right: note.sides image". */
export function describeSides({ sides, reason }: InferredSides): string {
  return `${reason}: note.sides ${sides}`;
}

export function sidesWarnings(inferred: InferredSides, stated: StatedSides = 'unknown'): Warning[] {
  const { sides, reason, mixed } = inferred;
  if (mixed) return [{ code: 'SIDES_UNCLEAR', message: `left and right of the notes: ${reason}` }];
  if (stated === 'unknown' || sides === 'unknown' || sides === stated) return [];
  return [
    {
      code: 'SIDES_DIFFER',
      message: `left and right of the notes are stated to be ${whoseSides(stated)}, but ${reason}`,
    },
  ];
}

function tailOfCoin(most: number, count: number): number {
  let term = -count * Math.LN2; // log probability of 0 heads
  let sum = most === 0 ? Math.exp(term) : 0;
  for (let heads = 1; heads <= count; heads++) {
    term += Math.log((count - heads + 1) / heads);
    if (heads >= most) sum += Math.exp(term);
  }
  return sum;
}

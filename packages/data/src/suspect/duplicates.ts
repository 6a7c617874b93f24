/**
 * Finds pictures that occur twice: the same pixels, or nearly (`alike.ts`), upright, mirrored or turned.
 * Across splits they flatter a test; within one, they may contradict each other. Blank images are reported
 * elsewhere.
 */
import { meaningOf, mirroredNote, namedZones, wordsOf } from '@reclmis/core';
import { nearlyAlike, type Pair, turnedPicture } from './alike.js';
import { isBlank } from './images.js';
import { TURN_WORDS } from './turns.js';
import { counted, type SuspectCase, type Subject, suspicion, type Suspicion } from './types.js';

const DIFFERENT_MASKS = 0.6;
const SAME_MASKS = 0.95;

/** Pairs of copies; if more than two have the same pixels, each with the first. */
export function duplicatePairs(subjects: readonly Subject[]): Pair[] {
  const exact = new Map<string, Subject[]>();
  const shared = new Set<string>();
  for (const one of subjects) {
    // An image may have several cases in its split.
    const image = `${one.split} ${one.imageId ?? one.id}`;
    if (isBlank(one) || shared.has(image)) continue;
    if (one.imageId !== undefined) shared.add(image);
    const group = exact.get(one.measure.hash);
    if (group) group.push(one);
    else exact.set(one.measure.hash, [one]);
  }
  const pairs = [...exact.values()].flatMap(
    (group) =>
    group.slice(1).map((b): Pair => ({ a: group.find(({ split }) => split !== b.split) ?? (group[0] as Subject), b, turn: null })), // prettier-ignore
  );
  return [...pairs, ...nearlyAlike([...exact.values()].map(([first]) => first as Subject))];
}

export function duplicateSuspicions(pairs: readonly Pair[]): Suspicion[] {
  const found: Suspicion[] = [];
  const across: SuspectCase[] = [];
  const differ: SuspectCase[] = [];
  for (const one of pairs) {
    const { a, b, turn } = one;
    const pair = { split: a.split, id: a.id, other: { split: b.split, id: b.id } };
    const how =
      a.measure.hash === b.measure.hash ? 'the same pixels' : turn === null ? null : TURN_WORDS[turn];
    if (a.split !== b.split) across.push({ ...pair, ...(how === null ? {} : { why: how }) });
    const why = contradiction(one);
    if (why !== null) differ.push({ ...pair, why });
  }
  if (across.length > 0)
    found.push(
      suspicion(
        'DUPLICATES_ACROSS_SPLITS',
        `${counted(across.length, 'picture is', 'pictures are')} in two splits`,
        across,
      ),
    );
  if (differ.length > 0)
    found.push(
      suspicion(
        'DUPLICATES_DIFFER',
        `${counted(differ.length, 'picture occurs', 'pictures occur')} twice with masks or notes that contradict each other`,
        differ,
      ),
    );
  return found;
}

/** One note with two masks, or one mask with two places. Mirrored pictures need mirrored masks and notes. */
function contradiction({ a, b, turn }: Pair): string | null {
  const dice = diceOf(turnedPicture(a.measure.shape, turn), b.measure.shape);
  const own = turn === 'mirror' ? mirroredNote(a.note) : a.note;
  const turned = turn === null ? '' : `, ${TURN_WORDS[turn]}`;
  const words = (note: string): string => wordsOf(note).join(' ');
  if (dice < DIFFERENT_MASKS && [own ?? a.note, a.note].some((note) => words(note) === words(b.note)))
    return `one note, different masks${turned}`;
  if (turn !== null && turn !== 'mirror') return null; // other turns leave words as no note has them
  if (own === null) return null; // its sides cannot be exchanged, so the places cannot be compared
  const [one, other] = [namedZones(meaningOf(own)), namedZones(meaningOf(b.note))];
  const apart = one !== null && other !== null && (one & other) === 0;
  return apart && dice > SAME_MASKS ? `one mask, notes of different places${turned}` : null;
}

/** 1 for two empty ones. */
function diceOf(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let p = 0; p < a.length; p++) {
    both += Math.min(a[p] as number, b[p] as number);
    sum += (a[p] as number) + (b[p] as number);
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}

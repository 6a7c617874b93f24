/** Places that are named together. */
import type { Side } from '../note.js';
import type { Span } from './free-note.js';
import type { PlainPlace } from './phrases.js';

export interface Placed extends PlainPlace {
  readonly spans: readonly Span[];
  /** A plural without a side ("upper zones"): both, unless a side is named elsewhere. */
  readonly plural?: boolean;
}

export interface PlaceGroup {
  readonly places: readonly Placed[];
  /** Two sides or heights with "or" between them. */
  readonly alternatives: boolean;
  /** Two sides in one place ("right lung, namely the LUL"). */
  readonly contradicts: boolean;
  /** Names the organ only ("lungs"). */
  readonly organ: boolean;
  /** Ends with a noun or a height: "left lung", not "left". */
  readonly closed: boolean;
  readonly whole: boolean;
  readonly unilateral: boolean;
  /** Ends with a bare side other than the one before ("left base (right"). */
  readonly afterthought: boolean;
  /** Two sides with a slash between them ("RLL/LLL"). */
  readonly slashed: boolean;
  /** Ends with a lung after a comma, which a predicate may follow ("left base, right lung ..."). */
  readonly subject: boolean;
  readonly span: Span;
  /** First and last + 1 of the sentence's items. */
  readonly from: number;
  readonly to: number;
}

/** The side named last, for "contralateral" and "ipsilateral". */
export interface SideMemory {
  last: Side | null;
}

/** Names no height, or all. */
export function isWholeSide({ zones }: Placed): boolean {
  return zones.length === 0 || zones.length === 3;
}

/** Whether a free place contains an affected one, or the other way round. */
export function covers(free: Placed, hit: Placed): boolean {
  if (isWholeSide(free)) return true;
  return hit.zones.length > 0 && free.zones.some((zone) => hit.zones.includes(zone));
}

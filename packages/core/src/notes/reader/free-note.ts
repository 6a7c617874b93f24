/** What a reader makes of a free note. */
import type { Warning } from '../../warnings.js';
import type { Side, Zone } from '../note.js';
import type { Extent } from './lexicon.js';

/** A part of the text: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ReadItem<T> {
  readonly value: T;
  readonly span: Span;
  /** The misspelt text behind a mended word. */
  readonly typed?: string;
}

export interface ReadPlace {
  /** Null if none is named. */
  readonly side: Side | null;
  /** Empty if no height is named. */
  readonly zones: readonly Zone[];
  readonly spans: readonly Span[];
}

/** A finding that is present. */
export interface ReadStatement {
  /** In the vocabulary's canonical name. */
  readonly finding: string;
  readonly places: readonly ReadPlace[];
  /** Number of such findings, if stated. */
  readonly count: number | null;
  /** It is about the rest ("otherwise", "elsewhere"). */
  readonly elsewhere: boolean;
}

export interface FreeNote {
  /** Code of the vocabulary's language that fits best. */
  readonly language: string;
  /** Where a finding is said to be. */
  readonly places: readonly ReadPlace[];
  /** Where it is said not to be. */
  readonly absent: readonly ReadPlace[];
  /** Those present, in the vocabulary's canonical names. */
  readonly findings: readonly ReadItem<string>[];
  /** Which of them is where; one that is named once and placed twice may be there twice. */
  readonly statements: readonly ReadStatement[];
  readonly count: ReadItem<number> | null;
  readonly extent: ReadItem<Extent> | null;
  readonly uncertain: ReadItem<true> | null;
  /** Sides of `places`. */
  readonly laterality: 'left' | 'right' | 'bilateral' | null;
  /** What was not understood. */
  readonly unread: readonly Span[];
  /** Whether nothing relevant is unread or in doubt, so that the note can be used as read. */
  readonly complete: boolean;
  /** NOTE_AMBIGUOUS, NOTE_CONTRADICTS, NOTE_WORDS_MENDED, NOTE_PARTLY_READ. */
  readonly warnings: readonly Warning[];
}

/** A note about the same picture in the other convention of left and right. */
export function otherSides(free: FreeNote): FreeNote {
  const places = (list: readonly ReadPlace[]): ReadPlace[] =>
    list.map((place) => ({ ...place, side: otherSide(place.side) }));
  const { laterality } = free;
  return {
    ...free,
    places: places(free.places),
    absent: places(free.absent),
    statements: free.statements.map((one) => ({ ...one, places: places(one.places) })),
    laterality: laterality === 'bilateral' ? laterality : otherSide(laterality),
  };
}

function otherSide(side: Side | null): Side | null {
  return side === null ? null : side === 'left' ? 'right' : 'left';
}

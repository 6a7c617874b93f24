/** The form of the tables from which notes are reworded, one per kind, language and set. */

/** Templates for training and for testing have no sentence, synonym or place form in common. */
export const WORDING_SETS = ['train', 'test'] as const;
export type WordingSet = (typeof WORDING_SETS)[number];

/** Heights of a lung that are named together; `all` is also a lung without heights. */
export const HEIGHTS = [
  'upper',
  'middle',
  'lower',
  'upper middle',
  'middle lower',
  'upper lower',
  'all',
] as const;
export type Heights = (typeof HEIGHTS)[number];

/** For the left and the right. */
export type BySide = readonly [left: string, right: string];

/** Ways to name the places of one side, and of both where the language has a shorter one. */
export interface PlaceForms {
  readonly one: Readonly<Record<Heights, string | BySide>>;
  readonly both?: Readonly<Partial<Record<Heights, string>>>;
}

/** What is found: one, a number of them (`{n}`), or some. */
export interface FindingForms {
  readonly one: readonly string[];
  readonly many: string;
  readonly some: string;
}

/** `{name}` in any text is a form of the side, a place, the finding or a verb. */
export interface Wording {
  readonly sides: Readonly<Record<string, BySide>>;
  readonly places: Readonly<Record<string, readonly PlaceForms[]>>;
  /** Between the places of two sides. */
  readonly and: readonly string[];
  readonly findings: readonly FindingForms[];
  /** From two on; digits beyond. */
  readonly numbers: readonly string[];
  /** By number of the finding. */
  readonly verbs?: Readonly<Record<string, readonly [one: string, many: string]>>;
  readonly sentences: readonly string[];
  /** Further ones if both sides are named. */
  readonly bilateral?: readonly string[];
}

/** Sentences around a finding, by topic; `{s}` is a side without a finding. */
export interface Surroundings {
  readonly before: readonly (readonly string[])[];
  readonly after: readonly (readonly string[])[];
}

/** What is said not to be there. */
export interface Denials {
  /** A whole side. */
  readonly side: readonly string[];
  /** A height of a side that has a finding elsewhere. */
  readonly place: readonly string[];
  readonly heights: Readonly<Record<'upper' | 'middle' | 'lower', string>>;
  /** Where every part of both lungs has a finding. */
  readonly elsewhere: readonly string[];
}

export type BySet<T> = Readonly<Record<WordingSet, T>>;

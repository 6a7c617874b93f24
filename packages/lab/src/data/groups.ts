/**
 * Which cases are of one patient, judging by file names. Cases of one patient resemble each other more than those of two, so folds
 * keep them together and intervals count patients.
 *
 * A pattern is a regular expression whose one capture group is what the names of a patient's images share. Names that it does not fit
 * stand for themselves: each is a patient of its own.
 */
import { ReclmisError } from '@reclmis/core';

/** A convention of naming files that says which of them are one patient's. */
export interface NamePattern {
  readonly name: string;
  readonly pattern: RegExp;
}

/** The conventions that are recognised where no pattern is given. */
export const KNOWN_PATTERNS: readonly NamePattern[] = [
  // QaTa-COV19 as it is distributed with LViT's notes: cxr_s08046-e17352-r2 is subject 8046, session 17352, run 2.
  { name: 'QaTa-COV19', pattern: /^cxr_s(\d+)-e\d+-r\d+$/ },
  // BIDS, which BIMCV's names (and so QaTa-COV19's own) follow: sub-S09345_ses-E17249_run-1.
  { name: 'BIDS', pattern: /^sub-([A-Za-z0-9]+)(?:[_-]|$)/ },
  // Barcodes of The Cancer Genome Atlas, as MoNuSeg's: project, tissue source site, participant.
  { name: 'TCGA', pattern: /^TCGA-([A-Z0-9]{2}-[A-Z0-9]{4})(?:-|$)/ },
];

/** Tells the patient of a case. */
export interface Grouping {
  /** The pattern as it was given; empty: the known ones. */
  readonly pattern: string;
  /** The same text for cases of one patient, different texts for those of two. */
  readonly groupOf: (id: string) => string;
  /** Whether a name says who the patient is. */
  readonly fits: (id: string) => boolean;
}

/**
 * @param pattern a regular expression with one capture group, e.g. `^(.+)_slice\d+$`; empty: the known conventions. `^(.*)$` makes every
 *   case a patient of its own.
 * @throws OPTION_INVALID for anything else.
 */
export function grouping(pattern = ''): Grouping {
  const patterns = pattern === '' ? KNOWN_PATTERNS.map((known) => known.pattern) : [compile(pattern)];
  const captured = (id: string): string | null => {
    for (const one of patterns) {
      const match = one.exec(id);
      if (match?.[1] !== undefined) return match[1];
    }
    return null;
  };
  return {
    pattern,
    groupOf: (id) => {
      const found = captured(id);
      return found === null ? `case ${id}` : `patient ${found}`;
    },
    fits: (id) => captured(id) !== null,
  };
}

/** Throws unless the text is a regular expression with one capture group. */
function compile(pattern: string): RegExp {
  const refuse = (why: string, cause?: unknown): ReclmisError =>
    new ReclmisError('OPTION_INVALID', `group pattern "${pattern}": ${why}`, {
      cause,
      remedy: 'Use a regular expression with one capture group, the patient, e.g. "^(.+)_slice\\d+$".',
    });
  let compiled: RegExp;
  let groups: number;
  try {
    compiled = new RegExp(pattern, 'u');
    groups = (new RegExp(`(?:${pattern})|`, 'u').exec('') ?? []).length - 1; // the empty text always fits this one
  } catch (cause) {
    throw refuse('is not a regular expression', cause);
  }
  if (groups !== 1) throw refuse(`expected one capture group, got ${groups}`);
  return compiled;
}

/** The cases of each patient, in the order of the first of them. */
export function groupCases<T extends { readonly id: string }>(
  cases: readonly T[],
  { groupOf }: Pick<Grouping, 'groupOf'>,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of cases) {
    const group = groupOf(one.id);
    const members = groups.get(group);
    if (members) members.push(one);
    else groups.set(group, [one]);
  }
  return groups;
}

/**
 * Tells patients by what the data set states, or by file names. Folds keep a patient's cases together, and intervals
 * count patients.
 *
 * A pattern's one capture group is what a patient's images share. Other images count as one patient each, whatever
 * number of cases they have, and so do volumes, whatever number of slices.
 */
import { ReclmisError } from '@reclmis/core';

export interface NamePattern {
  readonly name: string;
  readonly pattern: RegExp;
}

export const KNOWN_PATTERNS: readonly NamePattern[] = [
  // As distributed with LViT's notes: cxr_s08046-e17352-r2 is subject 8046, session 17352, run 2.
  { name: 'QaTa-COV19', pattern: /^cxr_s(\d+)-e\d+-r\d+$/ },
  // As in BIMCV's names (and QaTa-COV19's own): sub-S09345_ses-E17249_run-1.
  { name: 'BIDS', pattern: /^sub-([A-Za-z0-9]+)(?:[_-]|$)/ },
  // The Cancer Genome Atlas, as in MoNuSeg: project, tissue source site, participant.
  { name: 'TCGA', pattern: /^TCGA-([A-Z0-9]{2}-[A-Z0-9]{4})(?:-|$)/ },
  // MosMedData+ joins slices of CT studies: Morozov's (study 255, slice 17), Jun's of Coronacases (case 10) and of
  // Radiopaedia (patient 10, whose case 85902 has the series 1 and 3), and Bjørke's single slices.
  { name: 'MosMedData+, Morozov', pattern: /^(Morozov_study_\d+)_\d+$/ },
  { name: 'MosMedData+, Coronacases', pattern: /^Jun_(coronacases_case\d+)_\d+$/ },
  { name: 'MosMedData+, Radiopaedia', pattern: /^Jun_(radiopaedia_\d+)_\d+_\d+_case\d+_\d+$/ },
  { name: 'MosMedData+, Bjørke', pattern: /^(bjorke_\d+)$/ },
];

/** What tells a case's patient. */
export interface Named {
  readonly id: string;
  readonly imageId?: string;
  readonly patient?: string;
  /** Slices of one volume have it in common, and are of one patient. */
  readonly volumeId?: string;
}

export interface Grouping {
  /** Empty: the known ones. */
  readonly pattern: string;
  readonly groupOf: (one: Named) => string;
  /** Whether the data set or the name tells the patient. */
  readonly fits: (one: Named) => boolean;
}

/**
 * @param pattern e.g. `^(.+)_slice\d+$`; empty: what the data set states, else the known conventions; `^(.*)$`: every
 * image its own patient.
 * @throws OPTION_INVALID unless it has one capture group
 */
export function grouping(pattern = ''): Grouping {
  const patterns = pattern === '' ? KNOWN_PATTERNS.map((known) => known.pattern) : [compile(pattern)];
  const captured = ({ id, imageId = id, patient, volumeId }: Named): string | null => {
    if (pattern === '' && patient !== undefined) return patient;
    for (const one of patterns) {
      const match = one.exec(volumeId ?? imageId);
      if (match?.[1] !== undefined) return match[1];
    }
    return volumeId ?? null;
  };
  return {
    pattern,
    groupOf: (one) => {
      const found = captured(one);
      return found === null ? `case ${one.imageId ?? one.id}` : `patient ${found}`;
    },
    fits: (one) => captured(one) !== null,
  };
}

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
    groups = (new RegExp(`(?:${pattern})|`, 'u').exec('') ?? []).length - 1; // this alternative always fits the empty text
  } catch (cause) {
    throw refuse('is not a regular expression', cause);
  }
  if (groups !== 1) throw refuse(`expected one capture group, got ${groups}`);
  return compiled;
}

/** Patients in the order of their first cases. */
export function groupCases<T extends Named>(
  cases: readonly T[],
  { groupOf }: Pick<Grouping, 'groupOf'>,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of cases) {
    const group = groupOf(one);
    const members = groups.get(group);
    if (members) members.push(one);
    else groups.set(group, [one]);
  }
  return groups;
}

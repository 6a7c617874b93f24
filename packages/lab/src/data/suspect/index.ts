/** Finds likely mistakes in a readable data set. */
import { grouping } from '../groups.js';
import { agreementSuspicions } from './agreement.js';
import { displacedSuspicions } from './displaced.js';
import { duplicatePairs, duplicateSuspicions } from './duplicates.js';
import { imageSuspicions } from './images.js';
import { maskSuspicions } from './masks.js';
import { noteSuspicions } from './notes.js';
import { pairSuspicions } from './pairs.js';
import { counted, type Subject, suspicion, type Suspicion } from './types.js';

export { suspicionsSummary } from './summary.js';
export type { Subject, SuspectCase, Suspicion, Turn } from './types.js';

/** @param subjects by split and sorted by id. @throws OPTION_INVALID for a bad pattern */
export function findSuspicions(subjects: readonly Subject[], { group = '' } = {}): Suspicion[] {
  const duplicates = duplicatePairs(subjects);
  const pairs = pairSuspicions(subjects, new Set(duplicates.flatMap(({ a, b, turn }) => (turn === null ? [] : [a, b])))); // prettier-ignore
  return [
    ...maskSuspicions(subjects),
    ...imageSuspicions(subjects),
    ...pairs,
    // Turned or exchanged masks also lie off the edges, in any direction.
    ...(pairs.some(({ code, count }) => code !== 'IMAGES_INVERTED' && 2 * count > subjects.length) ? [] : displacedSuspicions(subjects)), // prettier-ignore
    ...noteSuspicions(subjects),
    ...agreementSuspicions(subjects),
    ...duplicateSuspicions(duplicates),
    ...patients(subjects, group),
  ];
}

function patients(subjects: readonly Subject[], pattern: string): Suspicion[] {
  const { fits, groupOf } = grouping(pattern);
  const byPatient = new Map<string, Subject[]>();
  for (const one of subjects.filter(({ id }) => fits(id))) {
    const own = byPatient.get(groupOf(one.id));
    if (own) own.push(one);
    else byPatient.set(groupOf(one.id), [one]);
  }
  const cases = [...byPatient.values()].flatMap(([first, ...others]) => {
    const other = others.find(({ split }) => split !== first?.split);
    return first === undefined || other === undefined
      ? []
      : [{ split: first.split, id: first.id, other: { split: other.split, id: other.id } }];
  });
  if (cases.length === 0) return [];
  return [
    suspicion(
      'PATIENTS_ACROSS_SPLITS',
      `${counted(cases.length, 'patient is', 'patients are')} in two splits, judging by file names`,
      cases,
    ),
  ];
}

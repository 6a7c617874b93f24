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
  for (const one of subjects.filter((one) => fits(one))) {
    const own = byPatient.get(groupOf(one));
    if (own) own.push(one);
    else byPatient.set(groupOf(one), [one]);
  }
  const cases = [...byPatient.values()].flatMap(([first, ...others]) => {
    const other = others.find(({ split }) => split !== first?.split);
    return first === undefined || other === undefined
      ? []
      : [{ split: first.split, id: first.id, other: { split: other.split, id: other.id } }];
  });
  if (cases.length === 0) return [];
  const tests = subjects.filter(({ split }) => split === 'test');
  const learnt = (one: Subject): boolean =>
    fits(one) && (byPatient.get(groupOf(one)) ?? []).some(({ split }) => split === 'train');
  const seen = tests.filter(learnt).length;
  const share =
    seen === 0 ? '' : ` (${seen} of ${tests.length} test cases are of patients who are also in train)`;
  const stated = subjects.every(({ patient }) => patient !== undefined) ? '' : ', judging by file names';
  return [
    suspicion(
      'PATIENTS_ACROSS_SPLITS',
      `${counted(cases.length, 'patient is', 'patients are')} in two splits${stated}${share}`,
      cases,
    ),
  ];
}

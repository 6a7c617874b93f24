/** Finds odd masks: inverted, empty, with intermediate values or labels; orientation tags on one of two. */
import { LARGEST_LABEL } from '@reclmis/core';
import { SPLITS } from '../types.js';
import { counted, median, placeOf, type Subject, suspicion, type Suspicion } from './types.js';

const ALL = 0.95;
/** An inverted mask covers more than half, including the border, ... */
const MOST = 0.5;
const BORDER = 0.5;
/** ... which others leave free: in MoNuSeg-224, our busiest set, the median mask touches 11 % of it. */
const FREE_BORDER = 0.25;
/** Such a median means that most likely all are inverted. */
const FULL_BORDER = 0.75;
/** Labels are few values; resizing and compression leave many. */
const FEW_VALUES = 16;
const SHARE_IN_AREAS = 0.2;
/** Numbered objects have this share in areas below half; soft edges have next to none. */
const SHARE_LOST = 0.15;

export function maskSuspicions(subjects: readonly Subject[]): Suspicion[] {
  return [
    ...inverted(subjects),
    ...allEmpty(subjects),
    ...labels(subjects),
    ...between(subjects),
    ...tags(subjects),
  ];
}

function inverted(subjects: readonly Subject[]): Suspicion[] {
  const filled = subjects.filter(({ measure }) => measure.foreground > 0);
  const usual = median(filled.map(({ measure }) => measure.border));
  const area = median(filled.map(({ measure }) => measure.foreground));
  const found = filled
    .filter(
      ({ measure: { foreground, border } }) =>
        foreground > ALL ||
        (foreground > MOST &&
          border > BORDER &&
          (usual < FREE_BORDER || (usual > FULL_BORDER && area > MOST))),
    ) // prettier-ignore
    .sort((a, b) => b.measure.foreground - a.measure.foreground);
  if (found.length === 0) return [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const whole = found.length > subjects.length / 2 ? ', so that the whole set looks inverted' : '';
  return [
    suspicion(
      'MASKS_INVERTED',
      `${counted(found.length, 'mask covers', 'masks cover')} nearly everything or all but an area inside, as inverted masks do${whole}`,
      found.map(({ split, id, measure }) => ({ split, id, why: percent(measure.foreground) })),
    ),
  ];
}

function allEmpty(subjects: readonly Subject[]): Suspicion[] {
  const found = SPLITS.flatMap((split) => {
    const own = subjects.filter((one) => one.split === split);
    return own.length > 0 && own.every(({ measure }) => measure.foreground === 0) ? own : [];
  });
  if (found.length === 0) return [];
  const splits = SPLITS.filter((split) => found.some((one) => one.split === split));
  return [suspicion('MASKS_ALL_EMPTY', `all ${found.length} masks of ${splits.join(' and ')} are empty`, found.map(placeOf))]; // prettier-ignore
}

const isLabelled = ({ measure: { values } }: Subject): boolean =>
  values.distinct > 2 &&
  (values.rule === 'labels' ||
    (values.rule === 'half' &&
      values.areasBetween > 0 &&
      (values.distinct <= FEW_VALUES
        ? values.areasBetween >= SHARE_IN_AREAS * values.between
        : values.areasLost >= SHARE_LOST * values.between)));

function labels(subjects: readonly Subject[]): Suspicion[] {
  const found = subjects
    .filter(isLabelled)
    .sort((a, b) => b.measure.values.areasLost - a.measure.values.areasLost);
  if (found.length === 0) return [];
  const halved = found.filter(({ measure }) => measure.values.rule === 'half').length;
  const read =
    halved === 0
      ? 'all of them count as foreground'
      : `in ${halved === found.length ? (halved === 1 ? 'it' : 'all of them') : halved} a label is above ${LARGEST_LABEL}, so that those below half of the highest value count as background`;
  return [
    suspicion(
      'MASKS_WITH_LABELS',
      `${counted(found.length, 'mask holds', 'masks hold')} areas of more than one label, or black with the noise of a JPEG; ${read}`,
      found.map(({ split, id, measure: { values } }) => ({
        split,
        id,
        why: `${values.distinct} values${values.rule === 'half' ? `, below ${values.threshold} background` : ''}`,
      })),
    ),
  ];
}

function between(subjects: readonly Subject[]): Suspicion[] {
  const found = subjects
    .filter((one) => !isLabelled(one) && one.measure.values.rule === 'half' && one.measure.values.between > 0)
    .sort((a, b) => b.measure.values.middle - a.measure.values.middle);
  if (found.length === 0) return [];
  return [
    suspicion(
      'MASKS_BETWEEN',
      `${counted(found.length, 'mask holds', 'masks hold')} values between background and foreground; what is at least half as bright as the foreground counts as such`,
      found.map(({ split, id, measure: { values } }) => ({
        split,
        id,
        why: `${counted(values.between, 'pixel')}, ${values.middle} of them in the middle third`,
      })),
    ),
  ];
}

function tags(subjects: readonly Subject[]): Suspicion[] {
  const found = subjects.filter(({ measure: { orientations } }) => orientations[0] !== orientations[1]);
  if (found.length === 0) return [];
  return [
    suspicion(
      'ORIENTATION_TAGS_DIFFER',
      `${counted(found.length, 'pair has', 'pairs have')} an orientation tag on the image or on the mask alone, which turns the one and not the other`,
      found.map(({ split, id, measure: { orientations } }) => ({
        split,
        id,
        why: `image ${orientations[0]}, mask ${orientations[1]}`,
      })),
    ),
  ];
}

/** From stored values to output units (Hounsfield units, for example): Rescale Slope and Intercept, or a Modality LUT (PS3.3 C.11.1). */
import type { DataSet } from './data-set.js';
import { unreadable } from './faults.js';
import { lookUp, lutOf } from './lut.js';
import { TAG } from './tags.js';

export interface Modality {
  readonly apply: (stored: number) => number;
  /** Output values may be negative. */
  readonly signed: boolean;
  /** Output rises with stored values. */
  readonly rising: boolean;
  /** Null if stored values are output units. */
  readonly step: string | null;
}

/** @param places data sets that may state it, the most specific first. @throws IMAGE_UNREADABLE */
export function modalityOf(places: readonly DataSet[], signed: boolean): Modality {
  const place = places.find(
    (one) => one.has(TAG.rescaleSlope) || one.has(TAG.rescaleIntercept) || one.has(TAG.modalityLut),
  );
  if (place === undefined) return { apply: (stored) => stored, signed, rising: true, step: null };
  const [item] = place.items(TAG.modalityLut);
  if (item !== undefined) {
    const lut = lutOf(item, signed);
    return { apply: (stored) => lookUp(lut, stored), signed: false, rising: false, step: 'modality LUT' };
  }
  const slope = place.has(TAG.rescaleSlope) ? place.decimal(TAG.rescaleSlope) : 1;
  const intercept = place.has(TAG.rescaleIntercept) ? place.decimal(TAG.rescaleIntercept) : 0;
  if (slope === null || intercept === null || slope === 0)
    throw unreadable('Rescale Slope or Intercept is no usable number');
  const unit = place.code(TAG.rescaleType) === 'HU' ? ' HU' : '';
  return {
    apply: (stored) => stored * slope + intercept,
    signed: signed || intercept < 0 || slope < 0,
    rising: slope > 0,
    step: slope === 1 && intercept === 0 ? null : `rescaled by ${slope} x + ${intercept}${unit}`,
  };
}

/** Edits of a mask, applied in place. */
import { drawRegions, encodeRuns, type Mask, maskRuns } from '@reclmis/core';
import type { EditAction } from '../state/edit-action.js';
import { type Point, paintSegment } from './brush.js';
import { type Recorder, replaceBy } from './patch.js';
import { scanPolygon } from './polygon.js';
import { fillHoles, keepLargest } from './repair.js';

/** Sixteenths of a pixel: short as text, and the same after a reload. */
export const rounded = (value: number): number => Math.round(value * 16) / 16;

export function pointsOf(coordinates: readonly number[]): Point[] {
  return Array.from({ length: coordinates.length >> 1 }, (_, i) => ({
    x: coordinates[2 * i]!,
    y: coordinates[2 * i + 1]!,
  }));
}

/** The action that gives a mask its pixels, whatever was there. */
export const maskAction = (mask: Mask): EditAction => ({ kind: 'mask', counts: encodeRuns(maskRuns(mask)) });

/**
 * Applies an edit in place.
 * @param recorder of `mask`. @param model the mask that `model` goes back to, of the same size
 */
export function applyEdit(recorder: Recorder, mask: Mask, model: Mask, action: EditAction): void {
  switch (action.kind) {
    case 'stroke': {
      const points = pointsOf(action.points);
      points.forEach((to, i) => {
        const from = points[Math.max(0, i - 1)]!;
        paintSegment(recorder, from, to, action.radius, action.value, mask.height);
      });
      return;
    }
    case 'polygon':
      scanPolygon([pointsOf(action.points)], mask.height, (y, from, to) =>
        recorder.set(y, from, to, action.value),
      );
      return;
    case 'fill':
      fillHoles(recorder, mask);
      return;
    case 'largest':
      keepLargest(recorder, mask);
      return;
    case 'model':
      replaceBy(recorder, model);
      return;
    case 'mask':
      replaceBy(recorder, drawRegions([{ kind: 'rle', counts: action.counts }], mask.width, mask.height));
  }
}

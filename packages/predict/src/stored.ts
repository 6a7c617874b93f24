/**
 * Brings results of DICOM and NIfTI images back to the pixels as stored: models see the usual display, but a mask must fit
 * the file.
 */
import type { DisplayedFrame } from '@reclmis/clinical';
import type { Raster } from '@reclmis/core';
import type { Segmented } from './outputs.js';

/** `segmented` as stored; `shown` is what was segmented, for pictures. */
export async function asStored(
  segmented: Segmented,
  clinical: DisplayedFrame | undefined,
): Promise<Segmented> {
  if (!clinical || clinical.orientation === 1) return segmented;
  const { storedPlane, storedRaster } = await import('@reclmis/clinical');
  const turned = <R extends Raster>(raster: R): R => storedRaster(raster, clinical);
  const { image, mask, probability, classes } = segmented;
  const plane = (values: Float32Array | null): Float32Array | null =>
    values && storedPlane(values, mask.width, mask.height, clinical);
  return {
    image,
    mask: turned(mask),
    probability: plane(probability),
    ...(classes
      ? {
          classes: {
            labels: { ...classes.labels, ...turned(classes.labels) },
            each: classes.each.map((one) => ({
              ...one,
              mask: turned(one.mask),
              probability: plane(one.probability),
            })),
          },
        }
      : {}),
    shown: segmented,
  };
}

/**
 * Slices as they were segmented, for the files of their series. Without them image and mask are read again once all is
 * segmented, while the model waits.
 */
import type { DisplayedFrame, FrameGeometry, SegSource, VolumeGrid } from '@reclmis/clinical';
import type { Mask } from '@reclmis/core';
import type { Segmented } from './outputs.js';

/** All masks together: 512 slices of 512 x 512. Later ones are read from their files. */
const MOST_BYTES = 128 * 2 ** 20;

/** Where a slice lies. Holds no pixels: there may be many thousands. */
export interface SlicePlace {
  /** From 0. */
  readonly frame: number;
  readonly geometry: FrameGeometry;
  /** Null for NIfTI. */
  readonly dicom: SegSource | null;
  /** Present for slices of a NIfTI volume. */
  readonly grid: VolumeGrid | null;
}

export async function placeOf({ source, frame }: DisplayedFrame): Promise<SlicePlace> {
  const { gridOfNifti, segSourceOf } = await import('@reclmis/clinical');
  const geometry = source.geometryOf(frame);
  return source.format === 'dicom'
    ? { frame, geometry, grid: null, dicom: segSourceOf(source, frame) }
    : { frame, geometry, dicom: null, grid: gridOfNifti(source) };
}

export interface KeptSlice {
  readonly place: SlicePlace;
  /** As stored, one for each segment; null beyond `MOST_BYTES`. */
  readonly masks: readonly Mask[] | null;
}

export class KeptSlices {
  private readonly slices = new Map<string, KeptSlice>();
  private bytes = 0;

  /** @param stored as its files hold it */
  async keep(id: string, clinical: DisplayedFrame, { mask, classes }: Segmented): Promise<void> {
    const masks = classes ? classes.each.map((one) => one.mask) : [mask];
    const bytes = masks.reduce((sum, { data }) => sum + data.length, 0);
    const fits = this.bytes + bytes <= MOST_BYTES;
    if (fits) this.bytes += bytes;
    this.slices.set(id, { place: await placeOf(clinical), masks: fits ? masks : null });
  }

  of(id: string): KeptSlice | undefined {
    return this.slices.get(id);
  }
}

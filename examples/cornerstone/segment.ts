/**
 * A mask as a labelmap segmentation of Cornerstone3D 5 over a stack viewport's image. In OHIF the viewport is
 * `cornerstoneViewportService.getCornerstoneViewport(id)`.
 */
import { cache, imageLoader, type Types } from '@cornerstonejs/core';
import { Enums, segmentation } from '@cornerstonejs/tools';
import type { Model, Segmentation, SegmentOptions } from '@reclmis/runtime';
import { toRgb, writeLabelmap } from './adapter.js';

/**
 * Segments the viewport's image by a note and shows the result.
 * @param sides whose left and right the note means; default as the model has learnt.
 * @returns the segmentation's id (one per image, so another note replaces the mask) and warnings.
 */
export async function segmentViewport(
  model: Model,
  viewport: Types.IStackViewport,
  note: string,
  signal?: AbortSignal,
  sides?: SegmentOptions['sides'],
): Promise<{ readonly id: string; readonly warnings: Segmentation['warnings'] }> {
  const imageId = viewport.getCurrentImageId();
  const image = cache.getImage(imageId);
  if (!image) throw new Error('the viewport shows no image');
  const { mask, warnings } = await model.segment(toRgb(image), note, {
    ...(signal && { signal }),
    ...(sides && { sides }),
  });

  const segmentationId = `reclmis:${imageId}`;
  const labelmapId = `labelmap:${segmentationId}`;
  const isNew = !cache.getImage(labelmapId);
  const labelmap = isNew
    ? imageLoader.createAndCacheDerivedLabelmapImage(imageId, { imageId: labelmapId })
    : cache.getImage(labelmapId);
  if (!labelmap?.voxelManager) throw new Error('the labelmap has no pixels');
  const scalars = Uint8Array.from(labelmap.voxelManager.getScalarData());
  writeLabelmap(scalars, mask);
  labelmap.voxelManager.setFromScalarData(scalars);

  const type = Enums.SegmentationRepresentations.Labelmap;
  if (isNew) {
    segmentation.addSegmentations([
      {
        segmentationId,
        representation: { type, data: { imageIds: [labelmapId] } },
        config: { label: 'RecLMIS', segments: { 1: { segmentIndex: 1, label: note, active: true } } },
      },
    ]);
    segmentation.addLabelmapRepresentationToViewport(viewport.id, [{ segmentationId, type }]);
  }
  segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(segmentationId);
  return { id: segmentationId, warnings };
}

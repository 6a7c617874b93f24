/**
 * A mask as a labelmap segmentation of Cornerstone3D (5.x; OHIF uses the same services), over the image that a stack viewport shows. The viewer's own tools
 * can correct, measure and save it then.
 */
import { cache, imageLoader, type Types } from '@cornerstonejs/core';
import { Enums, segmentation } from '@cornerstonejs/tools';
import type { Model } from '@reclmis/runtime';
import { toRgb, writeLabelmap } from './adapter.js';

/**
 * Segments the viewport's image by a note and shows the result.
 * @returns the segmentation's id: the image's own, so that another note replaces the mask.
 */
export async function segmentViewport(
  model: Model,
  viewport: Types.IStackViewport,
  note: string,
  signal?: AbortSignal,
): Promise<string> {
  const imageId = viewport.getCurrentImageId();
  const image = cache.getImage(imageId);
  if (!image) throw new Error('the viewport shows no image');
  const { mask } = await model.segment(toRgb(image), note, signal ? { signal } : {});

  const segmentationId = `reclmis:${imageId}`;
  if (!segmentation.state.getSegmentation(segmentationId)) {
    const labelmap = imageLoader.createAndCacheDerivedLabelmapImage(imageId);
    segmentation.addSegmentations([
      {
        segmentationId,
        representation: {
          type: Enums.SegmentationRepresentations.Labelmap,
          data: { imageIds: [labelmap.imageId] },
        },
        config: { label: 'RecLMIS', segments: { 1: { segmentIndex: 1, label: note, active: true } } },
      },
    ]);
    await segmentation.addLabelmapRepresentationToViewport(viewport.id, [{ segmentationId }]);
  }
  const [labelmapId] = segmentation.getLabelmapImageIds(segmentationId);
  const labelmap = labelmapId === undefined ? undefined : cache.getImage(labelmapId);
  if (!labelmap) throw new Error('the labelmap left the cache');
  const scalars = labelmap.voxelManager?.getScalarData() ?? labelmap.getPixelData();
  writeLabelmap(scalars, mask);
  labelmap.voxelManager?.setScalarData?.(scalars);
  segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(segmentationId);
  return segmentationId;
}

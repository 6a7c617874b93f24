/** The image explained last, seen once for several notes; not if a watched module takes part ahead of the note. */
import { sameValues } from '@reclmis/core';
import { keep, nn, scope, type Tensor } from '@reclmis/torch';
import type { ImageFeatures, SegmentationModel } from '../model/segmentation-model.js';

export class SeenImage {
  private last: {
    readonly model: SegmentationModel;
    readonly planes: Float32Array;
    readonly watched: string;
    /** Null if they may not be reused. */
    readonly features: ImageFeatures | null;
  } | null = null;

  /**
   * What `withNote` needs of an image, or null: then the model must see it again.
   * @param planes [3,S,S] of `input` [1,3,S,S] @param watched paths of modules whose calls matter
   */
  featuresOf(
    model: SegmentationModel,
    planes: Float32Array,
    input: Tensor,
    watched: readonly string[],
  ): ImageFeatures | null {
    const { last } = this;
    const all = watched.join('\n');
    if (last?.model === model && last.watched === all && sameValues(last.planes, planes))
      return last.features;
    this.dispose();
    const heard: true[] = [];
    const listen: nn.Tap = () => void heard.push(true);
    const taps = new Map(watched.map((path) => [path, listen]));
    // With the caller's gradient mode: it chooses operators, and parameters ask for none.
    const features = scope(() =>
      nn.withTaps(model, taps, () => model.imageFeatures(input)).map((one) => keep(one.clone())),
    );
    const reusable = heard.length === 0;
    if (!reusable) for (const feature of features) feature.dispose();
    this.last = { model, planes, watched: all, features: reusable ? features : null };
    return this.last.features;
  }

  dispose(): void {
    for (const feature of this.last?.features ?? []) feature.dispose();
    this.last = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

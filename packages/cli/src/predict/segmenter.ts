/**
 * What prediction needs of a model, whichever engine runs it: the trained network of a run folder (libtorch) or an exported model
 * (onnxruntime).
 *
 * B images, S side of the model's input.
 */

/** Images and notes to probabilities. */
export interface PlaneSegmenter {
  /** S. */
  readonly size: number;
  /** A pixel belongs to the mask where its probability is greater than this. Default 0.5. */
  readonly threshold?: number;
  /**
   * Images [B,3,S,S], planes R, G, B in [0, 1], and B notes, to probabilities [B,1,S,S]. Called once at a time; the images are not used
   * afterwards.
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array>;
}

/** Which model made the masks; goes into `run.json`. */
export interface ModelIdentity {
  /** `run`: a run folder on libtorch; `model`: an exported model on onnxruntime. */
  readonly kind: 'run' | 'model';
  /** Name of the run's folder, or what the model's manifest says. */
  readonly name: string;
  /** The files that decide its masks. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
}

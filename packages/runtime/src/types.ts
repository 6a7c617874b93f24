/**
 * What the runtime offers, the same in Node and in the browser.
 *
 * B cases, S side of the model's input, T tokens, W width of the note's features.
 */
import type { Mask, ModelManifest, ResultChecks, RgbImage, Sides, StatedSides, Warning } from '@reclmis/core';

/** Where a model computes. `cuda` needs Node and an NVIDIA device, `webgpu` and `wasm` a browser. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm';

export interface LoadOptions {
  /** Default: `cpu` in Node; `webgpu` in a browser that has it, else `wasm`. */
  readonly device?: Device;
  /**
   * Threads of the processor; default all cores. In a browser those of the page's first model hold for all, and there is one unless `wasmPaths` is given
   * and the page is cross-origin isolated.
   */
  readonly threads?: number;
  /**
   * In a browser: address of a folder of the page's own site with onnxruntime-web's `ort-wasm-simd-threaded*.mjs` and `.wasm` files, as they are in its
   * package. Default: what the bundler has made of them, which has no threads.
   */
  readonly wasmPaths?: string;
  /** Notes whose features are kept; the least recently used leave first. Default 256. */
  readonly noteCache?: number;
  /** Compare the files with the manifest's SHA-256. Default true. */
  readonly verify?: boolean;
  /** Ends the loading. */
  readonly signal?: AbortSignal;
  /** Told of the bytes loaded so far and of all, for progress bars. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** Pixels as a canvas gives them: four bytes each, opacity last; what is not opaque lies over black. An `ImageData` is one. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** An image: pixels of 8 bits; or the bytes of a PNG, JPEG or (in Node) TIFF file; or, in Node, the path or `file:` address of one. */
export type ImageSource = RgbImage | CanvasPixels | Uint8Array | ArrayBuffer | DataView | Blob | URL | string;

export interface SegmentOptions {
  /** Ends the work at the next step that can be ended: waiting, decoding, between the text encoder and the segmenter. */
  readonly signal?: AbortSignal;
  /** In place of the manifest's. */
  readonly threshold?: number;
  /**
   * Whose left and right the note means; default as the model has learnt (`manifest.note.sides`). Where the two differ, the model reads the note with
   * left and right exchanged.
   */
  readonly sides?: Sides;
  /** Largest width x height that is decoded. Default 64 million. */
  readonly maxPixels?: number;
}

/** Milliseconds. Of a batch, the shared phases are those of the whole batch. */
export interface Timings {
  readonly preprocess: number;
  /** 0 where the note's features were known. */
  readonly text: number;
  readonly segment: number;
  readonly postprocess: number;
  readonly total: number;
}

export interface Segmentation {
  /** At the image's own size; 0 and 1. */
  readonly mask: Mask;
  /** At the image's own size, height x width values, 0 to 1. */
  readonly probability: Float32Array;
  /** Width of the image, pixels. */
  readonly width: number;
  readonly height: number;
  /** Why the mask may be wrong although nothing failed: codes of docs/reference/warnings.md, the note's first, then the image's and the mask's. */
  readonly warnings: readonly Warning[];
  /** How the note was read. */
  readonly note: NoteReading;
  readonly timings: Timings;
}

/** How a note was read. */
export interface NoteReading {
  /** Whose left and right it means; `unknown`: neither the caller nor the model says it. */
  readonly sides: StatedSides;
  /** Whether the model read it with left and right exchanged. */
  readonly mirrored: boolean;
}

/** An image with what to segment in it. */
export interface SegmentCase {
  readonly image: ImageSource;
  readonly note: string;
  /** For this case, in place of the options'. */
  readonly sides?: Sides;
}

/** A loaded model. Calls may overlap; they are computed in order. */
export interface Model {
  readonly manifest: ModelManifest;
  readonly device: Device;
  /** What `segment` asks for its warnings; for those who speak tensors. */
  readonly checks: ResultChecks;
  /**
   * The mask of what a note describes.
   * @throws IMAGE_*, NOTE_EMPTY where the model reads notes, INFERENCE_FAILED; the signal's reason when it is aborted.
   */
  segment(image: ImageSource, note: string, options?: SegmentOptions): Promise<Segmentation>;
  /** Several at once, in one run of the network. @throws as `segment` */
  segmentBatch(cases: readonly SegmentCase[], options?: SegmentOptions): Promise<Segmentation[]>;
  /** Features of notes, [B,T,W], also of empty ones; for those who speak tensors. @throws INFERENCE_FAILED */
  encodeNotes(notes: readonly string[]): Promise<Float32Array>;
  /**
   * Features of token ids, [B,T] to [B,T,W]: the text encoder alone, for those whose notes are tokens already.
   * @param tokens ids of the manifest's tokeniser, padded to T. @throws INFERENCE_FAILED
   */
  encodeTokens(tokens: BigInt64Array, count: number): Promise<Float32Array>;
  /**
   * Planes and features to probabilities, for those who speak tensors.
   * @param images [B,3,S,S] in [0,1]. @param notes [B,T,W]; null where the model reads none. @returns [B,1,S,S]
   * @throws INFERENCE_FAILED
   */
  run(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array>;
  /** Frees the sessions; the model cannot be used afterwards. */
  dispose(): Promise<void>;
}

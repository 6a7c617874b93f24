/**
 * The runtime's public types, the same in Node and in the browser.
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
   * CPU threads; default all cores. In a browser the setting of the page's first model applies to all, and there is only
   * one thread unless `wasmPaths` is given and the page is cross-origin isolated.
   */
  readonly threads?: number;
  /**
   * In a browser: URL of a same-origin folder with onnxruntime-web's `ort-wasm-simd-threaded*.mjs` and `.wasm` files.
   * Default: as bundled, without threads.
   */
  readonly wasmPaths?: string;
  /** Number of notes whose features are cached; the least recently used are dropped first. Default 256. */
  readonly noteCache?: number;
  /** Whether to verify the files against the manifest's SHA-256. Default true. */
  readonly verify?: boolean;
  /** Aborts loading. */
  readonly signal?: AbortSignal;
  /** Progress: bytes loaded so far and in total. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** Pixels as from a canvas: four bytes each, opacity last, composited onto black. An `ImageData` is one. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** An image: 8-bit pixels; the bytes of a PNG, JPEG or (in Node) TIFF file; or, in Node, the path or `file:` URL of one. */
export type ImageSource = RgbImage | CanvasPixels | Uint8Array | ArrayBuffer | DataView | Blob | URL | string;

export interface SegmentOptions {
  /** Aborts at the next opportunity: while waiting, decoding, or between text encoder and segmenter. */
  readonly signal?: AbortSignal;
  /** Overrides the manifest's. */
  readonly threshold?: number;
  /**
   * Whose left and right the note means; default: as the model has learnt (`manifest.note.sides`). If they differ, left
   * and right are swapped before the model reads the note.
   */
  readonly sides?: Sides;
  /** Largest width x height to decode. Default 64 million. */
  readonly maxPixels?: number;
}

/** Durations in milliseconds. In a batch, shared phases are those of the whole batch. */
export interface Timings {
  readonly preprocess: number;
  /** 0 if the note's features were cached. */
  readonly text: number;
  readonly segment: number;
  readonly postprocess: number;
  readonly total: number;
}

export interface Segmentation {
  /** Mask at the image's size; 0 and 1. */
  readonly mask: Mask;
  /** Probabilities at the image's size, height x width values, 0 to 1. */
  readonly probability: Float32Array;
  /** Width of the image, pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * Reasons why the mask may be wrong although nothing failed: codes of docs/reference/warnings.md, first about the
   * note, then the image, then the mask.
   */
  readonly warnings: readonly Warning[];
  readonly note: NoteReading;
  readonly timings: Timings;
}

/** How a note was read. */
export interface NoteReading {
  /** Whose left and right it means; `unknown` if neither the caller nor the model states it. */
  readonly sides: StatedSides;
  /** Whether left and right were swapped for the model. */
  readonly mirrored: boolean;
}

/** An image and what to segment in it. */
export interface SegmentCase {
  readonly image: ImageSource;
  readonly note: string;
  /** Overrides the options' threshold for this case. */
  readonly sides?: Sides;
}

/** A loaded model. Calls may overlap; they are computed in order. */
export interface Model {
  readonly manifest: ModelManifest;
  readonly device: Device;
  /** The checks behind `segment`'s warnings, for callers that work with tensors. */
  readonly checks: ResultChecks;
  /**
   * Segments what a note describes.
   * @throws IMAGE_*, NOTE_EMPTY if the model reads notes, INFERENCE_FAILED; the signal's reason when aborted.
   */
  segment(image: ImageSource, note: string, options?: SegmentOptions): Promise<Segmentation>;
  /** Segments several cases in one run of the network. @throws as `segment` */
  segmentBatch(cases: readonly SegmentCase[], options?: SegmentOptions): Promise<Segmentation[]>;
  /** Features of notes, [B,T,W], also of empty ones, for callers that work with tensors. @throws INFERENCE_FAILED */
  encodeNotes(notes: readonly string[]): Promise<Float32Array>;
  /**
   * Runs only the text encoder: token ids [B,T] to features [B,T,W].
   * @param tokens ids of the manifest's tokeniser, padded to T. @throws INFERENCE_FAILED
   */
  encodeTokens(tokens: BigInt64Array, count: number): Promise<Float32Array>;
  /**
   * Runs only the segmenter: images and features to probabilities.
   * @param images [B,3,S,S] in [0,1]. @param notes [B,T,W]; null if the model reads none. @returns [B,1,S,S]
   * @throws INFERENCE_FAILED
   */
  run(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array>;
  /** Frees the sessions; the model cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** The runtime's public types. B cases, S side of the model's input, T tokens, W width of the note's features. */
import type {
  FreeNote,
  Mask,
  ModelManifest,
  NoteStyle,
  ResultChecks,
  RgbImage,
  Sides,
  StatedSides,
  Vocabulary,
  Warning,
} from '@reclmis/core';

/** `cuda` needs Node and an NVIDIA device, `webgpu` and `wasm` a browser. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm';

export interface LoadOptions {
  /** Default: `cpu` in Node; in a browser `webgpu` if available, else `wasm`. */
  readonly device?: Device;
  /**
   * CPU threads; default all cores. In a browser the first model's value applies to all, and threads need
   * `wasmPaths` and a cross-origin isolated page.
   */
  readonly threads?: number;
  /**
   * In a browser: URL of a same-origin folder with onnxruntime-web's `ort-wasm-simd-threaded*.mjs` and
   * `.wasm` files. Default: as bundled, without threads.
   */
  readonly wasmPaths?: string;
  /** Cached notes, least recently used dropped first. Default 256. */
  readonly noteCache?: number;
  /** How notes are read and put into the model's words; default: as the manifest states. */
  readonly vocabulary?: Vocabulary;
  /** Check files against the manifest's SHA-256. Default true. */
  readonly verify?: boolean;
  /** Aborts loading. */
  readonly signal?: AbortSignal;
  /** Called with bytes loaded and total. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** Pixels as from a canvas, such as `ImageData`: four bytes each, opacity last, composited onto black. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** 8-bit pixels; the bytes of a PNG, JPEG or (in Node) TIFF file; in Node also a path or `file:` URL. */
export type ImageSource = RgbImage | CanvasPixels | Uint8Array | ArrayBuffer | DataView | Blob | URL | string;

export interface SegmentOptions {
  /** Aborts at the next chance: waiting, decoding, or between the two networks. */
  readonly signal?: AbortSignal;
  /** Overrides the manifest's. */
  readonly threshold?: number;
  /**
   * Whose left and right the note means; default: as the model has learnt (`manifest.note.sides`). They are
   * swapped for the model if needed.
   */
  readonly sides?: Sides;
  /**
   * `free`: free text is put into the model's words if it is understood; `as-is`: never. Default: `free` if
   * the grammar of the model's training notes is known (`manifest.note.grammar`).
   */
  readonly noteStyle?: NoteStyle;
  /** Width x height to decode, at most. Default 64 million. */
  readonly maxPixels?: number;
}

/** Milliseconds. In a batch, shared phases are the whole batch's. */
export interface Timings {
  readonly preprocess: number;
  /** 0 if the features were cached. */
  readonly text: number;
  readonly segment: number;
  readonly postprocess: number;
  readonly total: number;
}

export interface Segmentation {
  /** At the image's size; 0 and 1. */
  readonly mask: Mask;
  /** At the image's size, height x width values, 0 to 1. */
  readonly probability: Float32Array;
  /** Pixels, as the image. */
  readonly width: number;
  readonly height: number;
  /**
   * Why the mask may be wrong although nothing failed (docs/reference/warnings.md): about the note, the
   * image, then the mask.
   */
  readonly warnings: readonly Warning[];
  readonly note: NoteReading;
  readonly timings: Timings;
}

export interface NoteReading {
  /** Whose left and right it means; `unknown` if neither caller nor model says. */
  readonly sides: StatedSides;
  /** Left and right were swapped for the model. */
  readonly mirrored: boolean;
  /** `free` if it was put into the model's words. */
  readonly style: NoteStyle;
  /** What the model was given; empty if it reads no notes. */
  readonly sent: string;
  /** How free text was read; null if it was not read: as-is, or in the model's words already. */
  readonly read: FreeNote | null;
}

export interface SegmentCase {
  readonly image: ImageSource;
  readonly note: string;
  /** Overrides the options'. */
  readonly sides?: Sides;
  /** Overrides the options'. */
  readonly noteStyle?: NoteStyle;
}

/** Calls may overlap; they are computed in order. */
export interface Model {
  readonly manifest: ModelManifest;
  readonly device: Device;
  /** Behind `segment`'s warnings, for callers that work with tensors. */
  readonly checks: ResultChecks;
  /**
   * Segments what a note describes.
   * @throws IMAGE_*, NOTE_EMPTY if the model reads notes, INFERENCE_FAILED; the signal's reason
   */
  segment(image: ImageSource, note: string, options?: SegmentOptions): Promise<Segmentation>;
  /** In one run of the network. @throws as `segment` */
  segmentBatch(cases: readonly SegmentCase[], options?: SegmentOptions): Promise<Segmentation[]>;
  /** [B,T,W], for empty notes too. @throws INFERENCE_FAILED */
  encodeNotes(notes: readonly string[]): Promise<Float32Array>;
  /**
   * Only the text encoder: ids [B,T] -> features [B,T,W].
   * @param tokens of the manifest's tokeniser, padded to T. @throws INFERENCE_FAILED
   */
  encodeTokens(tokens: BigInt64Array, count: number): Promise<Float32Array>;
  /**
   * Only the segmenter.
   * @param images [B,3,S,S] in [0,1]. @param notes [B,T,W]; null if the model reads none. @returns
   * probabilities [B,1,S,S] @throws INFERENCE_FAILED
   */
  run(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array>;
  /** Frees the model, which cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** The runtime's public types. B cases, S side of the model's input, T tokens, W width of the note's features. */
import type { DisplayedFrame } from '@reclmis/clinical';
import type {
  Confidence,
  ClassEntries,
  FreeNote,
  HubOrigin,
  Interest,
  LabelMap,
  Mask,
  ModelManifest,
  NoteStyle,
  ResultChecks,
  Rgb,
  RgbImage,
  Sides,
  StatedSides,
  Vocabulary,
  Warning,
  WindowChoice,
  ReclmisError,
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
  /**
   * Most bytes that are kept of images already seen, so that a further note about one costs less: their features, with
   * the images at the model's size. The least recently used goes first. 0: none. Default 256 MiB.
   */
  readonly featureBytes?: number;
  /** How notes are read and put into the model's words; default: as the manifest states. */
  readonly vocabulary?: Vocabulary;
  /** Check files against the manifest's SHA-256. Default true. */
  readonly verify?: boolean;
  /**
   * In a browser: keep the model's files in its cache, by their SHA-256, so that the next visit loads them without the
   * network. At most 1 GiB, the oldest go first. Default false.
   */
  readonly cache?: boolean;
  /**
   * In a browser: address of the model for WebAssembly, such as an int8 export where the first one is fp16 for WebGPU.
   * Default: the same model.
   */
  readonly wasmModel?: string | URL;
  /**
   * In a browser: called when WebGPU does not work, or stops, and WebAssembly goes on. `model.device` is then `wasm`.
   */
  readonly onFallback?: (why: ReclmisError) => void;
  /** For `hf:` addresses: the hub, or a mirror of it. Default Hugging Face; in Node `HF_ENDPOINT` if it is set. */
  readonly hubUrl?: string;
  /** For `hf:` addresses, in Node: use only the cache. Default: as `RECLMIS_OFFLINE` and `HF_HUB_OFFLINE` say. */
  readonly offline?: boolean;
  /** Aborts loading. */
  readonly signal?: AbortSignal;
  /** Called with bytes loaded and total; in Node a model from a hub is fetched before. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** Pixels as from a canvas, such as `ImageData`: four bytes each, opacity last, composited onto black. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** 8-bit pixels; the bytes of a PNG, JPEG, DICOM, NIfTI or (in Node) TIFF file; in Node also a path or `file:` URL. */
export type ImageSource = RgbImage | CanvasPixels | Uint8Array | ArrayBuffer | DataView | Blob | URL | string;

/** What may be said about a note. */
export interface NoteOptions {
  /** Aborts at the next chance: waiting, decoding, or between networks. */
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
  /**
   * Where the model looks, and at which words: `Segmentation.interest`. Costs a little more, only where it is asked for. For
   * models that state it (`manifest.segmenter.interest`), and not for classes. Default false.
   */
  readonly interest?: boolean;
}

/** What may be said about an image. */
export interface OpenOptions {
  /** Aborts at the next chance: waiting, decoding, or between networks. */
  readonly signal?: AbortSignal;
  /** Width x height to decode, at most. Default 64 million. */
  readonly maxPixels?: number;
  /** Which frame of a DICOM object or slice of a NIfTI volume, from 0; default: the only one. */
  readonly frame?: number;
  /**
   * Grey level window of a DICOM file or NIfTI volume: centre and width in its units, or the number (from 0) or explanation
   * of a window in the DICOM file. Default: the one that the model was trained in (`manifest.image.window`), else the
   * file's first. Pictures have none.
   */
  readonly window?: WindowChoice;
  /**
   * In a browser: address of a same-origin folder with the WebAssembly files of DICOM's decoders, absolute or relative to
   * the page; default: where the bundler put them.
   */
  readonly decoders?: string;
}

export interface SegmentOptions extends NoteOptions, OpenOptions {}

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
  /**
   * The frame of a DICOM object or NIfTI volume that was segmented: `clinical.source` knows its geometry and pixel size, for
   * `writeSeg` and its like of @reclmis/clinical. Mask and probability have the pixels as that file stores them.
   */
  readonly clinical?: DisplayedFrame;
  /**
   * Predicted Dice of the mask, and whether anything that the note names is there. Absent if the model is not
   * calibrated (`manifest.confidence`), or with another threshold than it was calibrated for.
   */
  readonly confidence?: Confidence;
  /**
   * Patches and words of interest, if `NoteOptions.interest` asked for them. The words are of `note.sent`; the map has the
   * patches as the image's file stores them, like the mask. Attention is no proof of what the mask is due to.
   */
  readonly interest?: Interest;
  readonly timings: Timings;
}

/** A class's answer. */
export interface ClassAnswer {
  readonly name: string;
  /** Its value in the labelled mask. */
  readonly label: number;
  readonly colour: Rgb;
  readonly threshold: number;
  /** What it won, at the image's size; 0 and 1. */
  readonly mask: Mask;
  /** Its own, before overlaps were decided: at the image's size, height x width values, 0 to 1. */
  readonly probability: Float32Array;
  /** Pixels that it won. */
  readonly area: number;
  /** Pixels above its threshold, including those that another class won. */
  readonly claimed: number;
  readonly note: NoteReading;
  /** About its note and all that it claimed; a class that is absent is none. */
  readonly warnings: readonly Warning[];
}

export interface ClassSegmentation {
  /** At the image's size: the class's label, 0 for the background. */
  readonly labels: LabelMap;
  /** Pixels, as the image. */
  readonly width: number;
  readonly height: number;
  /** In the given order. */
  readonly classes: readonly ClassAnswer[];
  /** As of `Segmentation`. */
  readonly clinical?: DisplayedFrame;
  /** About the image. */
  readonly warnings: readonly Warning[];
  /** `text` and `segment` are sums over the classes. */
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
  /** Overrides the options'. */
  readonly frame?: number;
}

/**
 * An image that is decoded, resized and seen once, for one note after the other. Each result is the same, bit for bit, as
 * `Model.segment` gives for the image and the note. What was seen of it is kept within `LoadOptions.featureBytes`; if it
 * had to go, the next note sees the image again. Models of manifest format 1, and those whose note enters early, see it
 * with every note.
 */
export interface OpenedImage {
  /** Pixels, as displayed. */
  readonly width: number;
  /** Pixels, as displayed. */
  readonly height: number;
  /** About the image, whatever the note; part of every result's. */
  readonly warnings: readonly Warning[];
  /** The frame of a DICOM object or NIfTI volume, as of `Segmentation`. */
  readonly clinical?: DisplayedFrame;
  /**
   * Segments what a note describes. Calls may overlap.
   * @throws NOTE_EMPTY if the model reads notes, NOTE_INVALID, OPTION_INVALID, INFERENCE_FAILED (after disposal too);
   * the signal's reason
   */
  segment(note: string, options?: NoteOptions): Promise<Segmentation>;
  /** As `Model.segmentClasses`. @throws as that */
  segmentClasses(classes: ClassEntries, options?: NoteOptions): Promise<ClassSegmentation>;
  /** Frees what is kept of the image, which cannot be used afterwards; safe to call twice. The model stays open. */
  dispose(): Promise<void>;
}

/** Calls may overlap; they are computed in order. */
export interface Model {
  readonly manifest: ModelManifest;
  /** Repository and commit, if it came from a hub. */
  readonly origin?: HubOrigin;
  readonly device: Device;
  /** Behind `segment`'s warnings, for callers that work with tensors. */
  readonly checks: ResultChecks;
  /**
   * Segments what a note describes.
   * @throws IMAGE_*, NOTE_EMPTY if the model reads notes, INFERENCE_FAILED; the signal's reason
   */
  segment(image: ImageSource, note: string, options?: SegmentOptions): Promise<Segmentation>;
  /**
   * Opens an image for several notes, and sees it ahead of the first. The caller disposes it.
   * @throws IMAGE_*, OPTION_INVALID, INFERENCE_FAILED; the signal's reason
   */
  open(image: ImageSource, options?: OpenOptions): Promise<OpenedImage>;
  /** In one run of the network. @throws as `segment` */
  segmentBatch(cases: readonly SegmentCase[], options?: SegmentOptions): Promise<Segmentation[]>;
  /**
   * Asks once for each class, by its note, and decides overlaps: of the classes whose probability is above their
   * threshold, the greatest probability wins a pixel; on a tie the first class.
   * @param classes name -> note, or note, label, colour and threshold, as `predict --classes` reads them from YAML;
   * default threshold: the options', else the manifest's
   * @throws CLASSES_INVALID; OPTION_INVALID if the model reads no notes; as `segment`
   */
  segmentClasses(
    image: ImageSource,
    classes: ClassEntries,
    options?: SegmentOptions,
  ): Promise<ClassSegmentation>;
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

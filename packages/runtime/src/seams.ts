/** What differs between Node and browsers. */
import type { DisplayedFrame } from '@reclmis/clinical';
import type { HubOrigin, RgbImage, WindowChoice } from '@reclmis/core';
import type { Device, ImageSource } from './types.js';

/** float32, or int64 for tokens. */
export interface Values {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export type Inputs = Readonly<Record<string, Values>>;

/** Tensors that stay where a network made them: in its thread, or on the device. */
export interface Kept {
  /** Frees them; safe to call twice. */
  release(): Promise<void>;
}

/** Calls may throw anything: `networks.ts` makes it INFERENCE_FAILED. */
export interface Network {
  /** The named output. @param kept inputs by their names, of a network of the same platform */
  run(inputs: Inputs, output: string, kept?: Kept): Promise<Float32Array>;
  /** The named outputs, for another network. */
  keep(inputs: Inputs, outputs: readonly string[]): Promise<Kept>;
  release(): Promise<void>;
}

export interface Decoded {
  /** As displayed. */
  readonly image: RgbImage;
  /** Present for DICOM and NIfTI. */
  readonly clinical?: DisplayedFrame;
}

export interface DecodeOptions {
  readonly maxPixels: number;
  /** Which frame of a DICOM object or slice of a volume, from 0; absent: the only one. */
  readonly frame?: number;
  /** Grey level window of DICOM and NIfTI; absent: the file's. */
  readonly window?: WindowChoice;
  /** Where a browser finds the decoders of DICOM. */
  readonly decoders?: string;
}

/** Files by their content, kept between visits. Never fails: at worst it keeps nothing. */
export interface FileCache {
  /** Null: not kept. */
  get(sha256: string): Promise<Uint8Array | null>;
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  remove(sha256: string): Promise<void>;
}

/** A form of onnxruntime, with image decoding. */
export interface Platform {
  readonly device: Device;
  /** Switches from an automatically chosen device that does not work; false if there is no other. */
  giveUp?(why: unknown): boolean;
  /** @param kept outputs that `keep` will be asked for @throws any error for bytes that are no model. */
  open(bytes: Uint8Array, kept?: readonly string[]): Promise<Network>;
  /** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_MISSING, OPTION_INVALID (no such frame) */
  decode(image: ImageSource, options: DecodeOptions): Promise<Decoded>;
  readonly cache?: FileCache | null;
  /** 64 hexadecimal digits. */
  sha256(bytes: Uint8Array): Promise<string>;
}

/** Where a model's files are. */
export interface Source {
  /** For messages. */
  readonly where: string;
  /** Absent if it is no hub. */
  readonly origin?: HubOrigin;
  /**
   * @param limit most bytes.
   * @param onBytes called with the size of each piece. @throws MODEL_MISSING, MODEL_INVALID (over the limit,
   * truncated)
   */
  read(name: string, limit: number, onBytes?: (bytes: number) => void): Promise<Uint8Array>;
}

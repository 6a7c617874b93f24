/** What differs between Node and browsers. */
import type { RgbImage } from '@reclmis/core';
import type { Device, ImageSource } from './types.js';

/** float32, or int64 for tokens. */
export interface Values {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export interface Network {
  /** The named output. May throw anything: `model.ts` makes it INFERENCE_FAILED. */
  run(inputs: Readonly<Record<string, Values>>, output: string): Promise<Float32Array>;
  release(): Promise<void>;
}

/** A form of onnxruntime, with image decoding. */
export interface Platform {
  readonly device: Device;
  /** Switches from an automatically chosen device that does not work; false if there is no other. */
  giveUp?(): boolean;
  /** @throws any error for bytes that are no model. */
  open(bytes: Uint8Array): Promise<Network>;
  /** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_MISSING */
  decode(image: ImageSource, maxPixels: number): Promise<RgbImage>;
  /** 64 hexadecimal digits. */
  sha256(bytes: Uint8Array): Promise<string>;
}

/** Where a model's files are. */
export interface Source {
  /** For messages. */
  readonly where: string;
  /**
   * @param limit most bytes.
   * @param onBytes called with the size of each piece. @throws MODEL_MISSING, MODEL_INVALID (over the limit,
   * truncated)
   */
  read(name: string, limit: number, onBytes?: (bytes: number) => void): Promise<Uint8Array>;
}

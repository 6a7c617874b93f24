/** What Node and a browser do differently, so that `model.ts` is the same in both. */
import type { RgbImage } from '@reclmis/core';
import type { Device, ImageSource } from './types.js';

/** Numbers with a shape: float32, or int64 for tokens. */
export interface Values {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

/** A loaded network. */
export interface Network {
  /** The output of this name, for inputs by name. May throw anything: `model.ts` makes INFERENCE_FAILED of it. */
  run(inputs: Readonly<Record<string, Values>>, output: string): Promise<Float32Array>;
  release(): Promise<void>;
}

/** onnxruntime in one of its forms, and how images are decoded beside it. */
export interface Platform {
  readonly device: Device;
  /** Turns to another device, where one that was chosen for the caller does not do; false where there is none. */
  giveUp?(): boolean;
  /** @throws anything for bytes that are no model. */
  open(bytes: Uint8Array): Promise<Network>;
  /** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_MISSING */
  decode(image: ImageSource, maxPixels: number): Promise<RgbImage>;
  /** 64 hexadecimal digits. */
  sha256(bytes: Uint8Array): Promise<string>;
}

/** Where a model's files lie. */
export interface Source {
  /** For messages. */
  readonly where: string;
  /**
   * A file, whole.
   * @param limit most bytes that it may have. @param onBytes told of the bytes of each piece.
   * @throws MODEL_MISSING, MODEL_INVALID (more bytes than the limit, cut short)
   */
  read(name: string, limit: number, onBytes?: (bytes: number) => void): Promise<Uint8Array>;
}

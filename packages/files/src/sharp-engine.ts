/** sharp (libvips), imported lazily and only here. */
import type { Sharp, SharpOptions } from 'sharp';

export type { Metadata, SharpOptions } from 'sharp';

type SharpFactory = (input: Uint8Array | Uint16Array, options: SharpOptions) => Sharp;
let engine: Promise<SharpFactory> | undefined;

/** libvips without its cache (files may change) and with one thread per image (the loader has its own). */
export function loadEngine(): Promise<SharpFactory> {
  engine ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return (input, options) => sharp(input, options);
  });
  return engine;
}

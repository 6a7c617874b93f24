/** Validates what callers pass: a malformed image would give a meaningless mask. */
import { checkImage, ReclmisError, type RgbImage } from '@reclmis/core';
import type { SegmentOptions } from './types.js';

export type KnownImage =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'pixels'; readonly image: RgbImage }
  | { readonly kind: 'place'; readonly place: string | URL };

const EXPECTED =
  'expected { width, height, data } with 3 bytes per pixel, the bytes of an image file (Uint8Array, ArrayBuffer or Blob)';

/** @param places what else is accepted here, for messages. @throws IMAGE_UNSUPPORTED, IMAGE_UNREADABLE */
export async function knowImage(image: unknown, places: string): Promise<KnownImage> {
  if (typeof image === 'string' || image instanceof URL) return { kind: 'place', place: image };
  if (image instanceof Uint8Array) return { kind: 'file', bytes: image };
  if (image instanceof ArrayBuffer || isShared(image)) return { kind: 'file', bytes: new Uint8Array(image) };
  if (image instanceof DataView)
    return { kind: 'file', bytes: new Uint8Array(image.buffer, image.byteOffset, image.byteLength) };
  if (image instanceof Blob) return { kind: 'file', bytes: await bytesOf(image) };
  return { kind: 'pixels', image: knowPixels(image, places) };
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw new ReclmisError('IMAGE_UNREADABLE', 'image: the Blob cannot be read', { cause }); // its file changed or is gone
  }
}

const isShared = (value: unknown): value is SharedArrayBuffer =>
  typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer;

function knowPixels(image: unknown, places: string): RgbImage {
  const refuse = (got: string, remedy?: string): ReclmisError =>
    new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `image: ${EXPECTED}${places}, got ${got}`,
      remedy ? { remedy } : {},
    );
  if (image === null || typeof image !== 'object') throw refuse(image === null ? 'null' : typeof image);
  if (!('data' in image) || !('width' in image) || !('height' in image))
    throw refuse(
      nameOf(image),
      'Pass the bytes of a file, or draw it on a canvas and pass the result of getImageData.',
    );
  const { width, height, data } = image;
  if (!(data instanceof Uint8Array) && !(data instanceof Uint8ClampedArray))
    throw refuse(
      `data of type ${nameOf(data)}`,
      'Scale the values to 0–255 and pass them as a Uint8Array: for other types the value of white is unknown.',
    );
  if (typeof width !== 'number' || typeof height !== 'number')
    throw refuse(`a width of type ${typeof width} and a height of type ${typeof height}`);
  const bytes =
    data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (width > 0 && height > 0 && bytes.length === width * height * 4)
    return { width, height, data: withoutAlpha(bytes) };
  const known: RgbImage = { width, height, data: bytes };
  checkImage(known, 'segment');
  return known;
}

function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!;
    for (let c = 0; c < 3; c++) rgb[to + c] = Math.round((rgba[from + c]! * alpha) / 255);
  }
  return rgb;
}

function nameOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return (value.constructor as { name?: string } | undefined)?.name ?? 'an object';
}

/** @throws NOTE_INVALID */
export function knowNote(note: unknown): string {
  if (typeof note === 'string') return note;
  throw new ReclmisError('NOTE_INVALID', `the note is of type ${nameOf(note)}, expected a string`, {
    remedy: 'Pass the note as a string.',
  });
}

/** @throws OPTION_INVALID */
export function knowOptions(options: unknown): void {
  if (options === null || typeof options !== 'object')
    throw new ReclmisError('OPTION_INVALID', `options: expected an object, got ${nameOf(options)}`);
  const { threshold, maxPixels, signal, interest } = options as SegmentOptions;
  if (threshold !== undefined && !(threshold >= 0 && threshold <= 1))
    throw new ReclmisError('OPTION_INVALID', `threshold: expected 0 to 1, got ${String(threshold)}`);
  if (maxPixels !== undefined && !(maxPixels >= 1))
    throw new ReclmisError('OPTION_INVALID', `maxPixels: expected a number from 1, got ${String(maxPixels)}`);
  if (interest !== undefined && typeof interest !== 'boolean')
    throw new ReclmisError('OPTION_INVALID', `interest: expected true or false, got ${nameOf(interest)}`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ReclmisError('OPTION_INVALID', `signal: expected an AbortSignal, got ${nameOf(signal)}`);
}

/** @throws OPTION_INVALID */
export function knowChoice<T extends string>(
  value: T | undefined,
  choices: readonly T[],
  name: string,
): T | undefined {
  if (value === undefined || choices.includes(value)) return value;
  throw new ReclmisError('OPTION_INVALID', `${name}: expected ${choices.join(' or ')}, got another value`);
}

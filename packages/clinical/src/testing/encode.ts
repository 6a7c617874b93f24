/** Compresses frames for tests, by dcmjs-codecs (the native encoders in WebAssembly). */
import type codecs from 'dcmjs-codecs';
import { Random } from '@reclmis/core';

export type Encoding = 'rle' | 'jpeg' | 'jpegLs' | 'jpeg2000' | 'htJpeg2000';

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly allocated: number;
  readonly stored: number;
  readonly signed: boolean;
  /** Samples by pixel; of signed ones the codes of 16-bit two's complement. */
  readonly data: Uint8Array | Uint16Array;
}

type Native = typeof codecs.NativeCodecs;
type Direction = 'encode' | 'decode';

const METHODS = {
  rle: 'Rle',
  jpeg: 'Jpeg',
  jpegLs: 'JpegLs',
  jpeg2000: 'Jpeg2000',
  htJpeg2000: 'HtJpeg2000',
} as const satisfies Record<Encoding, string>;

/** Smooth shapes with noise: neither constant nor random, over all bits stored. */
export function phantomFrame(
  width: number,
  height: number,
  { samples = 1, stored = 16, signed = false, seed = 1 } = {},
): Frame {
  const random = Random.from('codec phantom', seed);
  const allocated = stored > 8 ? 16 : 8;
  const data =
    stored > 8 ? new Uint16Array(width * height * samples) : new Uint8Array(width * height * samples);
  const top = 2 ** stored - 1;
  const middle = signed ? 0 : top / 2;
  for (let i = 0; i < data.length; i += 1) {
    const pixel = Math.floor(i / samples);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const wave = Math.sin(x / 9 + (i % samples)) * Math.cos(y / 7) * 0.48;
    const value = Math.round(middle + wave * top) + random.int(5) - 2;
    data[i] = signed ? value : value & top;
  }
  // Extremes next to each other: differences need all bits.
  if (!signed) data.set([0, top, 0], 0);
  return { width, height, samples, allocated, stored, signed, data };
}

/** Runs an encoder or decoder; its package is loaded when first needed. */
async function run(
  direction: Direction,
  encoding: Encoding,
  { width, height, samples, allocated, stored, signed }: Omit<Frame, 'data'>,
  bytes: Uint8Array,
  parameters: Record<string, unknown>,
): Promise<Uint8Array> {
  const { Context, NativeCodecs } = (await import('dcmjs-codecs')).default;
  if (!NativeCodecs.isInitialized()) await NativeCodecs.initializeAsync();
  const context = new Context({
    width,
    height,
    bitsAllocated: allocated,
    bitsStored: stored,
    samplesPerPixel: samples,
    pixelRepresentation: signed ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: samples === 3 ? 'RGB' : 'MONOCHROME2',
    ...(direction === 'encode' ? { decodedBuffer: bytes } : { encodedBuffer: bytes }),
  });
  const method: `${Direction}${(typeof METHODS)[Encoding]}` & keyof Native =
    `${direction}${METHODS[encoding]}`;
  const result = NativeCodecs[method](context, parameters);
  const out = direction === 'encode' ? result.getEncodedBuffer() : result.getDecodedBuffer();
  if (out === undefined) throw new Error(`${method} gave nothing`);
  return out.slice();
}

/** @param parameters of the encoder: `lossy`, `predictor`, `allowedLossyError`, `quality` */
export function encodeFrame(
  frame: Frame,
  encoding: Encoding,
  parameters: Record<string, unknown> = {},
): Promise<Uint8Array> {
  const { data } = frame;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return run('encode', encoding, frame, bytes, parameters);
}

/** What dcmjs-codecs itself decodes, to compare with. */
export async function decodedByNative(
  frame: Frame,
  encoding: Encoding,
  bytes: Uint8Array,
): Promise<Uint8Array | Uint16Array> {
  const decoded = await run('decode', encoding, frame, bytes, {});
  return frame.allocated === 8 ? decoded : new Uint16Array(decoded.buffer);
}

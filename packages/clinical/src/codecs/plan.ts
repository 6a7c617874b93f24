/**
 * From a frame's code stream to a job for the decoders' thread, and from the job's bytes to samples. The code stream
 * decides the process, the file the size; where the two contradict each other the frame is refused.
 */
import type { CodecRequest, DecodedFrame } from '../dicom/codec.js';
import { unreadable, unsupported } from '../dicom/faults.js';
import type { PixelFormat } from '../dicom/pixel-format.js';
import { interleaved } from '../dicom/stored.js';
import type { Job } from './jobs.js';
import { readJ2kStream } from './j2k-stream.js';
import { readJpegStream, type JpegStream } from './jpeg-stream.js';

export interface Plan {
  readonly job: Job;
  /** Bits of the code stream's samples. */
  readonly precision: number;
  /** The decoder gives red, green and blue. */
  readonly rgb: boolean;
}

const DECOMPRESS = 'Convert the file to explicit little endian, for example with dcmconv or gdcmconv --raw.';

/** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED */
export function planOf({ compression, bytes, format }: CodecRequest): Plan {
  return compression === 'jpeg' ? jpegPlan(bytes, format) : j2kPlan(bytes, format, compression === 'htj2k');
}

function j2kPlan(file: Uint8Array, format: PixelFormat, high: boolean): Plan {
  const { bytes, precision, width, height, components } = readJ2kStream(file);
  checkSize(width, height, components, precision, format);
  return {
    job: { kind: high ? 'htj2k' : 'j2k', bytes, ...sizes(format, precision) },
    precision,
    // The decoder undoes the transforms of YBR_RCT and YBR_ICT.
    rgb: format.samples === 3 && !format.photometric.startsWith('YBR_FULL'),
  };
}

function jpegPlan(bytes: Uint8Array, format: PixelFormat): Plan {
  const stream = readJpegStream(bytes);
  const { process, precision, width, height, components, end } = stream;
  checkSize(width, height, components.length, precision, format);
  const size = sizes(format, precision);
  const whole = bytes.subarray(0, end);
  if (process === 0xf7) return { job: { kind: 'jpeg-ls', bytes: whole, ...size }, precision, rgb: false };
  if (process === 0xc3)
    return { job: { kind: 'jpeg-lossless', bytes: whole, ...size }, precision, rgb: false };
  if (process <= 0xc2 && precision === 8) {
    const converted = format.samples === 3;
    const marked = converted && format.photometric === 'RGB' && guessesYbr(stream) ? withAdobe(whole) : whole;
    // Without a transform libjpeg leaves the samples alone.
    const untouched = converted && !guessesYbr(stream);
    return {
      job: { kind: 'jpeg', bytes: marked, ...size },
      precision,
      rgb: converted && !(untouched && format.photometric.startsWith('YBR')),
    };
  }
  if (process === 0xc1 && precision === 12 && format.samples === 1)
    return { job: { kind: 'jpeg-extended', bytes: whole, ...size }, precision, rgb: false };
  throw unsupported(`JPEG of process ${process - 0xc0} with ${precision} bits is not supported`, DECOMPRESS);
}

/** Whether libjpeg takes three components for YCbCr: by its rules for JFIF, Adobe and the components' numbers. */
function guessesYbr({ jfif, adobe, components }: JpegStream): boolean {
  if (jfif) return true;
  if (adobe !== null) return adobe === 1;
  return components.map(({ id }) => String.fromCharCode(id)).join('') !== 'RGB';
}

/** Inserts Adobe's segment with transform 0, in place of JFIF's: the file says that the samples are RGB. */
function withAdobe(bytes: Uint8Array): Uint8Array {
  const segment = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
  const out = new Uint8Array(bytes.length + segment.length);
  out.set(bytes.subarray(0, 2));
  out.set(segment, 2);
  out.set(bytes.subarray(2), 2 + segment.length);
  for (let at = 2 + segment.length; out[at] === 0xff && out[at + 1] !== 0xda;) {
    if (out[at + 1] === 0xe0) out[at + 1] = 0xef; // JFIF would win
    at += 2 + out[at + 2]! * 256 + out[at + 3]!;
  }
  return out;
}

function sizes({ width, height, samples }: PixelFormat, precision: number): Omit<Job, 'kind' | 'bytes'> {
  return { width, height, components: samples, depth: precision > 8 ? 2 : 1 };
}

function checkSize(
  width: number,
  height: number,
  components: number,
  precision: number,
  format: PixelFormat,
): void {
  if (width !== format.width || height !== format.height)
    throw unreadable(
      `a compressed frame is ${width} x ${height}, the file states ${format.width} x ${format.height}`,
    );
  if (components !== format.samples)
    throw unreadable(`a compressed frame has ${components} components, the file states ${format.samples}`);
  if (precision > 16) throw unsupported(`${precision} bits a sample are not supported`, DECOMPRESS);
  if (format.allocated === 1) throw unsupported('compressed single bits are not supported', DECOMPRESS);
}

/** The decoder's bytes as samples. @throws IMAGE_UNREADABLE if they are too few or too many */
export function frameOf(
  { job, precision, rgb }: Plan,
  bytes: Uint8Array,
  planes: boolean,
  { high, stored }: PixelFormat,
): DecodedFrame {
  const expected = job.width * job.height * job.components * job.depth;
  if (bytes.length !== expected)
    throw unreadable(`a compressed frame gave ${bytes.length} bytes, expected ${expected}`);
  const samples =
    job.depth === 1 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  // A code stream with room for the high bit holds whole words, the unused bits below included.
  const shift = high >= stored && precision > high ? high - stored + 1 : 0;
  return {
    data: planes && job.components === 3 ? interleaved(samples) : samples,
    shift,
    bits: shift > 0 ? stored : precision,
    rgb,
  };
}

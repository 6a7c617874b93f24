/** Compressed frames of every kind, encoded by dcmjs-codecs: lossless ones must come back exactly. */
import { describe, expect, it } from 'vitest';
import type { PixelFormat } from '../dicom/pixel-format.js';
import type { Compression } from '../dicom/transfer-syntax.js';
import { decodedByNative, encodeFrame, phantomFrame, type Encoding, type Frame } from '../testing/encode.js';
import { decodeInThread } from './node.js';

const COMPRESSION: Readonly<Record<Encoding, Exclude<Compression, 'none'>>> = {
  rle: 'rle',
  jpeg: 'jpeg',
  jpegLs: 'jpeg',
  jpeg2000: 'jpeg2000',
  htJpeg2000: 'htj2k',
};

function formatOf(frame: Frame): PixelFormat {
  const { width, height, samples, allocated, stored, signed } = frame;
  return {
    width,
    height,
    frames: 1,
    samples: samples === 3 ? 3 : 1,
    photometric: samples === 3 ? 'RGB' : 'MONOCHROME2',
    allocated,
    stored,
    high: stored - 1,
    signed,
    planar: false,
  };
}

/** Codes of `stored` bits after compression and back. */
async function throughCodec(
  frame: Frame,
  encoding: Encoding,
  parameters: Record<string, unknown> = {},
): Promise<number[]> {
  const bytes = await encodeFrame(frame, encoding, parameters);
  const decoded = await decodeInThread({
    compression: COMPRESSION[encoding],
    bytes,
    format: formatOf(frame),
  });
  const mask = 2 ** frame.stored - 1;
  return [...decoded.data].map((code) => (code >>> decoded.shift) & mask);
}

const codesOf = ({ data, stored }: Frame): number[] => [...data].map((code) => code & (2 ** stored - 1));

const largest = (one: readonly number[], other: ArrayLike<number>): number =>
  one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);

const FORMS = [
  { stored: 8 },
  { stored: 12 },
  { stored: 16 },
  { stored: 12, signed: true },
  { stored: 16, signed: true },
  { stored: 8, samples: 3 },
];

describe('lossless', () => {
  for (const form of FORMS)
    for (const encoding of Object.keys(COMPRESSION) as Encoding[]) {
      const name = `${encoding}, ${form.stored} bits${form.signed === true ? ' signed' : ''}${form.samples === 3 ? ' RGB' : ''}`;
      it(name, async () => {
        const frame = phantomFrame(61, 47, form);
        const parameters = encoding === 'jpeg' ? { predictor: 1, pointTransform: 0 } : {};
        expect(await throughCodec(frame, encoding, { lossy: false, ...parameters })).toEqual(codesOf(frame));
      });
    }

  for (const signed of [false, true])
    it.each([1, 2, 3, 4, 5, 6, 7])(
      `JPEG predictor %s, ${signed ? 'signed' : 'unsigned'}`,
      async (predictor) => {
        const frame = phantomFrame(33, 29, { stored: 16, signed });
        expect(await throughCodec(frame, 'jpeg', { lossy: false, predictor, pointTransform: 0 })).toEqual([
          ...frame.data,
        ]);
      },
    );
});

describe('lossy, within what the encoder allows', () => {
  it('JPEG-LS with an error of 3', async () => {
    const frame = phantomFrame(61, 47, { stored: 12 });
    const back = await throughCodec(frame, 'jpegLs', { lossy: true, allowedLossyError: 3 });
    expect(largest(back, frame.data)).toBeLessThanOrEqual(3);
    expect(back).not.toEqual([...frame.data]);
  });

  it.each([
    // Inverse transforms are rounded differently: by 1.
    ['jpeg', 8, 1],
    ['jpeg2000', 12, 1],
    ['htJpeg2000', 12, 1],
  ] as const)('%s of %s bits as dcmjs-codecs decodes it', async (encoding, stored, most) => {
    const frame = phantomFrame(64, 48, { stored });
    const bytes = await encodeFrame(frame, encoding, { lossy: true, quality: 95 });
    const decoded = await decodeInThread({
      compression: COMPRESSION[encoding],
      bytes,
      format: formatOf(frame),
    });
    expect(largest([...decoded.data], await decodedByNative(frame, encoding, bytes))).toBeLessThanOrEqual(
      most,
    );
    expect([...decoded.data]).not.toEqual(codesOf(frame));
  });
});

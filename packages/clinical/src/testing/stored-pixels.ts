/** The stored values of a file, before any rendering, for tests that compare with other tools. */
import { decodeInThread } from '../codecs/node.js';
import { framesOf } from '../dicom/frames.js';
import { openFile } from '../dicom/open-file.js';
import { pixelFormatOf, type PixelFormat } from '../dicom/pixel-format.js';
import { storedFrame } from '../dicom/stored.js';

export interface StoredPixels {
  readonly format: PixelFormat;
  /** Per frame the bits in use of each sample, by pixel, unsigned. */
  readonly frames: readonly (readonly number[])[];
}

export async function storedPixels(file: Uint8Array): Promise<StoredPixels> {
  const { dataSet, syntax } = openFile(file, 1 << 28);
  const format = pixelFormatOf(dataSet, 1 << 26);
  const bytesOf = framesOf(dataSet, format, syntax.compression);
  const { compression } = syntax;
  const frames: number[][] = [];
  for (let frame = 0; frame < format.frames; frame += 1) {
    const bytes = bytesOf(frame);
    const { data, shift } =
      compression === 'none'
        ? storedFrame(bytes, format, frame, syntax.little)
        : await decodeInThread({ compression, bytes, format });
    const count = format.width * format.height * format.samples;
    frames.push([...data.subarray(0, count)].map((code) => (code >>> shift) & (2 ** format.stored - 1)));
  }
  return { format, frames };
}

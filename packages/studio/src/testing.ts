/** Pictures and masks for tests. */
import { displayedFrame, displayedPixels, readClinical } from '@reclmis/clinical';
import type { Mask, RgbImage } from '@reclmis/core';
import type { Subject } from './outputs/subject.js';

/** An image whose pixels all differ from their neighbours. */
export const testImage = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251),
});

/** Two components, one with a hole, none of them symmetric. */
export function testMask(width: number, height: number): Mask {
  const data = new Uint8Array(width * height);
  const fill = (x0: number, y0: number, x1: number, y1: number, value: number): void => {
    for (let y = y0; y < y1; y++) data.fill(value, y * width + x0, y * width + x1);
  };
  fill(1, 1, 6, 6, 1);
  fill(3, 2, 4, 4, 0);
  fill(width - 4, height - 2, width - 1, height - 1, 1);
  data[height * width - 1] = 1;
  return { width, height, data };
}

export function pictureSubject(width = 16, height = 12, more: Partial<Subject> = {}): Subject {
  return {
    name: 'phantom_0853.png',
    image: testImage(width, height),
    mask: testMask(width, height),
    clinical: null,
    spacing: null,
    spacingFrom: null,
    ends: ['R', 'L'],
    note: { text: 'Upper left lung.', sides: 'patient', sent: null },
    model: { name: 'phantom', precision: 'int8', device: 'wasm' },
    threshold: 0.5,
    corrected: true,
    confidence: null,
    warnings: [{ code: 'NOTE_CUT', message: 'the note is too long' }],
    ...more,
  };
}

/** A frame of a DICOM or NIfTI file, with a mask drawn as it is displayed. */
export async function clinicalSubject(name: string, bytes: Uint8Array, frame?: number): Promise<Subject> {
  const clinical = displayedFrame(name, await readClinical(bytes), frame);
  const image = await displayedPixels(clinical);
  const mask = testMask(image.width, image.height);
  return pictureSubject(0, 0, { name, image, mask, clinical, spacing: clinical.spacing, spacingFrom: clinical.spacing && 'file' }); // prettier-ignore
}

export type { Services } from './studio.js';

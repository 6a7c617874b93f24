import { describe, expect, it } from 'vitest';
import { clinicalFormat } from './clinical-format.js';

const bytes = (
  length: number,
  ...parts: readonly (readonly [number, string | readonly number[]])[]
): Uint8Array => {
  const all = new Uint8Array(length);
  for (const [at, text] of parts)
    all.set(typeof text === 'string' ? [...text].map((letter) => letter.charCodeAt(0)) : text, at);
  return all;
};

describe('clinicalFormat', () => {
  it.each([
    ['DICOM with a preamble', bytes(352, [128, 'DICM']), 'dicom'],
    ['a data set alone, explicit', bytes(40, [0, [8, 0, 5, 0]], [4, 'CS'], [6, [10, 0]]), 'dicom'],
    ['a data set alone, implicit', bytes(40, [0, [8, 0, 5, 0, 10, 0, 0, 0]]), 'dicom'],
    ['a data set alone, big endian', bytes(40, [0, [0, 8, 0, 5]], [4, 'CS'], [6, [0, 10]]), 'dicom'],
    ['a meta header alone', bytes(40, [0, [2, 0, 0, 0]], [4, 'UL'], [6, [4, 0]]), 'dicom'],
    ['NIfTI-1', bytes(352, [0, [92, 1]], [344, 'n+1\0']), 'nifti'],
    ['a NIfTI-1 header of two files', bytes(348, [344, 'ni1\0']), 'nifti'],
    ['NIfTI-2', bytes(540, [0, [28, 2]], [4, 'n+2\0']), 'nifti'],
    ['gzip', bytes(20, [0, [0x1f, 0x8b, 8]]), 'nifti'],
  ])('knows %s', (_, head, format) => {
    expect(clinicalFormat(head)).toBe(format);
  });

  it.each([
    ['PNG', bytes(352, [0, [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]])],
    ['JPEG', bytes(352, [0, [0xff, 0xd8, 0xff, 0xe0]])],
    ['TIFF', bytes(352, [0, [0x49, 0x49, 0x2a, 0]])],
    ['zeros', bytes(352)],
    ['nothing', bytes(0)],
    ['text', bytes(40, [0, 'image,note\n'])],
    ['DICM cut off', bytes(131, [128, 'DIC'])],
    ['a group of eight with an absurd length', bytes(40, [0, [8, 0, 5, 0, 1, 2, 3, 4]])],
  ])('knows that %s is neither', (_, head) => {
    expect(clinicalFormat(head)).toBeNull();
  });
});

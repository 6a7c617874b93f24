/**
 * One small picture in three formats, for the self-test: 16 x 16 pixels of grey, 8 x (row + column), by sharp
 * (PNG, and JPEG of quality 90) and OpenJPEG (DICOM with lossless JPEG 2000). No patient: invented from numbers.
 */

export const SAMPLE_SIDE = 16;

/** The grey value, 0..240, of a pixel of the picture. */
export const sampleGrey = (pixel: number): number =>
  8 * (Math.floor(pixel / SAMPLE_SIDE) + (pixel % SAMPLE_SIDE));

export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Largest difference of a pixel from `sampleGrey`: JPEG loses some. */
  readonly tolerance: number;
}

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAh0lEQVQoz5XKkQLAIAAE0MNwGA7DMAyHYRiGwz' +
  'AcDofDYTgMw3A4DPcJ+4Z7/ABACDFNk5RynmellNbaGGOtXZbFOee9DyHEGNd1TSlxO+cMam/bBmrv+w5qH8cBap/nCWpf1wVql1JA7fu+Qe1aK6jd' +
  'WgO1e++g9vM8oPb7vqD2GAPU/r7vB8VBaBBiXe/YAAAAAElFTkSuQmCC';
const JPEG =
  '/9j/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQ' +
  'kUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAA' +
  'AAAAAAAAAAAACAD/xAAZEAABBQAAAAAAAAAAAAAAAAAHACMzQVH/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAA' +
  'wDAQACEQMRAD8AH42G0TWUlWNhtE1lKGw2iaykqhsNomspB//Z';
/** After the 128 empty bytes that a DICOM file begins with. */
const DICOM =
  'RElDTQIAAQBPQgAAAgAAAAABAgAQAFVJFgAxLjIuODQwLjEwMDA4LjEuMi40LjkwCAAFAENTCgBJU09fSVIgMTAwCAAWAFVJGgAxLjIuODQwLjEwMD' +
  'A4LjUuMS40LjEuMS4xAAgAGABVSQoAMS4yLjMuNC41AAgAIABEQQgAMjAyMDAxMDIIAGAAQ1MCAENSEAAQAFBOAAAQACAATE8AACAADQBVSQoAMS4y' +
  'LjMuNC4xACAADgBVSQoAMS4yLjMuNC4yACgAAgBVUwIAAQAoAAQAQ1MMAE1PTk9DSFJPTUUyICgAEABVUwIAEAAoABEAVVMCABAAKAAAAVVTAgAIAC' +
  'gAAQFVUwIACAAoAAIBVVMCAAcAKAADAVVTAgAAACgAUBBEUwQAMTI4ICgAURBEUwQAMjU2IOB/EABPQgAA//////7/AOAAAAAA/v8A4LoAAAD/T/9R' +
  'ACkAAAAAABAAAAAQAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAAAAAEHAQH/UgAMAAAAAgADBAQAAf9cAA1AQEhIUEhIUEhIUP9kACUAAUNyZWF0ZWQgYn' +
  'kgT3BlbkpQRUcgdmVyc2lvbiAyLjUuMP+QAAoAAAAAAEYAAf+T33goB8/3XvnD5gcPmBgNAhELPYqAgMD0DoDB84WD5wgiGghdfwN/3VHA+QJA+QIA' +
  'NqGZzz2mNF//2QD+/93gAAAAAA==';

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

export const SAMPLES: readonly Sample[] = [
  { name: 'PNG', bytes: bytesOf(PNG), tolerance: 0 },
  { name: 'JPEG', bytes: bytesOf(JPEG), tolerance: 4 },
  { name: 'DICOM', bytes: Buffer.concat([Buffer.alloc(128), bytesOf(DICOM)]), tolerance: 0 },
];

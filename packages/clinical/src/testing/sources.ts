/** Images of invented patients, as files and as sources of derived objects. */
import type { Raster } from '@reclmis/core';
import { readDicom } from '../index.js';
import type { SegSource } from '../seg/types.js';
import type { DicomImage } from '../types.js';
import { type Attribute, imageFile } from './dicom-file.js';

const CT = '1.2.840.10008.5.1.4.1.1.2';

export interface TestSeries {
  readonly files: readonly Uint8Array[];
  readonly images: readonly DicomImage[];
  readonly sources: readonly SegSource[];
}

/** Text in bytes of UTF-8, one per character. */
const utf8 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

const PATIENT: readonly Attribute[] = [
  [0x00080005, 'CS', 'ISO_IR 192'],
  [0x00080030, 'TM', '101530'],
  [0x00080050, 'SH', 'ACC1'],
  [0x00080070, 'LO', 'Maker'],
  [0x00080090, 'PN', ''],
  [0x00100010, 'PN', utf8('Müller^Jörg')],
  [0x00100030, 'DA', '19600229'],
  [0x00100040, 'CS', 'M'],
  [0x00200010, 'SH', 'STUDY1'],
  [0x00200011, 'IS', '3'],
];

async function seriesOf(files: readonly Uint8Array[]): Promise<TestSeries> {
  const images = await Promise.all(files.map((file) => readDicom(file)));
  const sources = images.flatMap((image) =>
    Array.from({ length: image.frames }, (_, frame): SegSource => ({
      source: image.source,
      frame,
      frames: image.frames,
      geometry: image.geometryOf(frame),
    })),
  );
  return { files, images, sources };
}

/** A chest radiograph; `more` replaces attributes. */
export function testProjection(
  width: number,
  height: number,
  more: readonly Attribute[] = [],
): Promise<TestSeries> {
  const pixels = Array.from({ length: width * height }, (_, i) => (i * 37) % 4096);
  const attributes: readonly Attribute[] = [
    ...PATIENT,
    [0x00181164, 'DS', '0.2\\0.15'],
    [0x00185101, 'CS', 'PA'],
    [0x00200013, 'IS', '1'],
    [0x00200020, 'CS', 'L\\F'],
  ];
  return seriesOf([imageFile({ width, height, pixels, stored: 12, more: [...attributes, ...more] })]);
}

/**
 * CT slices in the order of the positions given, in millimetres along z (or along the normal of `orientation`).
 * @param orientation Image Orientation; default axial
 */
export function testSlices(
  width: number,
  height: number,
  positions: readonly (readonly [number, number, number])[],
  orientation: readonly number[] = [1, 0, 0, 0, 1, 0],
  more: readonly Attribute[] = [],
): Promise<TestSeries> {
  return seriesOf(
    positions.map((position, i) =>
      imageFile({
        width,
        height,
        pixels: Array.from({ length: width * height }, (_, p) => (p * 31 + i * 7) % 3000),
        modality: 'CT',
        more: [
          ...PATIENT,
          [0x00080016, 'UI', CT],
          [0x00080018, 'UI', `1.2.3.4.6.${i + 1}`],
          [0x00180050, 'DS', '2.5'],
          [0x00200013, 'IS', String(i + 1)],
          [0x00200032, 'DS', position.join('\\')],
          [0x00200037, 'DS', orientation.join('\\')],
          [0x00200052, 'UI', '1.2.3.4.9'],
          [0x00201040, 'LO', ''],
          [0x00280030, 'DS', '0.8\\0.7'],
          [0x00281052, 'DS', '-1024'],
          [0x00281053, 'DS', '1'],
          ...more,
        ],
      }),
    ),
  );
}

/** A mask without symmetry, another for each seed. */
export function testMask(width: number, height: number, seed: number): Raster {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height }, (_, i) =>
      (i * 7919 + seed * 104_729) % 11 < 4 ? 1 : 0,
    ),
  };
}

/** Orientation, position and pixel size: of projections, slices and enhanced frames; and what contradicts itself. */
import { describe, expect, it } from 'vitest';
import { readDicom } from '../index.js';
import { openFile } from './open-file.js';
import { imageFile, type Attribute } from '../testing/dicom-file.js';
import type { DicomImage } from '../types.js';

const read = (more: readonly Attribute[], modality = 'CR'): Promise<DicomImage> =>
  readDicom(imageFile({ width: 2, height: 1, pixels: [1, 2], modality, more }));

const SLICE: readonly Attribute[] = [
  [0x00200032, 'DS', '-10\\20.5\\3e1'],
  [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
  [0x00280030, 'DS', '0.5\\0.25'],
];

describe('projections', () => {
  it('run where Patient Orientation says', async () => {
    const image = await read([[0x00200020, 'CS', 'L\\F']]);
    expect(image.geometryOf(0)).toEqual({ plane: null, directions: { right: 'L', down: 'F' }, pixel: null });
    const oblique = await read([[0x00200020, 'CS', 'PR\\FA']]);
    expect(oblique.geometryOf(0).directions).toEqual({ right: 'PR', down: 'FA' });
  });

  it('say that they show a breast', async () => {
    const image = await read([[0x00200020, 'CS', 'A\\FR']], 'MG');
    expect(image.geometryOf(0)).toMatchObject({ directions: { right: 'A', down: 'FR' }, breast: true });
    expect((await read([[0x00200020, 'CS', 'A\\F']])).geometryOf(0).breast).toBeUndefined();
  });

  it.each(['', 'L', 'L\\R', 'L\\L', 'X\\F', 'L\\F\\A', 'LR\\F', 'l\\f'])(
    'are of unknown orientation with "%s"',
    async (text) => {
      expect((await read([[0x00200020, 'CS', text]])).geometryOf(0).directions).toBeNull();
    },
  );

  it.each([
    // Height comes first in DICOM.
    ['Imager Pixel Spacing', [[0x00181164, 'DS', '0.2\\0.1']], { width: 0.1, height: 0.2, at: 'detector' }],
    [
      'Pixel Spacing that equals it',
      [
        [0x00181164, 'DS', '0.2\\0.1'],
        [0x00280030, 'DS', '0.20\\0.1'],
      ],
      { width: 0.1, height: 0.2, at: 'detector' },
    ],
    [
      'Pixel Spacing that differs from it',
      [
        [0x00181164, 'DS', '0.2\\0.1'],
        [0x00280030, 'DS', '0.15\\0.08'],
      ],
      { width: 0.08, height: 0.15, at: 'patient' },
    ],
    [
      'Pixel Spacing with its calibration',
      [
        [0x00280030, 'DS', '0.2\\0.1'],
        [0x00280a02, 'CS', 'GEOMETRY'],
      ],
      { width: 0.1, height: 0.2, at: 'patient' },
    ],
    ['Pixel Spacing alone', [[0x00280030, 'DS', '0.2\\0.1']], { width: 0.1, height: 0.2, at: 'detector' }],
    [
      'Nominal Scanned Pixel Spacing',
      [[0x00182010, 'DS', '0.2\\0.1']],
      { width: 0.1, height: 0.2, at: 'detector' },
    ],
    ['a spacing of zero', [[0x00181164, 'DS', '0\\0.1']], null],
    ['a spacing that is no number', [[0x00181164, 'DS', '0,2\\0,1']], null],
  ] as const)('have the pixel size of %s', async (_, more, expected) => {
    expect((await read(more as readonly Attribute[])).geometryOf(0).pixel).toEqual(expected);
  });

  it('note an aspect ratio', async () => {
    const { rendering } = await read([[0x00280034, 'IS', '3\\2']]);
    expect(rendering.steps.at(-1)).toBe('pixels 3 high to 2 wide, not made square');
  });
});

describe('slices', () => {
  it('lie where position and orientation say', async () => {
    expect((await read(SLICE, 'CT')).geometryOf(0)).toEqual({
      plane: { position: [-10, 20.5, 30], right: [1, 0, 0], down: [0, 1, 0] },
      directions: { right: 'L', down: 'P' },
      pixel: { width: 0.25, height: 0.5, at: 'patient' },
    });
  });

  it('are named by their largest cosine first', async () => {
    const oblique = '0\\0.8\\-0.6\\-1\\0\\0';
    const image = await read([SLICE[0]!, [0x00200037, 'DS', oblique]], 'MR');
    expect(image.geometryOf(0).directions).toEqual({ right: 'PF', down: 'R' });
  });

  it.each(['2\\0\\0\\0\\1\\0', '1\\0\\0\\1\\0\\0', '1\\0\\0\\0\\1', '1\\0\\0\\0\\x\\0'])(
    'have no plane with the orientation %s',
    async (text) => {
      const image = await read([SLICE[0]!, [0x00200037, 'DS', text]], 'CT');
      expect(image.geometryOf(0).plane).toBeNull();
      expect(image.geometryOf(0).directions).toBeNull();
    },
  );
});

describe('enhanced objects', () => {
  /** Two frames, each with a position, a window and a rescale of its own; orientation and spacing are shared. */
  const frameItem = (z: number, centre: string, intercept: string): readonly Attribute[] => [
    [0x00209113, 'SQ', { items: [[[0x00200032, 'DS', `0\\0\\${z}`]]] }],
    [
      0x00289132,
      'SQ',
      {
        items: [
          [
            [0x00281050, 'DS', centre],
            [0x00281051, 'DS', '201'],
          ],
        ],
      },
    ],
    [
      0x00289145,
      'SQ',
      {
        items: [
          [
            [0x00281052, 'DS', intercept],
            [0x00281053, 'DS', '1'],
          ],
        ],
      },
    ],
  ];
  const file = (open: boolean): Uint8Array =>
    imageFile({
      width: 1,
      height: 1,
      frames: 2,
      pixels: [50, 50],
      modality: 'CT',
      more: [
        [
          0x52009229,
          'SQ',
          {
            open,
            items: [
              [
                [0x00209116, 'SQ', { items: [[[0x00200037, 'DS', '0\\1\\0\\0\\0\\-1']]] }],
                [0x00289110, 'SQ', { open, items: [[[0x00280030, 'DS', '2\\3']]] }],
                [0x00209071, 'SQ', { items: [[[0x00209072, 'CS', 'R']]] }],
              ],
            ],
          },
        ],
        [0x52009230, 'SQ', { open, items: [frameItem(1, '100.5', '0'), frameItem(2, '200.5', '100')] }],
      ],
    });

  it('are parsed once, so asking again does not count towards the limit of attributes', () => {
    const { dataSet } = openFile(file(true), 0);
    expect(dataSet.items(0x52009230)).toHaveLength(2);
    expect(dataSet.items(0x52009230)).toBe(dataSet.items(0x52009230));
  });

  it.each([false, true])('state geometry by frame and for all (open lengths: %s)', async (open) => {
    const image = await readDicom(file(open));
    expect([0, 1].map((frame) => image.geometryOf(frame).plane?.position)).toEqual([
      [0, 0, 1],
      [0, 0, 2],
    ]);
    expect(image.geometryOf(1).directions).toEqual({ right: 'P', down: 'F' });
    expect(image.geometryOf(1).pixel).toEqual({ width: 3, height: 2, at: 'patient' });
    expect(image.source.laterality).toBe('R');
    expect(() => image.geometryOf(2)).toThrow('expected a frame from 0 to 1, got 2');
  });

  it('state windows and rescale by frame', async () => {
    const image = await readDicom(file(true));
    // Frame 0: 50 in a window from 0 to 200. Frame 1: 150 in one from 100 to 300. Both a quarter.
    expect([(await image.frame(0)).data[0], (await image.frame(1)).data[0]]).toEqual([64, 64]);
    expect((await image.renderingOf(1)).window).toEqual({ centre: 200.5, width: 201 });
    expect((await image.renderingOf(1)).steps).toContain('rescaled by 1 x + 100');
  });
});

describe('source', () => {
  it('is what derived objects refer to', async () => {
    const { source } = await read([
      [0x00200013, 'IS', '7'],
      [0x0008103e, 'LO', 'CHEST'],
      [0x00200062, 'CS', 'L'],
      [0x00200060, 'CS', 'R'],
      [0x00200052, 'UI', '1.2.9'],
    ]);
    expect(source).toMatchObject({
      sopClass: '1.2.840.10008.5.1.4.1.1.1',
      sopInstance: '1.2.3.4.5',
      study: '1.2.3.4.1',
      series: '1.2.3.4.2',
      frameOfReference: '1.2.9',
      transferSyntax: '1.2.840.10008.1.2.1',
      modality: 'CR',
      laterality: 'L',
      instanceNumber: 7,
      seriesDescription: 'CHEST',
      inherited: { StudyDate: '20200102', PatientName: 'PLANTED^NAME', PatientID: 'PLANTEDID' },
    });
  });

  it.each([
    ['ISO_IR 100', [0x4d, 0xfc, 0x6c], 'Mül'],
    ['ISO_IR 192', [0x4d, 0xc3, 0xbc, 0x6c], 'Mül'],
    ['ISO_IR 144', [0xbb, 0xee], 'Лю'],
    ['GB18030', [0xcd, 0xf5], '王'],
    // Examples of PS3.5 H.3 and I.2: Yamada in kanji, Hong in hangul.
    ['\\ISO 2022 IR 87', [0x1b, 0x24, 0x42, 0x3b, 0x33, 0x45, 0x44, 0x1b, 0x28, 0x42, 0x5e, 0x41], '山田^A'],
    ['\\ISO 2022 IR 149', [0x1b, 0x24, 0x29, 0x43, 0xfb, 0xf3], '洪'],
    ['ISO_IR 13', [0xd4, 0xcf, 0xc0, 0xde], 'ﾔﾏﾀﾞ'],
    ['NO SUCH SET', [0x41, 0xfc], 'A\ufffd'],
  ])('decodes text of %s', async (terms, bytes, expected) => {
    const { source } = await read([
      [0x00080005, 'CS', terms],
      [0x00100010, 'PN', Uint8Array.from(bytes)],
    ]);
    expect(source.inherited['PatientName']).toBe(expected);
  });

  it('has no UID where the file has none that is valid', async () => {
    const { source } = await read([
      [0x00080018, 'UI', '1.2.'.repeat(2500)],
      [0x0020000d, 'UI', 'not.a.uid'],
    ]);
    expect([source.sopInstance, source.study]).toEqual(['', '']);
  });
});

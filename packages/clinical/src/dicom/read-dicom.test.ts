/** Uncompressed images: encodings, pixel forms, greys and colours, all by values computed by hand. */
import { deflateSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { joined } from '../joined.js';
import { isDicom, readDicom, type ReadDicomOptions } from '../index.js';
import {
  dataSetBytes,
  dicomFile,
  imageAttributes,
  imageFile,
  type TestImage,
  type Attribute,
} from '../testing/dicom-file.js';

const IMPLICIT = '1.2.840.10008.1.2';
const BIG = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

/** One channel of a rendered frame. */
async function greys(file: Uint8Array, options: ReadDicomOptions = {}, frame = 0): Promise<number[]> {
  const { data } = await (await readDicom(file, options)).frame(frame);
  return [...data].filter((_, i) => i % 3 === 0);
}

const RAMP: TestImage = {
  width: 3,
  height: 2,
  pixels: [0, 100, 200, 300, 400, 1000],
  more: [
    [0x00281050, 'DS', '200.5'],
    [0x00281051, 'DS', '401'],
  ],
};
/** Window 200.5 / 401: value / 400, so 0 is black and 400 white. */
const RAMP_GREYS = [0, 64, 128, 191, 255, 255];

describe('encodings', () => {
  it.each([
    ['explicit little endian', {}],
    ['implicit little endian', { syntax: IMPLICIT }],
    ['explicit big endian', { syntax: BIG }],
    ['no preamble', { preamble: false }],
    ['no preamble and no meta header', { preamble: false, meta: false }],
    ['a preamble without a meta header', { meta: false }],
    ['implicit, without any header', { preamble: false, meta: false, syntax: IMPLICIT }],
    ['big endian, without any header', { preamble: false, meta: false, syntax: BIG }],
  ])('%s', async (_, form) => {
    const file = imageFile(RAMP, form);
    expect(isDicom(file)).toBe(true);
    expect(await greys(file)).toEqual(RAMP_GREYS);
  });

  it('implicit attributes under an explicit transfer syntax', async () => {
    const meta = dicomFile([]);
    const file = joined([meta, dataSetBytes(imageAttributes(RAMP), IMPLICIT)]);
    expect(await greys(file)).toEqual(RAMP_GREYS);
  });

  it('deflated, and refused above the limit or cut off', async () => {
    const deflated = deflateSync(dataSetBytes(imageAttributes(RAMP)));
    const file = joined([dicomFile([], { syntax: DEFLATED }), deflated]);
    expect(await greys(file)).toEqual(RAMP_GREYS);
    await expect(readDicom(file, { maxInflated: 100 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(readDicom(file.subarray(0, file.length - 20))).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  });

  it('trailing zeros, private attributes, and sequences of unknown length', async () => {
    const attributes = imageAttributes({
      ...RAMP,
      more: [
        ...(RAMP.more ?? []),
        [0x00091010, 'UN', Uint8Array.of(1, 2, 3, 4)],
        [
          0x00081140,
          'SQ',
          {
            open: true,
            items: [
              [
                [0x00081150, 'UI', '1.2'],
                [0x00081199, 'SQ', { open: true, items: [[]] }],
              ],
            ],
          },
        ],
        [0x00091011, 'SQ', { items: [[[0x00091012, 'LO', 'x']], []] }],
      ],
    });
    const file = joined([dicomFile(attributes), new Uint8Array(1001)]);
    expect(await greys(file)).toEqual(RAMP_GREYS);
  });

  it('says what is DICOM by content', () => {
    expect(isDicom(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))).toBe(false);
    expect(isDicom(new Uint8Array(400))).toBe(false);
    expect(isDicom(new Uint8Array(0))).toBe(false);
    const nifti = new Uint8Array(352);
    nifti[0] = 0x5c;
    nifti[1] = 0x01;
    expect(isDicom(nifti)).toBe(false);
  });
});

describe('grey values', () => {
  it('repeats grey in three channels, and says what was done', async () => {
    const image = await readDicom(imageFile(RAMP));
    const { data, width, height } = await image.frame(0);
    expect([width, height, data.length]).toEqual([3, 2, 18]);
    expect([...data.subarray(3, 6)]).toEqual([64, 64, 64]);
    expect(image.rendering).toEqual({
      steps: ['explicit little endian, MONOCHROME2, 16 bits', 'window 200.5 / 401, number 0 of the file'],
      window: { centre: 200.5, width: 401 },
      inverted: false,
    });
    expect([image.bits, image.colour, image.frames]).toEqual([16, false, 1]);
  });

  it('8 bits, and 12 bits shifted to the top with other bits below', async () => {
    const window = RAMP.more ?? [];
    expect(
      await greys(imageFile({ width: 2, height: 1, allocated: 8, pixels: [0, 200], more: window })),
    ).toEqual([0, 128]);
    const shifted = [0x0000, 0x0c8f, 0x190f].map((value) => value); // 0, 200 and 400 in the upper 12 bits
    expect(
      await greys(imageFile({ width: 3, height: 1, stored: 12, high: 15, pixels: shifted, more: window })),
    ).toEqual([0, 128, 255]);
  });

  it('signed values, 16 bits and 12', async () => {
    const window = [
      [0x00281050, 'DS', '0.5'],
      [0x00281051, 'DS', '201'],
    ] as const; // (x + 100) / 200
    expect(
      await greys(
        imageFile({ width: 5, height: 1, signed: true, pixels: [-100, -50, 0, 50, 100], more: window }),
      ),
    ).toEqual([0, 64, 128, 191, 255]);
    // The upper four bits of a 12-bit sample are rubbish: 0xf000 | 50.
    expect(
      await greys(
        imageFile({ width: 2, height: 1, signed: true, stored: 12, pixels: [0x0fce, 0xf032], more: window }),
      ),
    ).toEqual([64, 191]);
  });

  it('rescales before the window', async () => {
    const file = imageFile({
      width: 3,
      height: 1,
      pixels: [0, 512, 1024],
      more: [
        [0x00281050, 'DS', '0.5'],
        [0x00281051, 'DS', '2049'],
        [0x00281052, 'DS', '-1024'],
        [0x00281053, 'DS', '2'],
        [0x00281054, 'LO', 'HU'],
      ],
    });
    expect(await greys(file)).toEqual([0, 128, 255]); // -1024, 0, 1024
    expect((await readDicom(file)).rendering.steps[1]).toBe('rescaled by 2 x + -1024 HU');
  });

  it('goes through a Modality LUT', async () => {
    const file = imageFile({
      width: 4,
      height: 1,
      pixels: [0, 10, 11, 99],
      more: [
        [0x00281050, 'DS', '200.5'],
        [0x00281051, 'DS', '401'],
        [
          0x00283000,
          'SQ',
          {
            items: [
              [
                [0x00283002, 'US', [3, 10, 16]],
                [0x00283006, 'OW', [0, 200, 400]],
              ],
            ],
          },
        ],
      ],
    });
    expect(await greys(file)).toEqual([0, 0, 128, 255]);
  });

  it.each([
    // C.11.2.1.2: linear has its centre half a unit lower and its width one unit smaller than exact.
    ['LINEAR', '4', '2', [0, 0, 0, 128 /* 3.5 lies at 0.5 */, 255, 255]],
    ['LINEAR_EXACT', '3', '4', [0, 0, 64, 128, 191, 255]],
    ['SIGMOID', '3', '4', [12, 30, 69, 128, 186, 225]],
  ])('window function %s', async (shape, centre, width, expected) => {
    const pixels = shape === 'LINEAR' ? [1, 2, 3, 3.5, 4, 5] : [0, 1, 2, 3, 4, 5];
    const file = imageFile({
      width: 6,
      height: 1,
      pixels: pixels.map((value) => value * 2), // halves by the rescale slope
      more: [
        [0x00281050, 'DS', centre],
        [0x00281051, 'DS', width],
        [0x00281052, 'DS', '0'],
        [0x00281053, 'DS', '0.5'],
        [0x00281056, 'CS', shape],
      ],
    });
    expect(await greys(file)).toEqual(expected);
  });

  it('goes through a VOI LUT', async () => {
    const file = imageFile({
      width: 4,
      height: 1,
      pixels: [0, 5, 6, 7],
      more: [
        [
          0x00283010,
          'SQ',
          {
            items: [
              [
                [0x00283002, 'US', [2, 5, 12]],
                [0x00283006, 'OW', [1000, 4095]],
              ],
            ],
          },
        ],
      ],
    });
    expect(await greys(file)).toEqual([62, 62, 255, 255]); // 1000 / 4095 * 255 = 62.3
    expect((await readDicom(file)).rendering.window).toBeNull();
  });

  it('takes the window asked for: by number, explanation, or in figures', async () => {
    const file = imageFile({
      width: 2,
      height: 1,
      pixels: [100, 400],
      more: [
        [0x00281050, 'DS', '200.5\\100.5'],
        [0x00281051, 'DS', '401\\201'],
        [0x00281055, 'LO', 'WIDE\\NARROW'],
      ],
    });
    expect(await greys(file)).toEqual([64, 255]);
    expect(await greys(file, { window: 1 })).toEqual([128, 255]);
    expect(await greys(file, { window: 'narrow' })).toEqual([128, 255]);
    expect(await greys(file, { window: { centre: 450.5, width: 901 } })).toEqual([28, 113]);
    for (const [window, called] of [
      [2, 'of number 2'],
      ['bone', 'called "bone"'],
    ] as const)
      await expect(readDicom(file, { window, name: 'a.dcm' })).rejects.toMatchObject({
        code: 'IMAGE_WINDOW_UNKNOWN',
        message: `a.dcm: the file has the windows 0 ("WIDE"), 1 ("NARROW"), and none ${called}`,
      });
    await expect(readDicom(file, { window: { centre: 0, width: 0 } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
    const { rendering } = await readDicom(file, { window: { centre: 450.5, width: 901 } });
    expect(rendering.steps).toContain('window 450.5 / 901, as asked for');
  });

  it('warns that a window changes no colours', async () => {
    const file = imageFile({ width: 1, height: 1, samples: 3, allocated: 8, pixels: [1, 2, 3] });
    const { warnings } = await readDicom(file, { window: 0 });
    expect(warnings.map(({ code }) => code)).toEqual(['WINDOW_IGNORED']);
  });

  it('shows slices of one volume in one window, and frames without places each in its own', async () => {
    const plane = (z: number): readonly Attribute[] => [
      [0x00209113, 'SQ', { items: [[[0x00200032, 'DS', `0\\0\\${z}`]]] }],
    ];
    const enhanced = (places: boolean, slopes = [1, 1]): Uint8Array =>
      imageFile({
        ...{ width: 2, height: 1, frames: 2, modality: 'MR', pixels: [0, 100, 100, 200] },
        more: [
          [0x52009229, 'SQ', { items: [[
            [0x00209116, 'SQ', { items: [[[0x00200037, 'DS', '1\\0\\0\\0\\1\\0']]] }],
            [0x00289110, 'SQ', { items: [[[0x00280030, 'DS', '1\\1']]] }],
          ]] }],
          [0x52009230, 'SQ', { items: [0, 1].map((z) => [
            ...(places ? plane(z) : []),
            [0x00289145, 'SQ', { items: [[
              [0x00281052, 'DS', '0'],
              [0x00281053, 'DS', String(slopes[z])],
            ]] }],
          ]) }],
        ],
      }); // prettier-ignore
    const levels = async (file: Uint8Array): Promise<number[]> => {
      const image = await readDicom(file);
      const frames = [await image.frame(1), await image.frame(0)].toReversed();
      return frames.flatMap(({ data }) => [data[0]!, data[3]!]);
    };
    // numpy.percentile([0, 100, 100, 200], [0.5, 99.5]) is [1.5, 198.5].
    expect(await levels(enhanced(true))).toEqual([0, 128, 128, 255]);
    // Outputs are 0, 100, 50 and 100: percentiles 0.75 and 100.
    expect(await levels(enhanced(true, [1, 0.5]))).toEqual([0, 255, 127, 255]);
    expect(await levels(enhanced(false))).toEqual([0, 255, 0, 255]);
    const image = await readDicom(enhanced(true));
    expect(image.rendering.steps).toContain('percentiles 0.5 and 99.5 of the volume’s pixels as window');
    expect((await image.renderingOf(1)).window).toEqual({ centre: 100, width: 197 });
  });

  it('ignores a damaged window, and warns', async () => {
    const file = imageFile({
      width: 2,
      height: 1,
      pixels: [100, 400],
      more: [
        [0x00281050, 'DS', '200'],
        [0x00281051, 'DS', '0'],
      ],
    });
    const image = await readDicom(file);
    expect(image.warnings.map(({ code }) => code)).toEqual(['WINDOW_IGNORED']);
    expect(image.rendering.steps.at(-1)).toContain('percentiles');
  });

  it('without a window takes percentiles, numpy’s, without padding', async () => {
    // 201 values 0..200: the percentiles 0.5 and 99.5 are 1 and 199. 60 pixels of padding would move them.
    const pixels = [...Array.from({ length: 201 }, (_, i) => 1000 + i), ...new Array<number>(60).fill(5)];
    const file = imageFile({ width: 261, height: 1, pixels, more: [[0x00280120, 'US', [5]]] });
    const image = await readDicom(file);
    const values = await greys(file);
    expect([values[0], values[1], values[100], values[199], values[200], values[250]]).toEqual([
      0, 0, 128, 255, 255, 0,
    ]);
    expect(image.rendering.window).toBeNull();
    expect((await image.renderingOf(0)).window).toEqual({ centre: 1100, width: 198 });
  });

  it('leaves out a range of padding', async () => {
    const pixels = [3, 4, 5, ...Array.from({ length: 201 }, (_, i) => 1000 + i)];
    const file = imageFile({
      width: 204,
      height: 1,
      pixels,
      more: [
        [0x00280120, 'US', [5]],
        [0x00280121, 'US', [3]],
      ],
    });
    expect((await (await readDicom(file)).renderingOf(0)).window).toEqual({ centre: 1100, width: 198 });
  });

  it('shows an image of one value as black, and one of two values as both', async () => {
    expect(await greys(imageFile({ width: 2, height: 1, pixels: [7, 7] }))).toEqual([0, 0]);
    const pixels = [9, ...new Array<number>(999).fill(7)];
    expect((await greys(imageFile({ width: 1000, height: 1, pixels })))[0]).toBe(255);
  });

  it.each([
    ['MONOCHROME1', undefined],
    ['MONOCHROME1', 'INVERSE'],
    ['MONOCHROME2', 'INVERSE'],
  ])('%s with a presentation of %s is inverted once', async (photometric, shape) => {
    const more = [...(RAMP.more ?? [])];
    if (shape !== undefined) more.push([0x20500020, 'CS', shape]);
    const file = imageFile({ ...RAMP, photometric, more });
    expect(await greys(file)).toEqual([255, 191, 128, 64, 0, 0]);
    expect((await readDicom(file)).rendering.inverted).toBe(true);
  });

  it('single bits run on from frame to frame', async () => {
    const file = imageFile({
      width: 3,
      height: 1,
      frames: 3,
      allocated: 1,
      pixels: Uint8Array.of(0b10_110_101, 0b1),
      more: [],
    });
    expect(await greys(file)).toEqual([255, 0, 255]);
    expect(await greys(file, {}, 1)).toEqual([0, 255, 255]);
    expect(await greys(file, {}, 2)).toEqual([0, 255, 255]);
  });
});

describe('colours', () => {
  const RGB = [255, 0, 0, 0, 128, 255];
  it.each([
    ['by pixel', 0, RGB],
    ['by plane', 1, [255, 0, 0, 128, 0, 255]],
  ])('RGB %s', async (_, planar, pixels) => {
    const image = await readDicom(
      imageFile({ width: 2, height: 1, samples: 3, allocated: 8, planar, pixels }),
    );
    expect([...(await image.frame(0)).data]).toEqual(RGB);
    expect(image.colour).toBe(true);
  });

  it('RGB of 16 bits', async () => {
    const file = imageFile({ width: 1, height: 1, samples: 3, pixels: [65535, 32768, 257] });
    expect([...(await (await readDicom(file)).frame(0)).data]).toEqual([255, 128, 1]);
  });

  it('YBR_FULL, and YBR_FULL_422 with two pixels to one colour', async () => {
    const red = [76, 85, 255]; // 0.299, -0.169, 0.5 of 255
    const full = imageFile({
      width: 1,
      height: 1,
      samples: 3,
      allocated: 8,
      photometric: 'YBR_FULL',
      pixels: red,
    });
    expect([...(await (await readDicom(full)).frame(0)).data]).toEqual([254, 0, 0]);
    const half = imageFile({
      width: 2,
      height: 1,
      samples: 3,
      allocated: 8,
      photometric: 'YBR_FULL_422',
      pixels: [76, 200, 128, 128],
    });
    expect([...(await (await readDicom(half)).frame(0)).data]).toEqual([76, 76, 76, 200, 200, 200]);
  });

  const palette = (descriptor: readonly number[], tables: readonly (readonly number[])[], tag: number) =>
    [0, 1, 2].flatMap((channel) => [
      [0x00281101 + channel, 'US', descriptor] as const,
      [tag + channel, 'OW', tables[channel]!] as const,
    ]);

  it('a palette of 16 bits, whose ends serve all beyond them', async () => {
    const more = palette(
      [3, 2, 16],
      [
        [0xff00, 0, 0x8000],
        [0, 0xff00, 0],
        [0, 0, 0xff00],
      ],
      0x00281201,
    );
    const file = imageFile({
      width: 4,
      height: 1,
      allocated: 8,
      photometric: 'PALETTE COLOR',
      pixels: [0, 2, 3, 9],
      more,
    });
    expect([...(await (await readDicom(file)).frame(0)).data]).toEqual([
      255, 0, 0, 255, 0, 0, 0, 255, 0, 128, 0, 255,
    ]);
  });

  it('a segmented palette: values, a line, and a copy', async () => {
    // Red: discrete 0, 100; line of 2 to 300; then a copy of the first segment (offset 0).
    const red = [0, 2, 0 << 8, 100 << 8, 1, 2, 200 << 8, 2, 1, 0, 0];
    const flat = [0, 1, 0, 1, 5, 0];
    const more = palette([6, 0, 16], [red, flat, flat], 0x00281221);
    const file = imageFile({
      width: 6,
      height: 1,
      allocated: 8,
      photometric: 'PALETTE COLOR',
      pixels: [0, 1, 2, 3, 4, 5],
      more,
    });
    expect([...(await (await readDicom(file)).frame(0)).data].filter((_, i) => i % 3 === 0)).toEqual([
      0, 100, 150, 200, 0, 100,
    ]);
  });
});

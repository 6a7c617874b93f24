/** How fragments make frames: with a basic or extended offset table, or none. RLE frames of one byte value each. */
import { describe, expect, it } from 'vitest';
import { joined } from '../joined.js';
import { readDicom } from '../index.js';
import { imageFile, type Attribute } from '../testing/dicom-file.js';
import { encodeFrame, phantomFrame } from '../testing/encode.js';

const RLE = '1.2.840.10008.1.2.5';
const JPEG_LOSSLESS = '1.2.840.10008.1.2.4.70';

/** A 2 x 1 frame of 8 bits, both pixels alike, in 66 bytes. */
function rle(value: number): Uint8Array {
  const bytes = new Uint8Array(66);
  bytes.set([1, 0, 0, 0, 64, 0, 0, 0]);
  bytes.set([255, value], 64);
  return bytes;
}

const table = (offsets: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(offsets).buffer);

const file = (
  fragments: readonly Uint8Array[],
  { offsets = [], more = [] }: { offsets?: readonly number[]; more?: readonly Attribute[] } = {},
): Uint8Array =>
  imageFile(
    {
      width: 2,
      height: 1,
      frames: 2,
      allocated: 8,
      pixels: { fragments: [table(offsets), ...fragments] },
      more: [[0x00281050, 'DS', '128'], [0x00281051, 'DS', '256'], ...more],
    },
    { syntax: RLE },
  );

async function frames(bytes: Uint8Array): Promise<number[]> {
  const image = await readDicom(bytes);
  return [(await image.frame(0)).data[0]!, (await image.frame(1)).data[0]!];
}

const parts = [rle(10).subarray(0, 64), rle(10).subarray(64), rle(20)];

describe('fragments', () => {
  it('are frames if there are as many', async () => {
    expect(await frames(file([rle(10), rle(20)]))).toEqual([10, 20]);
  });

  it('are divided by the basic offset table', async () => {
    expect(await frames(file(parts, { offsets: [0, 72 + 10] }))).toEqual([10, 20]);
  });

  it('are divided by the extended offset table', async () => {
    const more: Attribute[] = [
      [0x7fe00001, 'OV', [0, 82]],
      [0x7fe00002, 'OV', [66, 66]],
    ];
    expect(await frames(file(parts, { more }))).toEqual([10, 20]);
  });

  it('are divided where code streams begin', async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((seed) =>
        encodeFrame(phantomFrame(16, 16, { stored: 8, seed }), 'jpeg', {
          lossy: false,
          predictor: 1,
          pointTransform: 0,
        }),
      ),
    );
    const bytes = imageFile(
      {
        width: 16,
        height: 16,
        frames: 2,
        allocated: 8,
        pixels: { fragments: [new Uint8Array(0), one!.subarray(0, 50), one!.subarray(50), two!] },
        more: [
          [0x00281050, 'DS', '128'],
          [0x00281051, 'DS', '256'],
        ],
      },
      { syntax: JPEG_LOSSLESS },
    );
    const image = await readDicom(bytes);
    const second = (await image.frame(1)).data.filter((_, i) => i % 3 === 0);
    expect([...second]).toEqual([...phantomFrame(16, 16, { stored: 8, seed: 2 }).data]);
  });

  it.each([
    ['a table of too few entries', file(parts, { offsets: [0] })],
    ['a table that points between fragments', file(parts, { offsets: [0, 7] })],
    ['no table and too many fragments', file(parts)],
    ['no fragments', file([])],
  ])('with %s are refused', async (_, bytes) => {
    await expect(readDicom(bytes)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });

  it.each([
    ['a segment cut off', rle(10).subarray(0, 64)],
    ['a wrong number of segments', joined([Uint8Array.of(2, 0, 0, 0), rle(10).subarray(4)])],
    ['a segment that starts outside', joined([Uint8Array.of(1, 0, 0, 0, 255, 0, 0, 0), rle(10).subarray(8)])],
    ['a run over the end', joined([rle(0).subarray(0, 64), Uint8Array.of(200, 7)])],
    ['too little', new Uint8Array(10)],
  ])('RLE with %s is refused', async (_, bytes) => {
    const image = await readDicom(file([bytes, rle(20)]));
    await expect(image.frame(0)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect((await image.frame(1)).data[0]).toBe(20);
  });
});

describe('samples of a byte in words of big endian', () => {
  const BIG = '1.2.840.10008.1.2.2';
  it.each([
    ['OW', [20, 10, 40, 30, 60, 50]],
    ['OB', [10, 20, 30, 40, 50, 60]],
  ])('come in their order from %s, across frames of an odd number', async (vr, bytes) => {
    const image = await readDicom(
      imageFile(
        {
          ...{ width: 3, height: 1, frames: 2, allocated: 8, pixels: [] },
          more: [
            [0x00281050, 'DS', '128'],
            [0x00281051, 'DS', '256'],
            [0x7fe00010, vr, Uint8Array.from(bytes)],
          ],
        },
        { syntax: BIG },
      ),
    );
    const grey = async (frame: number): Promise<number[]> =>
      [...(await image.frame(frame)).data].filter((_, i) => i % 3 === 0);
    expect([await grey(0), await grey(1)]).toEqual([
      [10, 20, 30],
      [40, 50, 60],
    ]);
  });
});

import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { endsComplete, readImage, readImageHeader } from './images.js';
import { readMask, readMaskWithValues } from './masks.js';
import { writePngGrey, writePngMask, writePngRgb } from './image-writing.js';
import { errorOf, inFolder } from './testing.js';

/** 16-bit levels; they become round(v / 257). */
const DEEP = Uint16Array.from([0, 1, 128, 129, 257, 32768, 65534, 65535]);
const SHALLOW = [0, 0, 0, 1, 1, 128, 255, 255];
const LEVELS = Uint8Array.from([0, 1, 50, 100, 150, 200, 254, 255]);

const raw = (data: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4): Sharp =>
  sharp(data, { raw: { width: 4, height: 2, channels } });

async function written(dir: string, name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(dir, name), bytes);
  return join(dir, name);
}

/** A PNG header that states a size without pixels, like a decompression bomb. */
function hollowPng(width: number, height: number): Uint8Array {
  const crc = (bytes: Uint8Array): number => {
    let c = 0xffffffff;
    for (const byte of bytes) {
      c ^= byte;
      for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    }
    return (c ^ 0xffffffff) >>> 0;
  };
  const chunk = (type: string, body: Buffer): Buffer => {
    const head = Buffer.concat([Buffer.from(type, 'latin1'), body]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(crc(head), 4);
    return Buffer.concat([frame.subarray(0, 4), head, frame.subarray(4)]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', size),
    chunk('IDAT', deflateSync(Buffer.alloc(64))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('readImage', () => {
  it.each(['png', 'tiff'] as const)(
    'scales 16-bit grey %s by 257 and repeats it in three channels',
    async (format) => {
      await inFolder(async (dir) => {
        const path = await written(
          dir,
          `a.${format}`,
          await raw(DEEP, 1).toColourspace('grey16').toFormat(format, { compression: 'lzw' }).toBuffer(),
        );
        expect(await readImageHeader(path)).toMatchObject({
          width: 4,
          height: 2,
          bits: 16,
          grey: true,
          format,
        });
        expect([...(await readImage(path)).data]).toEqual(SHALLOW.flatMap((v) => [v, v, v]));
        expect([...(await readMask(path)).data]).toEqual([0, 0, 0, 0, 0, 1, 1, 1]); // from half of 65535 on
      });
    },
  );

  it('keeps 8-bit grey, colour and palette values, in PNG and TIFF', async () => {
    await inFolder(async (dir) => {
      const grey = [...LEVELS].flatMap((v) => [v, v, v]);
      const one = raw(LEVELS, 1).toColourspace('b-w');
      for (const [name, bytes] of [
        ['grey.png', await one.clone().png().toBuffer()],
        ['palette.png', await one.clone().png({ palette: true }).toBuffer()],
        ['grey.tif', await one.clone().tiff({ compression: 'lzw' }).toBuffer()],
        ['odd [1].PNG', await one.clone().png().toBuffer()],
      ] as const) {
        expect([...(await readImage(await written(dir, name, bytes))).data], name).toEqual(grey);
      }
      const colour = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
      const path = await written(dir, 'colour.png', await raw(colour, 3).png().toBuffer());
      expect([...(await readImage(path)).data]).toEqual([...colour]);
    });
  });

  it('reads JPEG to within its loss', async () => {
    await inFolder(async (dir) => {
      const flat = new Uint8Array(24).fill(90);
      const path = await written(dir, 'a.jpg', await raw(flat, 3).jpeg({ quality: 95 }).toBuffer());
      for (const value of (await readImage(path)).data) expect(Math.abs(value - 90)).toBeLessThanOrEqual(2); // only rounding, as it is flat
    });
  });

  it('composites alpha onto black, and reads transparent mask pixels as background', async () => {
    await inFolder(async (dir) => {
      const rgba = Uint8Array.from(
        [200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0, 0, 0, 0, 255].flatMap((v) => v),
      ).slice();
      const path = await written(
        dir,
        'a.png',
        await sharp(rgba, { raw: { width: 4, height: 1, channels: 4 } })
          .png()
          .toBuffer(),
      );
      // 200 * 128 / 255 = 100.4, 50.2, 25.1
      expect([...(await readImage(path)).data]).toEqual([200, 100, 50, 100, 50, 25, 0, 0, 0, 0, 0, 0]);
      expect([...(await readMask(path)).data]).toEqual([1, 1, 0, 0]);
    });
  });

  it('applies the orientation tag to image and header', async () => {
    await inFolder(async (dir) => {
      const wide = Uint8Array.from({ length: 16 * 8 }, (_, p) => (p % 16 < 8 ? 250 : 5)); // bright left half
      const bytes = await sharp(wide, { raw: { width: 16, height: 8, channels: 1 } })
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer();
      const path = await written(dir, 'a.jpg', bytes);
      expect(await readImageHeader(path)).toMatchObject({ width: 8, height: 16 });
      const { width, height, data } = await readImage(path);
      expect([width, height]).toEqual([8, 16]);
      expect(data[0]).toBeGreaterThan(200);
      expect(data[(15 * 8 + 7) * 3]).toBeLessThan(50);
    });
  });

  it('reads the same mask from PNG, JPEG and TIFF, and describes its values', async () => {
    await inFolder(async (dir) => {
      const disc = Uint8Array.from({ length: 1024 }, (_, p) =>
        (Math.floor(p / 32) - 15) ** 2 + ((p % 32) - 12) ** 2 < 50 ? 1 : 0,
      );
      const of = (values: Uint8Array): Sharp =>
        sharp(values, { raw: { width: 32, height: 32, channels: 1 } }).toColourspace('b-w');
      for (const [low, high] of [
        [0, 255],
        [0, 128],
        [0, 1],
        [100, 200],
      ] as const) {
        const values = disc.map((value) => (value > 0 ? high : low));
        const jpeg = await of(values).jpeg({ quality: 95 }).toBuffer();
        const png = await sharp(jpeg).toColourspace('b-w').png().toBuffer(); // a JPEG saved as PNG
        const tiff = await sharp(jpeg).toColourspace('b-w').tiff({ compression: 'lzw' }).toBuffer();
        const found = [];
        for (const [name, bytes] of [
          ['a.jpg', jpeg],
          ['a.png', png],
          ['a.tif', tiff],
        ] as const) {
          const path = await written(dir, name, bytes);
          const { mask, values: about, header } = await readMaskWithValues(path);
          expect(mask, path).toEqual(await readMask(path));
          const wrong = mask.data.filter((value, p) => value !== disc[p]).length;
          expect(wrong, `${name} of ${low} and ${high}`).toBeLessThanOrEqual(high === 1 ? 16 : 0); // JPEG only damages 0 and 1
          expect(header).toMatchObject({ width: 32, height: 32, orientation: 1, bits: 8 });
          found.push(about);
        }
        expect(found[1]).toEqual(found[0]);
        expect(found[2]).toEqual(found[0]);
        if (high > 1)
          expect(found[0]).toMatchObject({ rule: 'half', areasBetween: expect.any(Number) as number });
        const exact = await readMaskWithValues(
          await written(dir, 'b.png', await of(values).png().toBuffer()),
        );
        expect(exact.mask.data).toEqual(disc);
        expect(exact.values).toMatchObject({ rule: 'two values', lowest: low, highest: high, between: 0 });
      }
    });
  });

  it('puts the edge of a JPEG mask, blurred by compression, at half brightness', async () => {
    await inFolder(async (dir) => {
      const half = Uint8Array.from({ length: 256 }, (_, p) => (p % 16 < 8 ? 255 : 0));
      const path = await written(
        dir,
        'm.jpg',
        await sharp(half, { raw: { width: 16, height: 16, channels: 1 } })
          .jpeg({ quality: 60 })
          .toBuffer(),
      );
      expect([...(await readMask(path)).data]).toEqual([...half].map((v) => v / 255));
    });
  });

  it('refuses 30,000 x 30,000 pixels by the header', async () => {
    await inFolder(async (dir) => {
      const path = await written(dir, 'huge.png', hollowPng(30_000, 30_000));
      for (const read of [readImage, readMask, readImageHeader]) {
        const { code, message } = await errorOf(read(path));
        expect(code).toBe('IMAGE_TOO_LARGE');
        expect(message).toContain('30000 x 30000');
      }
      const small = await written(dir, 'small.png', await raw(LEVELS, 1).png().toBuffer());
      expect((await errorOf(readImage(small, { maxPixels: 7 }))).code).toBe('IMAGE_TOO_LARGE');
      expect((await readImage(small, { maxPixels: 8 })).width).toBe(4);
    });
  });

  it.each(['png', 'jpeg', 'tiff'] as const)('refuses a %s that is cut short', async (format) => {
    await inFolder(async (dir) => {
      const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 2654435761) >>> 24);
      const bytes = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
        .toFormat(format)
        .toBuffer();
      const path = await written(dir, `a.${format}`, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
      const { code, message } = await errorOf(readImage(path));
      expect(code).toBe('IMAGE_UNREADABLE');
      expect(message.startsWith(path)).toBe(true);
      expect(message).not.toContain('\n');
      expect(await endsComplete(path)).toBe(false);
      expect(await endsComplete(await written(dir, `b.${format}`, bytes))).toBe(format !== 'tiff');
    });
  });

  it('names missing, empty, damaged and foreign files', async () => {
    await inFolder(async (dir) => {
      const code = async (path: string): Promise<string> => (await errorOf(readImage(path))).code;
      expect(await code(join(dir, 'none.png'))).toBe('IMAGE_MISSING');
      expect(await code(dir)).toBe('IMAGE_UNREADABLE');
      expect(await code(await written(dir, 'empty.png', new Uint8Array()))).toBe('IMAGE_UNREADABLE');
      expect(await code(await written(dir, 'text.png', Buffer.from('no image at all')))).toBe(
        'IMAGE_UNREADABLE',
      );
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
      expect(await code(await written(dir, 'a.svg', Buffer.from(svg)))).toBe('IMAGE_UNSUPPORTED');
      const cmyk = await raw(new Uint8Array(32).fill(7), 4).toColourspace('cmyk').jpeg().toBuffer();
      expect(await code(await written(dir, 'cmyk.jpg', cmyk))).toBe('IMAGE_UNSUPPORTED');
    });
  });
});

describe('writing PNG', () => {
  it('reads back what was written, deterministically, and leaves no other file', async () => {
    await inFolder(async (dir) => {
      const rgb = { width: 4, height: 2, data: Uint8Array.from({ length: 24 }, (_, i) => 255 - i * 9) };
      await writePngRgb(join(dir, 'deep', 'rgb.png'), rgb);
      await writePngRgb(join(dir, 'deep', 'twin.png'), rgb);
      expect([...(await readImage(join(dir, 'deep', 'rgb.png'))).data]).toEqual([...rgb.data]);
      expect(await readFile(join(dir, 'deep', 'rgb.png'))).toEqual(
        await readFile(join(dir, 'deep', 'twin.png')),
      );
      const mask = { width: 4, height: 2, data: Uint8Array.from([0, 1, 1, 0, 0, 0, 1, 1]) };
      await writePngMask(join(dir, 'deep', 'mask.png'), mask);
      expect([...(await readMask(join(dir, 'deep', 'mask.png'))).data]).toEqual([...mask.data]);
      const stored = await sharp(join(dir, 'deep', 'mask.png'))
        .toColourspace('b-w')
        .raw()
        .toBuffer();
      expect([...stored]).toEqual([...mask.data].map((v) => v * 255));
      await writePngGrey(join(dir, 'deep', 'grey.png'), { width: 4, height: 2, data: LEVELS });
      expect(await readImageHeader(join(dir, 'deep', 'grey.png'))).toMatchObject({ grey: true, bits: 8 });
      expect((await readdir(join(dir, 'deep'))).sort()).toEqual([
        'grey.png',
        'mask.png',
        'rgb.png',
        'twin.png',
      ]);
    });
  });

  it('names the place that it cannot write', async () => {
    await inFolder(async (dir) => {
      const file = await written(dir, 'file', Buffer.from('x'));
      const error = await errorOf(writePngGrey(join(file, 'a.png'), { width: 4, height: 2, data: LEVELS }));
      expect(error.code).toBe('OUTPUT_UNWRITABLE');
      expect(await readdir(dir)).toEqual(['file']);
    });
  });

  // Linux's /proc exists but answers ENOENT for anything created in it.
  it.skipIf(!existsSync('/proc/self'))(
    'says where no folder can be made, instead of trying for ever',
    async () => {
      const error = await errorOf(
        writePngGrey('/proc/none/deep/a.png', { width: 4, height: 2, data: LEVELS }),
      );
      expect(error.code).toBe('OUTPUT_UNWRITABLE');
      expect(error.message).toContain('/proc/none/deep: cannot be written (ENOENT');
    },
  );
});

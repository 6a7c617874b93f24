import { describe, expect, it } from 'vitest';
import { knowImage, knowNote, knowOptions } from './inputs.js';

const rgb = Uint8Array.of(255, 0, 0, 0, 255, 0);
const pixels = (data: unknown, width: unknown = 2, height: unknown = 1): unknown => ({ width, height, data });

describe('an image', () => {
  it.each([
    ['Uint8Array', rgb],
    ['Buffer', Buffer.from(rgb)],
    ['ArrayBuffer', rgb.buffer],
    ['DataView', new DataView(rgb.buffer)],
    ['Blob', new Blob([rgb])],
  ])('may be the bytes of a file: %s', async (_, image) => {
    const known = await knowImage(image, '');
    expect(known.kind === 'file' && [...known.bytes]).toEqual([...rgb]);
  });

  it('may be pixels, with opacity over black', async () => {
    const rgba = Uint8ClampedArray.of(255, 0, 0, 255, 0, 255, 0, 51);
    for (const [data, expected] of [
      [rgb, [255, 0, 0, 0, 255, 0]],
      [new Uint8ClampedArray(rgb), [255, 0, 0, 0, 255, 0]],
      [rgba, [255, 0, 0, 0, 51, 0]],
    ] as const) {
      const known = await knowImage(pixels(data), '');
      expect(known.kind === 'pixels' && [...known.image.data]).toEqual(expected);
    }
  });

  it('may be a path or URL', async () => {
    const url = new URL('file:///a.png');
    expect(await knowImage(url, '')).toEqual({ kind: 'place', place: url });
  });

  it.each([
    ['null', null, 'IMAGE_UNSUPPORTED'],
    ['nothing', undefined, 'IMAGE_UNSUPPORTED'],
    ['a number', 3, 'IMAGE_UNSUPPORTED'],
    ['an empty object', {}, 'IMAGE_UNSUPPORTED'],
    ['floats of 0 to 1', pixels(Float32Array.from(rgb, (v) => v / 255)), 'IMAGE_UNSUPPORTED'],
    ['16-bit values', pixels(Uint16Array.from(rgb)), 'IMAGE_UNSUPPORTED'],
    ['signed bytes', pixels(new Int8Array(6)), 'IMAGE_UNSUPPORTED'],
    ['a list', pixels([...rgb]), 'IMAGE_UNSUPPORTED'],
    ['no data', pixels(null), 'IMAGE_UNSUPPORTED'],
    ['a width of text', pixels(rgb, '2'), 'IMAGE_UNSUPPORTED'],
    ['too few values', pixels(rgb, 3), 'IMAGE_UNREADABLE'],
    ['one value a pixel', pixels(Uint8Array.of(1, 2)), 'IMAGE_UNREADABLE'],
    ['a negative size', pixels(rgb, -2, -1), 'IMAGE_UNREADABLE'],
    ['a size that is none', pixels(rgb, Number.NaN), 'IMAGE_UNREADABLE'],
  ])('is refused by code as %s', async (_, image, code) => {
    await expect(knowImage(image, '')).rejects.toMatchObject({ code });
  });
});

describe('a note and options', () => {
  it.each([null, undefined, 3, Buffer.from('left'), {}, ['left']])(
    'a note of another type is NOTE_INVALID: %j',
    (note) => {
      expect(() => knowNote(note)).toThrow(expect.objectContaining({ code: 'NOTE_INVALID' }));
    },
  );

  it.each([
    { threshold: Number.NaN },
    { threshold: 2 },
    { maxPixels: -1 },
    { maxPixels: Number.NaN },
    { signal: {} },
    null,
    'fast',
  ])('%j is OPTION_INVALID', (options) => {
    expect(() => knowOptions(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

import { describe, expect, it } from 'vitest';
import { flip, mirror, quarterTurn, type Mask, type RgbImage } from './raster.js';

const mask: Mask = { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }; // 1 2 3 / 4 5 6

const coloured = (values: Uint8Array): Uint8Array =>
  Uint8Array.from([...values].flatMap((v) => [v, v + 100, v + 200]));
const rgb: RgbImage = { width: 3, height: 2, data: coloured(mask.data) };

describe.each([
  ['mirror', mirror, 3, [3, 2, 1, 6, 5, 4]],
  ['flip', flip, 3, [4, 5, 6, 1, 2, 3]],
  ['a quarter turn to the left', (r: Mask) => quarterTurn(r, 1), 2, [3, 6, 2, 5, 1, 4]],
  ['a half turn', (r: Mask) => quarterTurn(r, 2), 3, [6, 5, 4, 3, 2, 1]],
  ['a quarter turn to the right', (r: Mask) => quarterTurn(r, -1), 2, [4, 1, 5, 2, 6, 3]],
  ['a full turn', (r: Mask) => quarterTurn(r, 4), 3, [1, 2, 3, 4, 5, 6]],
])('%s', (_, operation, width, expected) => {
  it('moves pixels of masks and images, channels together', () => {
    const data = Uint8Array.from(expected);
    expect(operation(mask)).toEqual({ width, height: 6 / width, data });
    expect(operation(rgb)).toEqual({ width, height: 6 / width, data: coloured(data) });
  });

  it('makes a copy', () => {
    expect(operation(mask).data).not.toBe(mask.data);
  });
});

describe('bad input', () => {
  it('is refused: data of neither an image nor a mask, half a quarter turn', () => {
    expect(() => mirror({ width: 3, height: 2, data: new Uint8Array(12) })).toThrow(
      expect.objectContaining({
        code: 'IMAGE_UNREADABLE',
        message: 'expected 1 or 3 values a pixel for 3 x 2 pixels, got 12 values',
      }),
    );
    expect(() => flip({ width: 0, height: 2, data: new Uint8Array(0) })).toThrow(/1 or 3 values/);
    expect(() => quarterTurn(mask, 0.5)).toThrow(/integer number of turns/);
  });
});

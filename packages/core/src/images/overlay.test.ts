import { describe, expect, it } from 'vitest';
import { COLOURS, contour, overlay } from './overlay.js';
import type { Mask } from './raster.js';

const mask = (rows: string): Mask => {
  const lines = rows.split('/');
  return {
    width: lines[0]?.length ?? 0,
    height: lines.length,
    data: Uint8Array.from(lines.join(''), Number),
  };
};
const show = ({ width, height, data }: Mask): string =>
  Array.from({ length: height }, (_, y) => data.slice(y * width, (y + 1) * width).join('')).join('/');

describe('contour', () => {
  it('is the rim inside the mask, also along the image’s border', () => {
    expect(show(contour(mask('00000/01110/01110/01110/00000')))).toBe('00000/01110/01010/01110/00000');
    expect(show(contour(mask('111/111/111')))).toBe('111/101/111');
    expect(show(contour(mask('11111/11111/11111/11111/11111'), 2))).toBe('11111/11111/11011/11111/11111');
  });

  it('counts diagonal neighbours as distance 1', () => {
    expect(show(contour(mask('11111/11111/11111/11111/11110')))).toBe('11111/10001/10001/10011/11110');
  });

  it('is empty for thickness 0 and an empty mask', () => {
    expect(show(contour(mask('11/11'), 0))).toBe('00/00');
    expect(show(contour(mask('00/00'), 3))).toBe('00/00');
  });
});

describe('overlay', () => {
  const grey = { width: 3, height: 3, data: new Uint8Array(27).fill(100) };

  it('mixes the fill, draws the contour opaque and leaves the rest', () => {
    const block = mask('111/111/111');
    const out = overlay(grey, block, { colour: [200, 100, 0], fill: 0.5, contour: 1 });
    expect([...out.data.slice(12, 15)]).toEqual([150, 100, 50]); // the centre
    expect([...out.data.slice(0, 3)]).toEqual([200, 100, 0]); // a corner
    expect(overlay(grey, mask('000/000/000')).data).toEqual(grey.data);
    expect(grey.data.every((v) => v === 100)).toBe(true);
    const plain = overlay(grey, block);
    expect([...plain.data.slice(0, 3)]).toEqual([...COLOURS.orange]);
    expect([...plain.data.slice(12, 15)]).toEqual([146, 121, 65]); // 0.35 orange + 0.65 of 100, rounded
  });

  it('fills in white without wrapping round', () => {
    const white = { width: 1, height: 1, data: new Uint8Array(3).fill(255) };
    expect([...overlay(white, mask('1'), { colour: [255, 255, 255], fill: 0.3, contour: 0 }).data]).toEqual([
      255, 255, 255,
    ]);
  });

  it('refuses a mask of another size', () => {
    expect(() => overlay(grey, mask('11/11'))).toThrow(
      expect.objectContaining({
        code: 'MASK_SIZE_MISMATCH',
        message: 'overlay: the image is 3 x 3, the mask 2 x 2',
      }),
    );
  });
});

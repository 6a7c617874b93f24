import { describe, expect, it } from 'vitest';
import { differentSizes, turnOf } from './orientation.js';

describe('differentSizes', () => {
  const wide = { width: 16, height: 8 };
  const tall = { width: 8, height: 16 };
  it('names the image’s or the mask’s tag that explains it', () => {
    expect(differentSizes({ ...wide, orientation: 1 }, { ...tall, orientation: 6 })).toBe(
      "the mask has 16 x 8 pixels, expected its image's 8 x 16: the image has the orientation tag 6 (turned a quarter clockwise), which is applied, and the mask has no orientation tag; turn the mask to match the image as viewers show it, or save both without a tag",
    );
    expect(differentSizes({ ...tall, orientation: 8 }, { ...wide, orientation: 1 })).toContain(
      'the image has no orientation tag, and the mask has the orientation tag 8 (turned a quarter counter-clockwise), which is applied',
    );
  });

  it('names no tag that does not explain it', () => {
    const sizes = "the mask has 16 x 8 pixels, expected its image's 8 x 16";
    expect(differentSizes(wide, tall)).toBe(sizes);
    expect(differentSizes({ ...wide, orientation: 6 }, { ...tall, orientation: 6 })).toBe(sizes);
    expect(differentSizes({ width: 4, height: 4, orientation: 1 }, { ...tall, orientation: 6 })).toBe(
      "the mask has 4 x 4 pixels, expected its image's 8 x 16",
    );
  });

  it('says how each tag turns', () => {
    expect(turnOf(3)).toBe('turned upside down');
    expect(turnOf(9)).toBe('unknown');
  });
});

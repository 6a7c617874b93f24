/**
 * R and L in the corners of an exported overlay, so that it says by itself which side is which. Their outlines are those of
 * Inter SemiBold (SIL Open Font License), in thousandths of the letter's height; edges are smoothed.
 */
import type { RgbImage } from '@reclmis/core';
import { pointsOf } from '../edit/action.js';
import { scanPolygon } from '../edit/polygon.js';
import type { Side } from './subject.js';

const OUTLINES: Readonly<Record<Side, readonly (readonly number[])[]>> = {
  R: [
    [179,1000,0,1000,0,0,374,0,429,3,480,10,526,23,567,40,604,62,636,89,663,119,686,153,704,190,716,231,724,274,726,320,724,366,716,409,703,449,686,486,663,519,635,548,603,573,566,595,561,597,556,599,551,601,546,603,763,1000,562,1000,366,633,179,633],
    [179,150,179,485,348,485,380,483,409,480,435,474,458,465,478,455,496,442,510,427,522,409,531,390,538,369,542,345,543,320,542,294,538,270,531,248,522,229,510,211,496,195,478,182,458,170,435,162,408,155,379,152,346,150],
  ],
  L: [[621,1000,0,1000,0,0,179,0,179,849,621,849]],
}; // prettier-ignore
const WIDTHS: Readonly<Record<Side, number>> = { R: 0.763, L: 0.621 };
/** Lines and columns that each pixel is divided into. */
const FINER = 4;
const LEAST_HEIGHT = 9;

/** Draws the letters over a copy of an image, white on a black ground, at its own left and right edge. */
export function withLetters(image: RgbImage, [left, right]: readonly [left: Side, right: Side]): RgbImage {
  const { width, height } = image;
  const size = Math.max(LEAST_HEIGHT, Math.round(Math.min(width, height) / 28));
  const pad = Math.max(2, Math.round(size / 3));
  const margin = Math.round(size / 2);
  const drawn = { width, height, data: image.data.slice() };
  draw(drawn, left, margin, margin, size, pad);
  const box = Math.ceil(WIDTHS[right] * size) + 2 * pad;
  draw(drawn, right, width - margin - box, margin, size, pad);
  return drawn;
}

/** A letter on its ground, whose upper left corner is at x and y. */
function draw(image: RgbImage, letter: Side, x: number, y: number, size: number, pad: number): void {
  const box = Math.ceil(WIDTHS[letter] * size) + 2 * pad;
  const tall = size + 2 * pad;
  const cover = new Uint8Array(box * tall); // of FINER x FINER parts
  const rings = OUTLINES[letter].map((ring) =>
    pointsOf(ring).map((at) => ({
      x: (pad + (at.x * size) / 1000) * FINER,
      y: (pad + (at.y * size) / 1000) * FINER,
    })),
  );
  scanPolygon(rings, tall * FINER, (line, from, to) => {
    for (let column = from; column < to; column++) {
      const p = Math.floor(line / FINER) * box + Math.floor(column / FINER);
      cover[p] = cover[p]! + 1;
    }
  });
  for (let j = 0; j < tall; j++) {
    for (let i = 0; i < box; i++) {
      const [column, row] = [x + i, y + j];
      if (column < 0 || row < 0 || column >= image.width || row >= image.height) continue;
      const grey = Math.round((255 * cover[j * box + i]!) / FINER ** 2);
      image.data.fill(grey, (row * image.width + column) * 3, (row * image.width + column) * 3 + 3);
    }
  }
}

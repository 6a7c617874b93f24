/** Orientations of a square picture, except upright. */
import type { Mask } from '@reclmis/core';
import type { Turn } from './types.js';

/** Width and height stay. */
export const STRAIGHT_TURNS = ['mirror', 'flip', 'half turn'] as const satisfies readonly Turn[];
export const TURNS = [
  ...STRAIGHT_TURNS,
  'quarter turn left',
  'quarter turn right',
  'transpose',
  'anti',
] as const satisfies readonly Turn[];

/** What was done to a mask if this turn undoes it. */
export const TURN_WORDS: Readonly<Record<Turn, string>> = {
  mirror: 'mirrored left to right',
  flip: 'flipped upside down',
  'half turn': 'turned by 180 degrees',
  'quarter turn left': 'turned by 90 degrees to the left',
  'quarter turn right': 'turned by 90 degrees to the right',
  transpose: 'mirrored along the diagonal from the upper left',
  anti: 'mirrored along the diagonal from the upper right',
};

/** Each pixel's source, in a square of side n. */
export function turnedFrom(turn: Turn, n: number): Int32Array {
  const from = new Int32Array(n * n);
  const last = n - 1;
  for (let y = 0, p = 0; y < n; y++) {
    for (let x = 0; x < n; x++, p++) {
      const [sx, sy] = source(turn, x, y, last, last);
      from[p] = sy * n + sx;
    }
  }
  return from;
}

export function turnMask(mask: Mask, turn: Turn): Mask {
  const straight = (STRAIGHT_TURNS as readonly Turn[]).includes(turn);
  const [width, height] = straight ? [mask.width, mask.height] : [mask.height, mask.width];
  const data = new Uint8Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const [sx, sy] = source(turn, x, y, mask.width - 1, mask.height - 1);
      data[p] = mask.data[sy * mask.width + sx] as number;
    }
  }
  return { width, height, data };
}

function source(turn: Turn, x: number, y: number, right: number, bottom: number): readonly [number, number] {
  switch (turn) {
    case 'mirror':
      return [right - x, y];
    case 'flip':
      return [x, bottom - y];
    case 'half turn':
      return [right - x, bottom - y];
    case 'quarter turn left':
      return [right - y, x];
    case 'quarter turn right':
      return [y, bottom - x];
    case 'transpose':
      return [y, x];
    case 'anti':
      return [right - y, bottom - x];
  }
}

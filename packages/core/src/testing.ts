/** Masks for tests. */
import fc from 'fast-check';
import type { Mask } from './images/raster.js';

/** Rows separated by `/`: `#` is foreground. */
export function drawnMask(rows: string): Mask {
  const lines = rows.split('/');
  return {
    width: lines[0]!.length,
    height: lines.length,
    data: Uint8Array.from([...lines.join('')].map((c) => (c === '#' ? 1 : 0))),
  };
}

/** 1 to 12 pixels a side. */
export const anyMask = fc
  .record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((data): Mask => ({ width, height, data })),
  );

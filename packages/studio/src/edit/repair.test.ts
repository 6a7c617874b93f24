import type { Mask } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { Recorder } from './patch.js';
import { fillHoles, keepLargest } from './repair.js';

const drawn = (...rows: string[]): Mask => ({
  width: rows[0]!.length,
  height: rows.length,
  data: Uint8Array.from(rows.join(''), (sign) => (sign === '#' ? 1 : 0)),
});
const shown = ({ width, height, data }: Mask): string[] =>
  Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), (value) => (value === 1 ? '#' : '.')).join(''),
  );

describe('fillHoles', () => {
  it('fills what the mask encloses, also across corners, and leaves bays open', () => {
    const mask = drawn('.###...', '.#.#.##', '..#..#.', '.#.....', '####...', '#..#...', '####..#');
    const recorder = new Recorder(mask);
    fillHoles(recorder, mask);
    expect(shown(mask)).toEqual([
      '.###...',
      '.###.##',
      '..#..#.',
      '.#.....',
      '####...',
      '####...',
      '####..#',
    ]);
    expect(recorder.take()).toMatchObject({ gain: 3, rect: { x: 1, y: 1, width: 2, height: 5 } });
  });

  it('changes nothing of masks without holes', () => {
    for (const mask of [drawn('...', '...'), drawn('###', '###'), drawn('#.#', '#.#')]) {
      const recorder = new Recorder(mask);
      fillHoles(recorder, mask);
      expect(recorder.take()).toEqual({ runs: new Int32Array(), rect: null, gain: 0 });
    }
  });
});

describe('keepLargest', () => {
  it('keeps one component; corners belong together, and of equal ones the first stays', () => {
    const mask = drawn('##..#', '....#', '.#..#', '..#..', '...#.');
    keepLargest(new Recorder(mask), mask);
    expect(shown(mask)).toEqual(['....#', '....#', '....#', '.....', '.....']);
    const corner = drawn('##..#', '....#', '.#.#.', '..#..', '.....');
    keepLargest(new Recorder(corner), corner);
    expect(shown(corner)).toEqual(['....#', '....#', '.#.#.', '..#..', '.....']);
  });

  it('changes nothing of empty masks and of one component', () => {
    for (const mask of [drawn('..', '..'), drawn('#.', '.#')]) {
      const recorder = new Recorder(mask);
      keepLargest(recorder, mask);
      expect(recorder.take().runs).toHaveLength(0);
    }
  });
});

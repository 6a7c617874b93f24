import { Random, type Mask, type RgbImage } from '@reclmis/core';
import { SHIPS } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { AUGMENT_DEFAULTS } from './augment-options.js';
import { applyAugment, augment, augmentRandom, drawAugment, NO_AUGMENT } from './augment.js';
import { NoteMotions } from './note-motions.js';
import type { Sample } from './types.js';

const SIZE = 32;
const PLACED = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const PLACELESS = 'The nuclei are evenly distributed.';

/** A bright square in the picture's upper right, the patient's left; colour or grey. */
function sample(note: string, colour = false): Sample {
  const image: RgbImage = { width: SIZE, height: SIZE, data: new Uint8Array(SIZE * SIZE * 3) };
  const mask: Mask = { width: SIZE, height: SIZE, data: new Uint8Array(SIZE * SIZE) };
  for (let y = 0; y < SIZE; y += 1) {
    for (let x = 0; x < SIZE; x += 1) {
      const p = y * SIZE + x;
      const inside = x >= 20 && x < 28 && y >= 4 && y < 12;
      if (inside) mask.data[p] = 1;
      image.data.set(
        inside ? [200, colour ? 90 : 200, colour ? 40 : 200] : [60, 60, colour ? 80 : 60],
        p * 3,
      );
    }
  }
  return { id: 'case', image, mask, note };
}

/** Place of the mask's middle: -1 left or top, 1 right or bottom. */
function placeOf({ width, height, data }: Mask): { x: number; y: number } {
  let [sx, sy, n] = [0, 0, 0];
  data.forEach((value, p) => {
    if (value > 0) [sx, sy, n] = [sx + (p % width), sy + Math.floor(p / width), n + 1];
  });
  return { x: Math.sign(sx / n - (width - 1) / 2), y: Math.sign(sy / n - (height - 1) / 2) };
}

describe('augment', () => {
  it('keeps note and image true to each other in every draw', () => {
    let mirrored = 0;
    for (let epoch = 0; epoch < 200; epoch += 1) {
      const out = augment(sample(PLACED), augmentRandom(1, epoch, 'case'));
      const { x, y } = placeOf(out.mask);
      expect(y).toBe(-1); // the note says upper
      expect(out.note).toBe(x === 1 ? PLACED : PLACED.replace('left', 'right')); // the patient's left is on the image's right
      if (x === -1) mirrored += 1;
    }
    // 200 draws at p 0.5: 100 +- 7; five deviations allowed.
    expect(mirrored).toBeGreaterThan(65);
    expect(mirrored).toBeLessThan(135);
  });

  it.each([
    'Infiltrat im linken Oberfeld.',
    'Opacité du lobe supérieur gauche.',
    '左肺上叶',
    'Infection, upper lung (L).',
    'Infection at 2 o’clock.',
    'Upper left lung, none rechts.', // the first side alone could be exchanged
    'LUZ',
    'opacities, left and rul',
  ])('neither mirrors nor turns under %s, whose sides it could not exchange', (note) => {
    for (let epoch = 0; epoch < 50; epoch += 1) {
      const random = (): Random => augmentRandom(1, epoch, 'case');
      expect(drawAugment(note, random())).toMatchObject({ turns: 0, mirror: false, flip: false });
      const out = augment(sample(note), random());
      expect([out.note, placeOf(out.mask)]).toEqual([note, { x: 1, y: -1 }]);
    }
  });

  it('mirrors, and never turns, under heights in other words', () => {
    const note = 'Beide Oberfelder.';
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 50; epoch += 1) {
      const out = augment(sample(note), augmentRandom(1, epoch, 'case'));
      const { x, y } = placeOf(out.mask);
      expect([out.note, y]).toEqual([note, -1]);
      seen.add(String(x));
    }
    expect(seen).toEqual(new Set(['1', '-1']));
  });

  it('exchanges the sides of a vocabulary’s own sentences', () => {
    const motions = new NoteMotions(SHIPS);
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 50; epoch += 1) {
      const out = augment(sample('Hole, port.'), augmentRandom(1, epoch, 'case'), {}, motions);
      seen.add(`${out.note} ${JSON.stringify(placeOf(out.mask))}`);
    }
    expect(seen).toEqual(new Set(['Hole, port. {"x":1,"y":-1}', 'Hole, starboard. {"x":-1,"y":-1}']));
  });

  it('turns and flips where the note names no place, and in upstream mode under any note', () => {
    for (const [note, options] of [
      [PLACELESS, {}],
      [PLACED, { mode: 'upstream' }],
    ] as const) {
      const seen = new Set<string>();
      for (let epoch = 0; epoch < 200; epoch += 1) {
        const out = augment(sample(note), augmentRandom(1, epoch, 'case'), options);
        expect(out.note).toBe(note);
        const { x, y } = placeOf(out.mask);
        seen.add(`${x},${y}`);
      }
      expect(seen).toEqual(new Set(['1,-1', '-1,-1', '1,1', '-1,1']));
    }
  });

  it('is decided by seed, epoch and id, and leaves its input alone', () => {
    const given = sample(PLACED, true);
    const before = given.image.data.slice();
    const first = augment(given, augmentRandom(3, 5, 'x'));
    expect(augment(given, augmentRandom(3, 5, 'x'))).toEqual(first);
    expect(given.image.data).toEqual(before);
    const others = [augmentRandom(4, 5, 'x'), augmentRandom(3, 6, 'x'), augmentRandom(3, 5, 'y')].map(
      (random) => augment(given, random),
    );
    for (const other of others) expect(other.image.data).not.toEqual(first.image.data);
  });

  it('does nothing in mode none', () => {
    const given = sample(PLACED);
    expect(augment(given, Random.from(1), { mode: 'none' })).toBe(given);
    expect(applyAugment(given, NO_AUGMENT)).toEqual(given);
  });

  it('draws within the ranges and with the probabilities of the method', () => {
    const plans = Array.from({ length: 2000 }, (_, epoch) =>
      drawAugment(PLACELESS, augmentRandom(1, epoch, 'case')),
    );
    const share = (test: (plan: (typeof plans)[number]) => boolean): number =>
      plans.filter(test).length / plans.length;
    // A share of 0.5 over 2000 draws has a deviation of 0.011; four are allowed.
    for (const test of [
      (p: (typeof plans)[number]) => p.blurSigma > 0,
      (p: (typeof plans)[number]) => p.brightness !== 0,
      (p: (typeof plans)[number]) => p.contrast !== 1,
      (p: (typeof plans)[number]) => p.saturation !== 1,
      (p: (typeof plans)[number]) => p.hueDegrees !== 0,
      (p: (typeof plans)[number]) => p.mirror || p.flip,
    ]) {
      expect(Math.abs(share(test) - 0.5)).toBeLessThan(0.045);
    }
    expect(Math.abs(share((p) => p.rotateDegrees !== 0) - 0.25)).toBeLessThan(0.04);
    for (const plan of plans) {
      if (plan.blurSigma > 0) expect(plan.blurSigma).toBeGreaterThanOrEqual(0.5);
      expect(plan.blurSigma).toBeLessThanOrEqual(1);
      expect(Math.abs(plan.brightness)).toBeLessThanOrEqual(AUGMENT_DEFAULTS.brightness);
      expect(Math.abs(plan.contrast - 1)).toBeLessThanOrEqual(0.5);
      expect(Math.abs(plan.hueDegrees)).toBeLessThanOrEqual(36);
      expect(Math.abs(plan.rotateDegrees)).toBeLessThanOrEqual(20);
    }
  });
});

describe('the single changes', () => {
  const pixel = (rgb: readonly number[], plan: Partial<typeof NO_AUGMENT>): number[] => {
    const image = { width: 1, height: 1, data: Uint8Array.from(rgb) };
    const given = { id: 'a', image, mask: { width: 1, height: 1, data: Uint8Array.of(1) }, note: '' };
    return [...applyAugment(given, { ...NO_AUGMENT, ...plan }).image.data];
  };

  it('brightness adds, contrast multiplies, both clip', () => {
    expect(pixel([10, 100, 250], { brightness: 20 })).toEqual([30, 120, 255]);
    expect(pixel([10, 100, 250], { brightness: -20 })).toEqual([0, 80, 230]);
    expect(pixel([10, 100, 250], { contrast: 1.5 })).toEqual([15, 150, 255]);
    expect(pixel([40, 40, 40], { contrast: 0.5, brightness: 10, saturation: 0.5 })).toEqual([25, 25, 25]);
  });

  it('saturation and hue act in the HSV cone', () => {
    // Value 200, chroma 100: half the saturation halves the chroma, twice (at most) doubles it.
    expect(pixel([200, 150, 100], { saturation: 0.5 })).toEqual([200, 175, 150]);
    expect(pixel([200, 150, 100], { saturation: 3 })).toEqual([200, 100, 0]);
    expect(pixel([255, 0, 0], { hueDegrees: 120 })).toEqual([0, 255, 0]);
    expect(pixel([255, 0, 0], { hueDegrees: -120 })).toEqual([0, 0, 255]);
    expect(pixel([255, 0, 0], { hueDegrees: 30 })).toEqual([255, 128, 0]);
    expect(pixel([90, 90, 90], { hueDegrees: 30, saturation: 1.4 })).toEqual([90, 90, 90]);
  });

  it('blur is the normalised Gaussian: a flat image stays, a point spreads to the kernel', () => {
    const flat = applyAugment(sample(PLACED), { ...NO_AUGMENT, blurSigma: 0.7 }).image.data;
    expect(flat[0]).toBe(60); // far from the square, mirrored edges stay flat
    const point = { width: 9, height: 9, data: new Uint8Array(243) };
    point.data.fill(255, 40 * 3, 41 * 3);
    const given = {
      id: 'a',
      image: point,
      mask: { width: 9, height: 9, data: new Uint8Array(81) },
      note: '',
    };
    const blurred = applyAugment(given, { ...NO_AUGMENT, blurSigma: 1 }).image.data;
    // exp(-1/2) between centre and neighbour, with weights of -3..3 normalised: 0.3991 and 0.2420
    expect(blurred[40 * 3]).toBe(Math.round(255 * 0.39905 ** 2));
    expect(blurred[41 * 3]).toBe(Math.round(255 * 0.39905 * 0.24204));
    expect(blurred[49 * 3]).toBe(blurred[41 * 3]);
  });

  it('rotation turns counter-clockwise about the centre, image and mask alike', () => {
    const turned = applyAugment(sample(PLACED), { ...NO_AUGMENT, rotateDegrees: 20 });
    const centre = (data: ArrayLike<number>, step: number, least: number): [number, number] => {
      let [x, y, n] = [0, 0, 0];
      for (let p = 0; p < SIZE * SIZE; p += 1) {
        if ((data[p * step] as number) >= least)
          [x, y, n] = [x + (p % SIZE) - 15.5, y + Math.floor(p / SIZE) - 15.5, n + 1];
      }
      return [x / n, y / n];
    };
    // The square's middle (8, -8) turns to (8 cos 20 - 8 sin 20, -8 sin 20 - 8 cos 20); half a pixel for the grid.
    const [c, s] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)];
    for (const [x, y] of [centre(turned.mask.data, 1, 1), centre(turned.image.data, 3, 130)]) {
      expect(Math.abs(x - (8 * c - 8 * s))).toBeLessThan(0.5);
      expect(Math.abs(y - (-8 * s - 8 * c))).toBeLessThan(0.5);
    }
    expect(turned.image.data[0]).toBe(0); // outside is black
  });
});

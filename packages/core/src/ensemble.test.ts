import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AverageSegmenter,
  distinctImages,
  FlippingSegmenter,
  mirrorPlanes,
  openPlanes,
  pickedImages,
  type PlaneSegmenter,
  RewordingSegmenter,
} from './ensemble.js';
import { ReclmisError } from './errors.js';
import { inSidesOf } from './notes/sides.js';

const S = 4;

const modelOf = (
  probability: (images: Float32Array, note: string, b: number) => Float32Array,
  more: Partial<PlaneSegmenter> = {},
): PlaneSegmenter => ({
  size: S,
  probabilities: (images, notes) => {
    const out = new Float32Array(notes.length * S * S);
    notes.forEach((note, b) => out.set(probability(images, note, b), b * S * S));
    images.fill(Number.NaN); // they belong to the model: reveals later use
    return out;
  },
  ...more,
});
const constant = (value: number): PlaneSegmenter => modelOf(() => new Float32Array(S * S).fill(value));
const redOf = (images: Float32Array, b: number): Float32Array =>
  images.slice(b * 3 * S * S, b * 3 * S * S + S * S);
const ramp = (count: number): Float32Array =>
  Float32Array.from({ length: count * 3 * S * S }, (_, i) => ((i * 7) % 11) / 16);

describe('mirrorPlanes', () => {
  it('mirrors each row, and back', () => {
    expect([...mirrorPlanes(Float32Array.of(1, 2, 3, 4, 5, 6), 3)]).toEqual([3, 2, 1, 6, 5, 4]);
    const planes = fc
      .integer({ min: 1, max: 7 })
      .chain((size) =>
        fc.float32Array({ minLength: size, maxLength: size, noNaN: true }).map((row) => ({ size, row })),
      );
    fc.assert(
      fc.property(planes, ({ size, row }) => {
        const twice = Float32Array.of(...row, ...row);
        expect(mirrorPlanes(mirrorPlanes(twice, size), size)).toEqual(twice);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the way of resizing', () => {
  it('is that of the model behind, by area by default, and one for all that are averaged', () => {
    const [usual, upstream] = [constant(0), { ...constant(0), resize: 'upstream' as const }];
    for (const wrap of [
      (one: PlaneSegmenter) => new FlippingSegmenter(one),
      (one: PlaneSegmenter) => new RewordingSegmenter(one, (note) => note),
      (one: PlaneSegmenter) => new AverageSegmenter([one, one]),
    ]) {
      expect(wrap(usual).resize).toBe('area');
      expect(wrap(upstream).resize).toBe('upstream');
    }
    expect(() => new AverageSegmenter([usual, upstream])).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('data.resize') as string,
      }),
    );
  });
});

describe('AverageSegmenter', () => {
  it('averages its models, and gives each the unchanged images', async () => {
    const red = modelOf((images, _, b) => redOf(images, b));
    const images = ramp(2);
    const expected = [0, 1].flatMap((b) => [...redOf(images, b)].map((p) => (0.25 + 0.75 + 2 * p) / 4));
    const all = new AverageSegmenter([constant(0.25), red, constant(0.75), red]);
    expect(all).toMatchObject({ size: S, threshold: 0.5 });
    const got = await all.probabilities(images, ['a', 'b']);
    got.forEach((p, i) => expect(p).toBeCloseTo(expected[i] ?? Number.NaN, 6)); // float32 has 7 digits
  });

  it('refuses models that cannot be averaged', () => {
    for (const models of [
      [],
      [constant(0), { ...constant(0), size: 8 }],
      [constant(0), { ...constant(0), threshold: 0.4 }],
    ])
      expect(() => new AverageSegmenter(models)).toThrow(ReclmisError);
  });
});

describe('RewordingSegmenter', () => {
  const drawer = (learnt: 'patient' | 'image'): PlaneSegmenter =>
    modelOf((_, note) => {
      const onLeft = note.includes('left') === (learnt === 'image'); // of the image
      return Float32Array.from({ length: S * S }, (_, p) => Number(onLeft === p % S < S / 2));
    });

  const inSides = (learnt: 'patient' | 'image', given: 'patient' | 'image'): PlaneSegmenter =>
    new RewordingSegmenter(drawer(learnt), (note) => inSidesOf(note, learnt, given).text);

  it('gives models of either convention a note for the same place, with and without flips', async () => {
    for (const given of ['patient', 'image'] as const) {
      const note = given === 'image' ? 'upper left lung' : 'upper right lung';
      for (const learnt of ['patient', 'image'] as const) {
        const sided = inSides(learnt, given);
        for (const one of [sided, new FlippingSegmenter(sided)])
          expect([...(await one.probabilities(ramp(1), [note])).subarray(0, S)]).toEqual([1, 1, 0, 0]);
      }
      const both = (['patient', 'image'] as const).map((one) => inSides(one, given));
      const mean = await new AverageSegmenter(both).probabilities(ramp(1), [note]);
      expect([...mean.subarray(0, S)]).toEqual([1, 1, 0, 0]);
    }
  });

  it('gives the mirror image the reworded note too', async () => {
    const model = new RewordingSegmenter(new FlippingSegmenter(drawer('image')), () => 'upper left lung');
    expect([...(await model.probabilities(ramp(1), ['LUL'])).subarray(0, S)]).toEqual([1, 1, 0, 0]);
  });
});

describe('FlippingSegmenter', () => {
  it('skips the mirror image if the note may name a side in words that cannot be swapped', async () => {
    const asked: string[] = [];
    const model = modelOf((images, note, b) => {
      asked.push(note);
      return redOf(images, b);
    });
    const images = ramp(2);
    const own = redOf(images, 0);
    const got = await new FlippingSegmenter(constant(0.5)).probabilities(ramp(2), [
      'Infektion links oben',
      'left lung',
    ]);
    expect([...got]).toEqual(Array.from({ length: 2 * S * S }, () => 0.5));
    const shifted = modelOf((planes, _, b) => redOf(planes, b).map((p, i) => p + (i % S) / 64)); // unlike its mirror image
    const mixed = await new FlippingSegmenter(shifted).probabilities(images, [
      'Infektion links oben',
      'left lung',
    ]);
    expect([...mixed.subarray(0, S * S)]).toEqual([...own].map((p, i) => p + (i % S) / 64)); // its own answer, unchanged
    expect([...mixed.subarray(S * S, S * S + S)]).not.toEqual(
      [...redOf(ramp(2), 1).subarray(0, S)].map((p, i) => p + i / 64),
    );
    await new FlippingSegmenter(model).probabilities(ramp(1), ['left lung']);
    expect(asked).toEqual(['left lung', 'right lung']);
  });

  it('gives the model the mirror image with the mirrored note, and mirrors the answer back', async () => {
    const seen: string[] = [];
    const model = modelOf((_, note) => {
      seen.push(note);
      const left = note.toLowerCase().includes('left');
      return Float32Array.from({ length: S * S }, (_, p) => Number(left === p % S >= S / 2));
    });
    const got = await new FlippingSegmenter(model).probabilities(ramp(2), [
      'upper left lung',
      'Right lung and RLL.',
    ]);
    expect(seen).toEqual([
      'upper left lung',
      'Right lung and RLL.',
      'upper right lung',
      'Left lung and LLL.',
    ]);
    expect([...got.subarray(0, S)]).toEqual([0, 0, 1, 1]);
    expect([...got.subarray(S * S, S * S + S)]).toEqual([1, 1, 0, 0]);
  });

  it('changes nothing where the model is equivariant, and averages where it is not', async () => {
    const images = ramp(3);
    const notes = ['left', 'right', 'both'];
    const red = modelOf((given, _, b) => redOf(given, b));
    expect(await new FlippingSegmenter(red).probabilities(images.slice(), notes)).toEqual(
      await red.probabilities(images.slice(), notes),
    );
    const edge = modelOf(() => Float32Array.from({ length: S * S }, (_, p) => Number(p % S === 0)));
    const got = await new FlippingSegmenter(edge).probabilities(images, ['cells']);
    expect([...got.subarray(0, S)]).toEqual([0.5, 0, 0, 0.5]);
  });

  it('keeps the threshold', () => {
    expect(new FlippingSegmenter({ ...constant(0), threshold: 0.3 }).threshold).toBe(0.3);
  });
});

describe('openPlanes', () => {
  const size = 2;
  const n = 3 * size * size;
  const image = (k: number): number[] => Array.from({ length: n }, (_, i) => k + i / 100);
  const images = Float32Array.from([...image(0), ...image(1), ...image(0)]);
  /** The red plane, plus the note's length. */
  const plain: PlaneSegmenter = {
    size,
    probabilities: (planes, notes) =>
      Float32Array.from(
        notes.flatMap((note, b) =>
          [...planes.subarray(b * n, b * n + size * size)].map((value) => value + note.length),
        ),
      ),
  };
  /** The same, seen once. */
  const opening = (counts: { opened: number; open: number }): PlaneSegmenter => ({
    ...plain,
    open(planes) {
      counts.opened++;
      counts.open++;
      return {
        probabilities: (notes, of) => plain.probabilities(pickedImages(planes, size, of), notes),
        dispose: () => {
          counts.open--;
        },
      };
    },
  });

  it('gives what `probabilities` gives, through averages, mirror images and other words, and frees all', async () => {
    const [notes, of] = [
      ['a', 'bcd', 'ef', 'a'],
      [1, 0, 2, 1],
    ];
    const expected = pickedImages(images, size, of);
    const wrapped = (inner: PlaneSegmenter): PlaneSegmenter =>
      new RewordingSegmenter(
        new AverageSegmenter([new FlippingSegmenter(inner, (note) => note), inner]),
        (note) => `${note}!`,
      );
    for (const wrap of [wrapped, (inner: PlaneSegmenter) => inner]) {
      const counts = { opened: 0, open: 0 };
      const whole = await wrap(plain).probabilities(expected.slice(), notes);
      for (const segmenter of [plain, opening(counts)]) {
        const open = await openPlanes(wrap(segmenter), images.slice());
        expect(await open.probabilities(notes, of)).toEqual(whole);
        expect(await open.probabilities(['x', 'y', 'z'])).toEqual(
          await wrap(plain).probabilities(images.slice(), ['x', 'y', 'z']),
        );
        open.dispose();
      }
      expect(counts).toEqual({ opened: wrap === wrapped ? 3 : 1, open: 0 });
    }
  });

  it('knows equal images', () => {
    expect(distinctImages(images, size)).toEqual({ first: [0, 1], of: [0, 1, 0] });
    const other = images.slice();
    other[2 * n + 5]! += 1e-6;
    expect(distinctImages(other, size).first).toEqual([0, 1, 2]);
  });
});

import { parseManifest, ReclmisError } from '@reclmis/core';
import { manifestJson } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import type { Kept, Network } from './seams.js';
import { CutSegmenter, knowFeatureBytes } from './segmenters.js';

const S = 2;
const PLANES = 3 * S * S;
const manifest = parseManifest(manifestJson({ size: S, tokens: 1, width: 1 }), 'test');
const FEATURES = [{ name: 'map', type: 'float16', shape: [1, 5] }] as const;
/** Two bytes for each of five values, and the image. */
const ONE = 2 * 5 + 4 * PLANES;

class Features implements Kept {
  released = 0;
  constructor(readonly sums: readonly number[]) {}

  release(): Promise<void> {
    this.released++;
    return Promise.resolve();
  }
}

/** The first part adds up an image; the second adds the note. */
function segmenter(limit: number): {
  cut: CutSegmenter;
  calls: string[];
  made: Features[];
  failing: { image: boolean };
  image: Network;
  note: Network;
} {
  const calls: string[] = [];
  const made: Features[] = [];
  const failing = { image: false };
  const never = (): Promise<never> => Promise.reject(new Error('not this part'));
  const release = (name: string) => (): Promise<void> => {
    calls.push(`release ${name}`);
    return Promise.resolve();
  };
  const image: Network = {
    run: never,
    keep(inputs, outputs) {
      const { data, shape } = inputs['image']!;
      calls.push(`see ${shape[0]}`);
      expect(outputs).toEqual(['map']);
      if (failing.image) return Promise.reject(new Error('out of memory'));
      const sums = Array.from({ length: shape[0]! }, (_, b) =>
        (data as Float32Array).subarray(b * PLANES, (b + 1) * PLANES).reduce((sum, one) => sum + one, 0),
      );
      made.push(new Features(sums));
      return Promise.resolve(made.at(-1)!);
    },
    release: release('image'),
  };
  const note: Network = {
    run(inputs, output, kept) {
      const { data, shape } = inputs['note']!;
      calls.push(`ask ${shape[0]}`);
      expect(output).toBe('probability');
      const { sums, released } = kept as Features;
      expect(released).toBe(0);
      return Promise.resolve(
        Float32Array.from({ length: shape[0]! * S * S }, (_, i) => {
          const b = Math.floor(i / (S * S));
          return sums[b]! + Number((data as Float32Array)[b]);
        }),
      );
    },
    keep: never,
    release: release('note'),
  };
  return {
    cut: new CutSegmenter(manifest, { image, note }, FEATURES, limit),
    calls,
    made,
    failing,
    image,
    note,
  };
}

const image = (k: number): Float32Array => new Float32Array(PLANES).fill(k);
const images = (...numbers: readonly number[]): Float32Array =>
  Float32Array.from(numbers.flatMap((k) => [...image(k)]));
const answers = (found: Float32Array): number[] => [...found].filter((_, i) => i % (S * S) === 0);

describe('a segmenter that is cut', () => {
  it('sees an image once for several notes, and answers as the parts do', async () => {
    const { cut, calls } = segmenter(10 * ONE);
    for (const [note, expected] of [
      [5, 12 + 5],
      [7, 12 + 7],
    ] as const)
      expect([...(await cut.probabilities(image(1), Float32Array.of(note), 1))]).toEqual(
        new Array<number>(S * S).fill(expected),
      );
    expect(calls).toEqual(['see 1', 'ask 1', 'ask 1']);
    await cut.see(image(2));
    expect(answers(await cut.probabilities(image(2), Float32Array.of(1), 1))).toEqual([25]);
    expect(calls.slice(3)).toEqual(['see 1', 'ask 1']);
  });

  it('runs different images of a batch together, and equal ones once', async () => {
    const { cut, calls } = segmenter(10 * ONE);
    expect(answers(await cut.probabilities(images(1, 2), Float32Array.of(5, 6), 2))).toEqual([17, 30]);
    expect(calls).toEqual(['see 2', 'ask 2']);
    // Again with other notes, as for classes.
    expect(answers(await cut.probabilities(images(1, 2), Float32Array.of(7, 8), 2))).toEqual([19, 32]);
    expect(calls.slice(2)).toEqual(['ask 2']);
    expect(answers(await cut.probabilities(images(1, 2, 1), Float32Array.of(1, 2, 3), 3))).toEqual([
      13, 26, 15,
    ]);
    expect(calls.slice(3)).toEqual(['see 1', 'ask 1', 'ask 1', 'see 1', 'ask 1']);
  });

  it('sees images alone that come in a batch with one that was seen before', async () => {
    const { cut, calls } = segmenter(10 * ONE);
    await cut.see(image(2));
    expect(answers(await cut.probabilities(images(1, 2), Float32Array.of(5, 6), 2))).toEqual([17, 30]);
    expect(calls).toEqual(['see 1', 'see 1', 'ask 1', 'ask 1']);
  });

  it('keeps no more bytes than it may, the least recently used first', async () => {
    const { cut, calls, made } = segmenter(2 * ONE);
    for (const k of [1, 2, 1, 3]) await cut.probabilities(image(k), Float32Array.of(0), 1);
    expect(made.map(({ released }) => released)).toEqual([0, 1, 0]); // 2 went for 3
    await cut.probabilities(image(1), Float32Array.of(0), 1);
    expect(calls.filter((call) => call === 'see 1')).toHaveLength(3);
    await cut.probabilities(images(4, 5, 6), Float32Array.of(0, 0, 0), 3); // fits nowhere
    expect(made.map(({ released }) => released)).toEqual([0, 1, 0, 1]);
    await cut.probabilities(images(4, 5), Float32Array.of(0, 0), 2); // takes all
    expect(made.map(({ released }) => released)).toEqual([1, 1, 1, 1, 0]);
  });

  it('keeps nothing if it may not', async () => {
    const { cut, calls, made } = segmenter(ONE - 1);
    await cut.see(image(1));
    expect(calls).toEqual([]);
    for (let i = 0; i < 2; i++) await cut.probabilities(image(1), Float32Array.of(0), 1);
    expect(calls).toEqual(['see 1', 'ask 1', 'see 1', 'ask 1']);
    expect(made.map(({ released }) => released)).toEqual([1, 1]);
  });

  it('forgets an image, or all; and frees both parts', async () => {
    const { cut, calls, made } = segmenter(10 * ONE);
    await cut.see(image(1));
    await cut.see(image(2));
    await cut.forget(image(1));
    await cut.forget(image(1));
    expect(made.map(({ released }) => released)).toEqual([1, 0]);
    await cut.release();
    expect(made.map(({ released }) => released)).toEqual([1, 1]);
    expect(calls.slice(2)).toEqual(['release image', 'release note']);
  });

  it('knows an image by its values, though the caller’s array has changed', async () => {
    const { cut, calls } = segmenter(10 * ONE);
    const reused = image(1);
    await cut.probabilities(reused, Float32Array.of(0), 1);
    reused.fill(2);
    expect(answers(await cut.probabilities(reused, Float32Array.of(0), 1))).toEqual([24]);
    expect(calls).toEqual(['see 1', 'ask 1', 'see 1', 'ask 1']);
  });

  it('stops between the parts, and keeps what it has seen', async () => {
    const { cut, calls } = segmenter(10 * ONE);
    const control = new AbortController();
    control.abort(new Error('enough'));
    const stopped = cut.probabilities(image(1), Float32Array.of(0), 1, control.signal);
    await expect(stopped).rejects.toThrow('enough');
    expect(calls).toEqual(['see 1']);
    await cut.probabilities(image(1), Float32Array.of(0), 1);
    expect(calls).toEqual(['see 1', 'ask 1']);
  });

  it('opens its part of interest when first asked, once, and frees it', async () => {
    const { calls, note, cut: plain, image: part } = segmenter(10 * ONE);
    let opened = 0;
    const interest: Network = {
      ...note,
      run: (inputs, output, kept) => {
        const { shape, data } = inputs['note']!;
        calls.push(`${output} ${shape[0]}`);
        const { sums } = kept as Features;
        return Promise.resolve(
          Float32Array.from({ length: shape[0]! * 5 }, (_, i) => sums[Math.floor(i / 5)]! + Number(data[0])),
        );
      },
    };
    const stated = {
      ...manifest,
      segmenter: { ...manifest.segmenter, interest: { output: 'looks', side: 2 } },
    };
    const opening = (): Promise<Network> => Promise.resolve((opened++, interest));
    const cut = new CutSegmenter(stated, { image: part, note, interest: opening }, FEATURES, 10 * ONE);
    await cut.probabilities(image(1), Float32Array.of(5), 1);
    expect(opened).toBe(0);
    const of = (k: number): Float32Array => Float32Array.of(k);
    expect([...(await cut.interest(image(1), of(5), 1))]).toEqual(new Array<number>(5).fill(17)); // 4 patches, a token
    expect([...(await cut.interest(images(1, 1), Float32Array.of(1, 2), 2))].filter((_, i) => i % 5 === 0)).toEqual([13, 14]); // prettier-ignore
    expect(opened).toBe(1);
    expect(calls).toEqual(['see 1', 'ask 1', 'looks 1', 'looks 1', 'looks 1']);
    await cut.release();
    expect(calls.slice(5)).toEqual(['release image', 'release note', 'release note']);
    await expect(plain.interest(image(1), of(5), 1)).rejects.toThrow('states no interest');
  });

  it('fails by code', async () => {
    const { cut, failing } = segmenter(10 * ONE);
    failing.image = true;
    await expect(cut.see(image(1))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: 'onnxruntime: out of memory',
    });
    failing.image = false;
    expect(answers(await cut.probabilities(image(1), Float32Array.of(0), 1))).toEqual([12]);
    for (const wrong of [-1, 0.5, Number.NaN]) expect(() => knowFeatureBytes(wrong)).toThrow(ReclmisError);
  });
});

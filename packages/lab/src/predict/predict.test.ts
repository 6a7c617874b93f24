/** Prediction with a stand-in for the network, so that every pixel is known; the real one is trained in `train.test.ts`. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RgbImage, threshold } from '@reclmis/core';
import { readImage, readImageHeader, readMask, writePngRgb } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionCases } from './cases.js';
import { predict, type PlaneSegmenter } from './predict.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-'));
const images = join(root, 'images');
const S = 16;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** An image whose left half is black and whose right half is white. */
function halves(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    Math.floor(i / 3) % width < width / 2 ? 0 : 255,
  );
  return { width, height, data };
}

/** Takes a picture's red plane for the probability of "bright", and one minus it for anything else. */
class Brightness implements PlaneSegmenter {
  readonly size = S;
  readonly batches: number[] = [];

  probabilities(planes: Float32Array, notes: readonly string[]): Float32Array {
    this.batches.push(notes.length);
    const out = new Float32Array(notes.length * S * S);
    notes.forEach((note, b) => {
      const red = planes.subarray(b * 3 * S * S, b * 3 * S * S + S * S);
      out.set(
        red.map((value) => (note === 'bright' ? value : 1 - value)),
        b * S * S,
      );
    });
    return out;
  }
}

beforeAll(async () => {
  mkdirSync(images);
  await writePngRgb(join(images, 'a.png'), halves(40, 20));
  await writePngRgb(join(images, 'b.png'), halves(31, 47));
  await writePngRgb(join(images, 'c.png'), halves(S, S));
  writeFileSync(join(images, 'readme.txt'), 'not an image');
  writeFileSync(join(root, 'notes.csv'), 'Image,Description\nmask_a.png,bright\nb.tif,dark\nc.png,bright\n');
});

describe('predictionCases', () => {
  it('takes the images of a folder in order, and the notes by the names of images or masks', async () => {
    const cases = await predictionCases(images, { notes: join(root, 'notes.csv') });
    expect(cases.map(({ id, note }) => [id, note])).toEqual([
      ['a', 'bright'],
      ['b', 'dark'],
      ['c', 'bright'],
    ]);
  });

  it('gives one note to all', async () => {
    const cases = await predictionCases(images, { note: ' bright ' });
    expect(cases.map(({ note }) => note)).toEqual(['bright', 'bright', 'bright']);
  });

  it('refuses what cannot be segmented', async () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    const code = (image: string, source: Parameters<typeof predictionCases>[1]) => ({
      with: (expected: string) =>
        expect(predictionCases(image, source)).rejects.toMatchObject({ code: expected }),
    });
    await code(join(root, 'none.png'), { note: 'bright' }).with('IMAGE_MISSING');
    await code(empty, { note: 'bright' }).with('DATA_SPLIT_EMPTY');
    await code(images, {}).with('NOTE_MISSING');
    await code(images, { note: ' ' }).with('NOTE_EMPTY');
    await code(images, { note: 'bright', notes: 'x.csv' }).with('OPTION_INVALID');
    await code(images, { notes: join(root, 'none.csv') }).with('NOTES_MISSING');
    writeFileSync(join(root, 'short.csv'), 'Image,Description\na.png,bright\n');
    await code(images, { notes: join(root, 'short.csv') }).with('NOTE_MISSING');
    const twins = join(root, 'twins');
    mkdirSync(twins);
    for (const name of ['x.png', 'x.jpg']) writeFileSync(join(twins, name), '');
    await code(twins, { note: 'bright' }).with('OUTPUT_EXISTS');
  });

  it('needs no note for a model that reads none', async () => {
    expect((await predictionCases(images, { required: false })).map(({ note }) => note)).toEqual([
      '',
      '',
      '',
    ]);
  });
});

describe('predict', () => {
  it('writes masks of 0 and 255 at each image’s own size, cut at the half, as the note says', async () => {
    const out = join(root, 'out');
    const model = new Brightness();
    const progress: number[] = [];
    const cases = await predictionCases(images, { notes: join(root, 'notes.csv') });
    const predictions = await predict(model, cases, out, {
      batchSize: 2,
      onProgress: (done) => progress.push(done),
    });
    expect(model.batches).toEqual([2, 1]);
    expect(progress).toEqual([2, 3]);
    expect(readdirSync(out).sort()).toEqual(
      ['a', 'b', 'c'].flatMap((id) => [`${id}_mask.png`, `${id}_overlay.png`]),
    );
    const [a, b] = predictions;
    expect(await readImageHeader(a!.maskPath)).toMatchObject({ width: 40, height: 20, bits: 8, grey: true });
    const pixels = await readImage(a!.maskPath);
    expect(new Set(pixels.data)).toEqual(new Set([0, 255]));
    const mask = await readMask(a!.maskPath);
    expect(mask).toEqual(
      threshold(
        Float32Array.from({ length: 800 }, (_, i) => (i % 40 < 20 ? 0 : 1)),
        40,
        20,
      ),
    );
    expect(a).toMatchObject({ id: 'a', width: 40, height: 20, share: 0.5 });
    // b is 31 wide and asked for by another note: its dark half, to within the one column that is grey at the model's size.
    expect(Math.abs(b!.share - 0.5)).toBeLessThanOrEqual(1 / 31);
    const overlay = await readImage(a!.overlayPath);
    expect([overlay.width, overlay.height]).toEqual([40, 20]);
    expect([...overlay.data.subarray(0, 3)]).toEqual([0, 0, 0]); // outside the mask: the image itself
    expect([...overlay.data.subarray(39 * 3, 40 * 3)]).toEqual([230, 159, 0]); // the contour, orange
  });

  it('writes nothing when an image is damaged, and leaves no temporary file', async () => {
    const damaged = join(root, 'damaged');
    mkdirSync(damaged);
    const whole = readFileSync(join(images, 'a.png'));
    writeFileSync(join(damaged, 'a.png'), whole);
    writeFileSync(join(damaged, 'b.png'), whole.subarray(0, whole.length - 20));
    const out = join(root, 'never');
    const cases = await predictionCases(damaged, { note: 'bright' });
    await expect(predict(new Brightness(), cases, out)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect(() => readdirSync(out)).toThrow(/ENOENT/);
  });

  it('refuses probabilities that are not numbers', async () => {
    const broken: PlaneSegmenter = {
      size: S,
      probabilities: (_, { length }) => new Float32Array(length * S * S).fill(Number.NaN),
    };
    const cases = await predictionCases(join(images, 'a.png'), { note: 'bright' });
    await expect(predict(broken, cases, join(root, 'nan'))).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
    });
    expect(readdirSync(join(root, 'nan'))).toEqual([]);
  });

  it('does not write over the image itself', async () => {
    const place = join(root, 'place');
    mkdirSync(place);
    const image = join(place, 'a_mask.png');
    await writePngRgb(image, halves(S, S));
    const before = readFileSync(image);
    const only = [{ id: 'a', imagePath: image, note: 'bright' }];
    await expect(predict(new Brightness(), only, place)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readFileSync(image)).toEqual(before);
    expect(readdirSync(place)).toEqual(['a_mask.png']);
  });

  it('stops between two batches when asked to', async () => {
    const stop = new AbortController();
    const cases = await predictionCases(images, { note: 'bright' });
    const done = await predict(new Brightness(), cases, join(root, 'stopped'), {
      batchSize: 1,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(done.map(({ id }) => id)).toEqual(['a']);
  });
});

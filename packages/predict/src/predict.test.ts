/** Prediction with a fake network whose every pixel is known; `predict-command.test.ts` has a real one. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  imageToPlanes,
  type NoteGrammar,
  type NoteStyle,
  ReclmisError,
  parseClasses,
  pickedImages,
  ResultChecks,
  type RgbImage,
  threshold,
  wordReader,
  WordTokenizer,
} from '@reclmis/core';
import { CALIBRATION } from '@reclmis/core/testing';
import { machineTag, readImage, readImageHeader, readMask, writePngRgb } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BRIGHTNESS, Brightness } from './testing/brightness.js';
import { type CaseSource, type PredictionCase, predictionCases } from './cases.js';
import { type ModelNotes, notesForModels } from './model-notes.js';
import { predict, type PredictionPlan, type PredictionSummary } from './predict.js';
import type { PlaneSegmenter } from './segmenter.js';
import type { CaseStatistics } from './case-statistics.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-'));
const images = join(root, 'images');
const S = 16;
let serial = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const place = (): string => join(root, `out-${++serial}`);

function halves(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    Math.floor(i / 3) % width < width / 2 ? 0 : 255,
  );
  return { width, height, data };
}

const casesFor = (source: Partial<CaseSource>): Promise<PredictionCase[]> =>
  predictionCases({ image: images, out: join(root, 'elsewhere'), ...source });

async function run(
  plan: Partial<PredictionPlan> & Pick<PredictionPlan, 'cases' | 'out'>,
): Promise<PredictionSummary> {
  return predict({ segmenter: new Brightness(), model: BRIGHTNESS, ...plan });
}

interface Statistics {
  readonly cases: CaseStatistics[];
  readonly failures: { id: string; code: string; message: string }[];
  readonly summary: { cases: number; failed: number; empty: number; meanShare: number | null };
}
const statisticsOf = (out: string, name = 'statistics.json'): Statistics =>
  JSON.parse(readFileSync(join(out, name), 'utf8')) as Statistics;
const recordOf = (out: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as Record<string, unknown>;

beforeAll(async () => {
  mkdirSync(images);
  await writePngRgb(join(images, 'a.png'), halves(40, 20));
  await writePngRgb(join(images, 'b.png'), halves(31, 47));
  await writePngRgb(join(images, 'c.png'), halves(S, S));
  writeFileSync(join(images, 'readme.txt'), 'not an image');
  writeFileSync(join(root, 'notes.csv'), 'Image,Description\nmask_a.png,bright\nb.tif,dark\nc.png,bright\n');
});

it('removes what killed runs left half-written, of its own', async () => {
  const out = place();
  const own = ['a_mask.png', 'run.json', 'statistics.json', 'series-1_seg.dcm', 'volume_seg.nii.gz'];
  const others = ['run.1-of-2.json', 'my_mask.png', 'report.txt'];
  const half = (name: string): string => `.${name}.123.0a1b.tmp`;
  mkdirSync(out);
  for (const name of [...own, ...others]) writeFileSync(join(out, half(name)), 'half');
  await run({ cases: await casesFor({ note: 'bright' }), out });
  expect(readdirSync(out).filter((name) => name.endsWith('.tmp'))).toEqual(others.map(half).sort());
});

it('asks about a batch before it judges the one before', async () => {
  const events: string[] = [];
  const brightness = new Brightness();
  const segmenter: PlaneSegmenter = {
    size: S,
    probabilities(planes, notes) {
      events.push(`asked ${brightness.batches.length + 1}`);
      return brightness.probabilities(planes, notes);
    },
  };
  const { counts } = await run({
    ...{ cases: await casesFor({ note: 'bright' }), out: place(), segmenter, batchSize: 1 },
    onCase: ({ id }) => events.push(`wrote ${id}`),
  });
  expect(counts).toMatchObject({ done: 3 });
  // The model has each batch before the last one's results are looked at.
  expect(events.filter((event) => event.startsWith('asked'))).toEqual(['asked 1', 'asked 2', 'asked 3']);
  expect(events.indexOf('asked 2')).toBeLessThan(events.indexOf('wrote a'));
  expect(events.indexOf('asked 3')).toBeLessThan(events.indexOf('wrote b'));
  expect(events.filter((event) => event.startsWith('wrote'))).toEqual(['wrote a', 'wrote b', 'wrote c']);
});

it('writes what the model has answered when the next batch fails', async () => {
  const out = place();
  const brightness = new Brightness();
  const segmenter: PlaneSegmenter = {
    size: S,
    probabilities(planes, notes) {
      if (brightness.batches.length === 1) throw new ReclmisError('INFERENCE_FAILED', 'no memory');
      return brightness.probabilities(planes, notes);
    },
  };
  const cases = await casesFor({ note: 'bright' });
  await expect(run({ cases, out, segmenter, batchSize: 2 })).rejects.toMatchObject({
    code: 'INFERENCE_FAILED',
  });
  expect(readdirSync(out).filter((name) => name.endsWith('_mask.png'))).toEqual(['a_mask.png', 'b_mask.png']);
});

describe('one writer', () => {
  function slow(): { segmenter: PlaneSegmenter; begun: Promise<void>; go: () => void } {
    const brightness = new Brightness();
    let go = (): void => undefined;
    let begin = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const segmenter: PlaneSegmenter = {
      size: brightness.size,
      async probabilities(planes, notes) {
        begin();
        await gate;
        return brightness.probabilities(planes, notes);
      },
    };
    return { segmenter, begun, go };
  }
  const cases = (): Promise<PredictionCase[]> => casesFor({ note: 'bright' });

  it('writes into a folder at a time: RUN_BUSY, and nothing of the other is touched', async () => {
    const out = place();
    const first = slow();
    const running = run({ cases: await cases(), out, segmenter: first.segmenter });
    await first.begun;
    const before = readdirSync(out).sort();
    for (const plan of [
      { beginning: 'overwrite' },
      { beginning: 'resume' },
      { beginning: 'overwrite', part: { index: 1, of: 2 } },
    ] as const)
      await expect(run({ cases: await cases(), out, ...plan })).rejects.toMatchObject({
        code: 'RUN_BUSY',
        remedy: expect.stringContaining('-o') as string,
      });
    expect(readdirSync(out).sort()).toEqual(before);
    first.go();
    expect((await running).status).toBe('finished');
    expect(readdirSync(out).filter((name) => name.includes('lock'))).toEqual([]);
  });

  it('or several, each with its part of one division', async () => {
    const out = place();
    const first = slow();
    const running = run({ cases: await cases(), out, segmenter: first.segmenter, part: { index: 1, of: 2 } });
    await first.begun;
    expect((await run({ cases: await cases(), out, part: { index: 2, of: 2 } })).status).toBe('finished');
    for (const part of [null, { index: 1, of: 2 }, { index: 1, of: 3 }])
      await expect(run({ cases: await cases(), out, part, beginning: 'overwrite' })).rejects.toMatchObject({
        code: 'RUN_BUSY',
      });
    first.go();
    expect((await running).statistics).toHaveLength(2);
  });

  it('takes over from a killed one', async () => {
    const out = place();
    mkdirSync(out);
    writeFileSync(join(out, '.predict.lock'), `${machineTag()} ${2 ** 22 + 1} 00\n`);
    expect((await run({ cases: await cases(), out })).status).toBe('finished');
  });

  it.each(['new', 'resume'] as const)(
    'writes nothing through a link in the place of its journal: %s',
    async (beginning) => {
      const out = place();
      mkdirSync(out);
      const victim = join(root, `victim-${beginning}`);
      writeFileSync(victim, 'VICTIM\n');
      symlinkSync(victim, join(out, 'cases.jsonl'));
      await expect(run({ cases: await cases(), out, beginning })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
      });
      expect(readFileSync(victim, 'utf8')).toBe('VICTIM\n');
      rmSync(join(out, 'cases.jsonl'));
      symlinkSync(join(root, `elsewhere-${beginning}`), join(out, 'cases.jsonl'));
      await expect(run({ cases: await cases(), out, beginning })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
      });
      expect(readdirSync(root)).not.toContain(`elsewhere-${beginning}`);
      await expect(run({ cases: await cases(), out, beginning: 'overwrite' })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
      });
      expect(readFileSync(victim, 'utf8')).toBe('VICTIM\n');
    },
  );
});

describe('predict', () => {
  it('writes masks of 0 and 255 at each image’s own size, cut at the half, as the note says', async () => {
    const out = place();
    const segmenter = new Brightness();
    const progress: number[] = [];
    const cases = await casesFor({ notes: join(root, 'notes.csv') });
    const summary = await run({
      segmenter,
      cases,
      out,
      batchSize: 2,
      onProgress: (done) => progress.push(done),
    });
    expect(segmenter.batches).toEqual([2, 1]);
    expect(progress).toEqual([2, 3]);
    expect(summary).toMatchObject({
      status: 'finished',
      counts: { cases: 3, done: 3, skipped: 0, failed: 0 },
    });
    expect(readdirSync(out).sort()).toEqual(
      [
        ...['a', 'b', 'c'].flatMap((id) => [`${id}_mask.png`, `${id}_overlay.png`]),
        ...['cases.jsonl', 'run.json', 'statistics.json'],
      ].sort(),
    );
    const maskPath = join(out, 'a_mask.png');
    expect(await readImageHeader(maskPath)).toMatchObject({ width: 40, height: 20, bits: 8, grey: true });
    expect(new Set((await readImage(maskPath)).data)).toEqual(new Set([0, 255]));
    expect(await readMask(maskPath)).toEqual(
      threshold(
        Float32Array.from({ length: 800 }, (_, i) => (i % 40 < 20 ? 0 : 1)),
        40,
        20,
      ),
    );
    const [a, b] = statisticsOf(out).cases;
    expect(a).toMatchObject({ id: 'a', image: 'a.png', width: 40, height: 20, share: 0.5 });
    // b is 31 wide and its note asks for the dark half; one column is grey at the model's size.
    expect(Math.abs(b!.share - 0.5)).toBeLessThanOrEqual(1 / 31);
    const drawn = await readImage(join(out, 'a_overlay.png'));
    expect([drawn.width, drawn.height]).toEqual([40, 20]);
    expect([...drawn.data.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect([...drawn.data.subarray(39 * 3, 40 * 3)]).toEqual([230, 159, 0]); // the contour, orange
  });

  it('sees an image once for several notes, of rows next to each other or of classes', async () => {
    const [a, b] = await casesFor({ note: 'bright' });
    if (!a || !b) throw new Error('expected two images');
    const cases = [a, { ...a, id: 'a-dark', note: 'dark' }, b];
    const inner = new Brightness();
    const seen: number[] = [];
    let open = 0;
    const segmenter: PlaneSegmenter = {
      size: inner.size,
      probabilities: () => {
        throw new Error('asked without being opened');
      },
      open(planes) {
        seen.push(planes.length / (3 * S * S));
        open++;
        return {
          probabilities: (notes, of) => inner.probabilities(pickedImages(planes, S, of), notes),
          dispose: () => {
            open--;
          },
        };
      },
    };
    const [out, plain] = [place(), place()];
    await run({ cases, out, segmenter });
    expect([seen, open, inner.batches]).toEqual([[2], 0, [3]]);
    await run({ cases, out: plain });
    expect(statisticsOf(out)).toEqual(statisticsOf(plain));
    const classes = parseClasses({ bright: 'bright', dark: 'dark' });
    await run({ cases: [a, b], out: place(), segmenter, classes });
    expect([seen.slice(1), open, inner.batches.slice(1)]).toEqual([[2], 0, [2, 2]]);
  });

  it('warns of notes and masks: by case in journal and statistics, counted in the summary, after --resume too', async () => {
    const out = place();
    const checks = [new ResultChecks(wordReader(WordTokenizer.fromNotes(['bright dark']), 24))];
    const file = join(root, 'doubtful.csv');
    writeFileSync(file, 'Image,Description\na.png,bright\nb.png,brigth\nc.png,左肺\n');
    const plan = { cases: await casesFor({ notes: file }), out, checks };
    const summary = await run(plan);
    const unknown = (of: string, word: string, nearest = ''): string =>
      `${of} unknown to the model: "${word}"${nearest}`;
    expect(summary.warned).toBe(2);
    expect(summary.warnings).toEqual({
      NOTE_WORDS_UNKNOWN: {
        cases: 2,
        first: ['b', 'c'],
        example: unknown('1 of 1 word is', 'brigth', ' (bright?)'),
      },
      NOTE_WITHOUT_WORDS: {
        cases: 2,
        first: ['b', 'c'],
        example: 'the model knows none of the note’s words',
      },
    });
    const { cases, summary: written } = statisticsOf(out) as Statistics & { summary: object };
    expect(cases.map(({ warnings }) => warnings?.map(({ code }) => code))).toEqual([
      [],
      ['NOTE_WORDS_UNKNOWN', 'NOTE_WITHOUT_WORDS'],
      ['NOTE_WORDS_UNKNOWN', 'NOTE_WITHOUT_WORDS'],
    ]);
    expect(written).toMatchObject({ warnings: summary.warnings });
    const lines = readFileSync(join(out, 'cases.jsonl'), 'utf8').trimEnd().split('\n').slice(1);
    const journal = lines.map((line) => JSON.parse(line) as { statistics: CaseStatistics });
    expect(journal.map(({ statistics }) => statistics.warnings?.length)).toEqual([0, 2, 2]);
    const again = await run({ ...plan, beginning: 'resume' });
    expect([again.counts.skipped, again.warnings]).toEqual([3, summary.warnings]);
    expect(recordOf(out)).toMatchObject({ warned: 2, warnings: summary.warnings });
  });

  it('measures: area in pixels and mm2, share, component, zones', async () => {
    const out = place();
    await run({
      cases: await casesFor({ image: join(images, 'a.png'), note: 'bright', spacing: [0.5, 0.25] }),
      out,
    });
    const [a] = statisticsOf(out).cases;
    const zones = ['upper', 'middle', 'lower'].flatMap((zone, third) => [
      { zone, side: 'right', area: 0, share: 0, coverage: 0 },
      { zone, side: 'left', area: [140, 120, 140][third], share: [0.35, 0.3, 0.35][third], coverage: 1 }, // of 7, 6 and 7 rows of 20
    ]);
    expect(a).toEqual({
      id: 'a',
      image: 'a.png',
      width: 40,
      height: 20,
      spacing: [0.5, 0.25],
      area: 400,
      areaMm2: 50,
      share: 0.5,
      componentCount: 1,
      components: [{ area: 400, areaMm2: 50, centroid: [30, 10], box: [20, 0, 20, 20] }],
      note: { sides: 'unknown', mirrored: false, style: 'as-is' },
      zoneSides: 'patient',
      zones,
      warnings: [],
    });
    expect(statisticsOf(out).summary).toEqual({
      cases: 1,
      failed: 0,
      empty: 0,
      meanShare: 0.5,
      warnings: {},
    });
  });

  it('writes probabilities as 16-bit PNG or as NumPy’s float32, outlines as GeoJSON, no overlay', async () => {
    const cases = await casesFor({ image: join(images, 'a.png'), note: 'bright' });
    const png = place();
    await run({ cases, out: png, outputs: { overlay: false, probability: 'png16', contours: true } });
    expect(
      readdirSync(png)
        .filter((name) => name.startsWith('a_'))
        .sort(),
    ).toEqual(['a_contours.geojson', 'a_mask.png', 'a_probability.png']);
    expect(await readImageHeader(join(png, 'a_probability.png'))).toMatchObject({
      bits: 16,
      grey: true,
      width: 40,
    });
    const levels = (await readImage(join(png, 'a_probability.png'))).data;
    expect([levels[0], levels[39 * 3]]).toEqual([0, 255]);
    const json = JSON.parse(readFileSync(join(png, 'a_contours.geojson'), 'utf8')) as { features: unknown[] };
    expect(json.features).toEqual([
      {
        type: 'Feature',
        properties: { component: 1, area: 400 },
        geometry: { type: 'Polygon', coordinates: [[[20, 0], [40, 0], [40, 20], [20, 20], [20, 0]]] }, // prettier-ignore
      },
    ]);
    const npy = place();
    await run({ cases, out: npy, outputs: { overlay: false, probability: 'npy', contours: false } });
    const bytes = readFileSync(join(npy, 'a_probability.npy'));
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from('\x93NUMPY\x01\x00', 'latin1'));
    const start = 10 + bytes.readUInt16LE(8);
    expect(start % 64).toBe(0);
    expect(bytes.toString('latin1', 10, start)).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(20, 40\), \} *\n$/,
    );
    expect(bytes.length).toBe(start + 4 * 800);
    expect([bytes.readFloatLE(start), bytes.readFloatLE(start + 4 * 39)]).toEqual([0, 1]);
  });

  it('keeps subfolders, in ids and in files', async () => {
    const tree = join(root, 'tree');
    for (const name of ['p1/frontal.png', 'p2/frontal.png', 'p2/late/frontal.png', 'top.png']) {
      mkdirSync(join(tree, name, '..'), { recursive: true });
      await writePngRgb(join(tree, name), halves(S, S));
    }
    const out = join(tree, 'masks'); // within the pattern's folder: ignored the next time
    const image = `${tree}/**/*.png`;
    for (const beginning of ['new', 'resume'] as const) {
      const cases = await predictionCases({ image, out, note: 'bright' });
      expect(cases.map(({ id }) => id)).toEqual(['p1/frontal', 'p2/frontal', 'p2/late/frontal', 'top']);
      const { counts } = await run({ cases, out, beginning });
      expect(counts).toMatchObject(beginning === 'new' ? { done: 4, skipped: 0 } : { done: 0, skipped: 4 });
    }
    expect(readdirSync(join(out, 'p2', 'late')).sort()).toEqual(['frontal_mask.png', 'frontal_overlay.png']);
    await expect(
      predictionCases({ image: `${tree}/*.png`, out: tree, note: 'bright' }),
    ).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
    });
  });

  it('continues after a bad case, says why, and does it once repaired', async () => {
    const bad = join(root, 'bad');
    mkdirSync(bad);
    const whole = readFileSync(join(images, 'a.png'));
    for (const name of ['a', 'b', 'd']) writeFileSync(join(bad, `${name}.png`), whole);
    writeFileSync(join(bad, 'b.png'), whole.subarray(0, whole.length - 20));
    writeFileSync(join(bad, 'c.png'), 'no image');
    const notes = join(root, 'three.csv');
    writeFileSync(notes, 'Image,Description\na.png,bright\nb.png,bright\nc.png,bright\n');
    const out = place();
    const first = await run({ cases: await casesFor({ image: bad, notes }), out, batchSize: 2 });
    expect(first).toMatchObject({
      status: 'incomplete',
      counts: { cases: 4, done: 1, skipped: 0, failed: 3 },
      codes: { IMAGE_UNREADABLE: 2, NOTE_MISSING: 1 },
    });
    expect(
      readdirSync(out)
        .filter((name) => name.endsWith('.png'))
        .sort(),
    ).toEqual(['a_mask.png', 'a_overlay.png']);
    expect(statisticsOf(out).failures.map(({ id, code }) => [id, code])).toEqual([
      ['b', 'IMAGE_UNREADABLE'],
      ['c', 'IMAGE_UNREADABLE'],
      ['d', 'NOTE_MISSING'],
    ]);
    expect(recordOf(out)).toMatchObject({ status: 'incomplete', counts: { failed: 3 } });

    for (const name of ['b', 'c']) writeFileSync(join(bad, `${name}.png`), whole);
    writeFileSync(notes, 'Image,Description\na.png,bright\nb.png,bright\nc.png,bright\nd.png,bright\n');
    const again = await run({
      cases: await casesFor({ image: bad, notes }),
      out,
      batchSize: 2,
      beginning: 'resume',
    });
    expect(again).toMatchObject({ status: 'finished', counts: { cases: 4, done: 3, skipped: 1, failed: 0 } });
    expect(statisticsOf(out).cases.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(statisticsOf(out).failures).toEqual([]);
  });

  it('treats an image with broken probabilities as a bad case', async () => {
    const broken: PlaneSegmenter = {
      size: S,
      probabilities: (_, { length }) => new Float32Array(length * S * S).fill(Number.NaN),
    };
    const out = place();
    const { codes } = await run({ segmenter: broken, cases: await casesFor({ note: 'bright' }), out });
    expect(codes).toEqual({ CHECKPOINT_CORRUPT: 3 });
    expect(statisticsOf(out).cases).toEqual([]);
  });

  it('does not write over an image, by name or through a link', async () => {
    const dir = join(root, 'place');
    mkdirSync(dir);
    const image = join(dir, 'a_mask.png');
    await writePngRgb(image, halves(S, S));
    const before = readFileSync(image);
    symlinkSync(dir, join(root, 'alias'));
    const only = { id: 'a', image: 'a_mask.png', imagePath: image, note: 'bright', spacing: null };
    for (const out of [dir, join(root, 'alias')]) {
      await expect(run({ cases: [only], out })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    }
    expect(readFileSync(image)).toEqual(before);
    expect(readdirSync(dir)).toEqual(['a_mask.png']);
  });

  it('stops between batches on request, and resumes from there', async () => {
    const stop = new AbortController();
    const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    const cases = await casesFor({ note: 'bright' });
    const out = place();
    const brightness = new Brightness();
    const interrupted = await run({
      ...{ cases, out, batchSize: 1 },
      segmenter: {
        size: S,
        async probabilities(planes, notes) {
          if (brightness.batches.length === 1) await stopped; // the first batch is written meanwhile
          return brightness.probabilities(planes, notes);
        },
      },
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(interrupted.status).toBe('interrupted');
    expect(interrupted.counts.done).toBe(2); // what the model had begun is finished
    expect(recordOf(out)).toMatchObject({ status: 'interrupted' });
    expect(readdirSync(out)).not.toContain('statistics.json');
    const rest = await run({ cases, out, batchSize: 1, beginning: 'resume' });
    expect(rest.counts.done + rest.counts.skipped).toBe(3);
    expect(rest.counts.skipped).toBe(interrupted.counts.done);
  });

  it('ends at once if every case would fail, as on a full disk', async () => {
    const out = place();
    let calls = 0;
    const segmenter: PlaneSegmenter = {
      size: S,
      probabilities: () => {
        calls++;
        throw new ReclmisError('DISK_FULL', 'full');
      },
    };
    const cases = await casesFor({ note: 'bright' });
    await expect(run({ segmenter, cases, out, batchSize: 1 })).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(calls).toBe(1);
    expect(recordOf(out)).toMatchObject({ status: 'failed', error: 'DISK_FULL' });
  });
});

describe('the way of resizing', () => {
  it('is each model’s own', async () => {
    const seen: Float32Array[] = [];
    const listening = (more: Partial<PlaneSegmenter>): PlaneSegmenter => ({
      size: S,
      probabilities: (planes, { length }) => {
        seen.push(planes.slice());
        return new Float32Array(length * S * S).fill(0.5);
      },
      ...more,
    });
    const cases = await casesFor({ image: join(images, 'a.png'), note: 'bright' });
    const segmenter = [listening({}), listening({ resize: 'upstream' })];
    await run({ segmenter, cases, out: place() });
    const image = await readImage(join(images, 'a.png'));
    expect(seen).toEqual([imageToPlanes(image, S, 'area'), imageToPlanes(image, S, 'upstream')]);
    expect(seen[0]).not.toEqual(seen[1]);
  });
});

describe('several models', () => {
  const constant = (size: number, value: number, more: Partial<PlaneSegmenter> = {}): PlaneSegmenter => ({
    size,
    probabilities: (_, { length }) => new Float32Array(length * size * size).fill(value),
    ...more,
  });
  const plain = { overlay: false, probability: 'npy', contours: false } as const;
  const average = (...names: string[]): PredictionPlan['model'] => ({
    kind: 'average',
    name: names.join(' + '),
    files: names.map((name) => ({ name: `${name}/best.safetensors`, sha256: name.repeat(64) })),
  });

  it('are averaged at the image’s own size, whatever their own', async () => {
    const out = place();
    const cases = await casesFor({ image: join(images, 'a.png'), note: 'bright' });
    const segmenter = [new Brightness(16), new Brightness(8), constant(32, 0.3)];
    await run({ segmenter, model: average('a', 'b', 'c'), cases, out, outputs: plain });
    const bytes = readFileSync(join(out, 'a_probability.npy'));
    const start = 10 + bytes.readUInt16LE(8);
    // Corners are 0 and 1 at any size: (0 + 0 + 0.3) / 3 and (1 + 1 + 0.3) / 3 in float32.
    expect(bytes.readFloatLE(start)).toBeCloseTo(0.1, 6);
    expect(bytes.readFloatLE(start + 4 * 39)).toBeCloseTo(2.3 / 3, 6);
    expect(statisticsOf(out).cases[0]?.share).toBe(0.5);
    expect(recordOf(out)).toMatchObject({ model: { kind: 'average', name: 'a + b + c' } });
  });

  it('do not mix with masks of other models or without flips', async () => {
    const out = place();
    const cases = await casesFor({ image: join(images, 'a.png'), note: 'bright' });
    const two = { segmenter: [new Brightness(), constant(16, 0.3)], cases, out, outputs: plain };
    await run({ ...two, model: average('a', 'b') });
    const again = { ...two, beginning: 'resume' } as const;
    expect((await run({ ...again, model: average('a', 'b') })).counts).toMatchObject({ skipped: 1 });
    for (const model of [average('a', 'c'), average('a'), { ...average('a', 'b'), flips: true as const }])
      await expect(run({ ...again, model })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  it('need one threshold, and numbers from each', async () => {
    const cases = await casesFor({ image: join(images, 'a.png'), note: 'bright' });
    const other = constant(16, 0, { threshold: 0.4 });
    await expect(run({ segmenter: [new Brightness(), other], cases, out: place() })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
    const { codes } = await run({ segmenter: [new Brightness(), constant(8, NaN)], cases, out: place() });
    expect(codes).toEqual({ CHECKPOINT_CORRUPT: 1 });
  });
});

describe('a disk of one megabyte', () => {
  const disk = join(root, 'disk');
  mkdirSync(disk);
  const mount = (): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
  const mounts = mount();
  if (mounts) spawnSync('umount', [disk]);

  it.skipIf(!mounts)(
    'that fills up: DISK_FULL, nothing half-written, and the rest when there is room',
    async () => {
      const dir = join(root, 'many');
      mkdirSync(dir);
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
        await writePngRgb(join(dir, `${name}.png`), halves(200, 200));
      const cases = await casesFor({ image: dir, note: 'bright' });
      const outputs = { overlay: false, probability: 'npy', contours: false } as const; // 160 KB each
      expect(mount()).toBe(true);
      try {
        const out = join(disk, 'out');
        writeFileSync(join(disk, 'others'), new Uint8Array(500_000));
        await expect(run({ cases, out, outputs, batchSize: 1 })).rejects.toMatchObject({ code: 'DISK_FULL' });
        const left = readdirSync(out);
        expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
        expect(left.filter((name) => name.endsWith('.npy')).length).toBeLessThan(cases.length);
        for (const name of left.filter((one) => one.endsWith('.npy')))
          expect(statSync(join(out, name)).size).toBeGreaterThan(200 * 200 * 4);
        rmSync(join(disk, 'others'));
        rmSync(join(out, left.find((name) => name.endsWith('.npy')) ?? ''));
        const { counts } = await run({
          cases: cases.slice(0, 5),
          out,
          outputs,
          batchSize: 1,
          beginning: 'resume',
        });
        expect(counts).toMatchObject({ cases: 5, failed: 0 });
        expect(counts.done + counts.skipped).toBe(5);
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
    },
  );
});

describe('resuming', () => {
  const outputs = { overlay: false, probability: null, contours: false };

  it('redoes what changed: a missing or shorter file, a note, the spacing, an image', async () => {
    const dir = join(root, 'changing');
    mkdirSync(dir);
    for (const name of ['a', 'b', 'c', 'd']) await writePngRgb(join(dir, `${name}.png`), halves(S, S));
    const out = place();
    const cases = (note: string, spacing: [number, number] | null = null): Promise<PredictionCase[]> =>
      casesFor({ image: dir, note, spacing });
    await run({ cases: await cases('bright'), out, outputs });
    const resumed = async (note: string, spacing: [number, number] | null = null): Promise<number> =>
      (await run({ cases: await cases(note, spacing), out, outputs, beginning: 'resume' })).counts.done;
    expect(await resumed('bright')).toBe(0);
    rmSync(join(out, 'a_mask.png'));
    const whole = readFileSync(join(out, 'b_mask.png'));
    writeFileSync(join(out, 'b_mask.png'), whole.subarray(0, 30));
    expect(await resumed('bright')).toBe(2);
    expect(readFileSync(join(out, 'b_mask.png'))).toEqual(whole);
    await writePngRgb(join(dir, 'c.png'), halves(S, 2 * S));
    expect(await resumed('bright')).toBe(1);
    expect(await resumed('dark')).toBe(4);
    expect(await resumed('dark', [1, 1])).toBe(4);
    const more = { ...outputs, contours: true };
    const { counts } = await run({
      cases: await cases('dark', [1, 1]),
      out,
      outputs: more,
      beginning: 'resume',
    });
    expect(counts.done).toBe(4);
    expect(statisticsOf(out).cases.map(({ areaMm2 }) => areaMm2)).toEqual([128, 128, 256, 128]);
  });

  it('gives an image the same companions, and skips complete batches', async () => {
    const dir = join(root, 'company');
    mkdirSync(dir);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await writePngRgb(join(dir, `${name}.png`), halves(S, S));
    const out = place();
    const cases = await casesFor({ image: dir, note: 'bright' });
    await run({ cases, out, batchSize: 3 });
    rmSync(join(out, 'b_mask.png'));
    const kept = statSync(join(out, 'a_mask.png')).mtimeMs;
    const segmenter = new Brightness();
    const { counts } = await run({ segmenter, cases, out, batchSize: 3, beginning: 'resume' });
    expect(segmenter.batches).toEqual([3]);
    expect(counts).toMatchObject({ done: 1, skipped: 4 });
    expect(statSync(join(out, 'a_mask.png')).mtimeMs).toBe(kept); // not written again
  });

  it('keeps earlier results unless told otherwise', async () => {
    const out = place();
    const cases = await casesFor({ note: 'bright' });
    await run({ cases, out });
    await expect(run({ cases, out })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringMatching(/earlier/) as unknown,
    });
    const other = { ...BRIGHTNESS, files: [{ name: 'best.safetensors', sha256: 'c'.repeat(64) }] };
    await expect(run({ cases, out, model: other, beginning: 'resume' })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringMatching(/bbbb.*|cccc/) as unknown,
    });
    expect((await run({ cases, out, model: other, beginning: 'overwrite' })).counts.done).toBe(3);
  });

  it('does not resume with notes in another style, or of a model of another grammar', async () => {
    const out = place();
    const cases = await casesFor({ note: 'bright, left upper lobe' });
    const notes = (grammar: NoteGrammar, style?: NoteStyle): ModelNotes =>
      notesForModels([{ dir: 'm', readsNotes: true, habits: { sides: 'patient', grammar } }], { style });
    await run({ cases, out, notes: notes('lvit') });
    for (const other of [notes('lvit', 'as-is'), notes('unknown')])
      await expect(run({ cases, out, notes: other, beginning: 'resume' })).rejects.toMatchObject({
        code: 'OUTPUT_EXISTS',
        message: expect.stringContaining('free notes') as unknown,
      });
    const same = await run({ cases, out, notes: notes('unknown', 'free'), beginning: 'resume' });
    expect(same.counts.skipped).toBe(3);
  });

  it.each([
    ['a folder of results', 'p1/x.png', 'p1'],
    ['the journal', 'x.png', 'cases.jsonl/x'],
  ])('has a code for what lies where %s should', async (_what, image, obstacle) => {
    const [dir, out] = [place(), place()];
    for (const path of [join(dir, image), join(out, obstacle)])
      mkdirSync(join(path, '..'), { recursive: true });
    await writePngRgb(join(dir, image), halves(S, S));
    writeFileSync(join(out, obstacle), '');
    const cases = await predictionCases({ image: `${dir}/**/*.png`, out, note: 'bright' });
    for (const beginning of ['resume', 'overwrite'] as const)
      await expect(run({ cases, out, beginning })).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  it('refuses to resume from a file that is no journal, and leaves it alone', async () => {
    const out = place();
    mkdirSync(out);
    const mine = 'my own lines\n'.repeat(300);
    writeFileSync(join(out, 'cases.jsonl'), mine);
    const cases = await casesFor({ note: 'bright' });
    await expect(run({ cases, out, beginning: 'resume' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readFileSync(join(out, 'cases.jsonl'), 'utf8')).toBe(mine);
  });

  it('cuts off an incomplete line, and redoes its case', async () => {
    const out = place();
    const cases = await casesFor({ note: 'bright' });
    await run({ cases, out });
    const journal = join(out, 'cases.jsonl');
    const whole = readFileSync(journal, 'utf8');
    writeFileSync(journal, whole.slice(0, -50));
    const { counts } = await run({ cases, out, beginning: 'resume' });
    expect(counts).toMatchObject({ done: 1, skipped: 2 });
    expect(readFileSync(journal, 'utf8')).toBe(whole);
  });
});

describe('what an earlier run left of a case', () => {
  const all = { overlay: true, probability: 'npy', contours: true } as const;
  const bare = { overlay: false, probability: null, contours: false } as const;
  const other = { ...BRIGHTNESS, files: [{ name: 'best.safetensors', sha256: 'c'.repeat(64) }] };

  it.each(['overwrite', 'resume'] as const)(
    'goes when the case is done again or fails: %s',
    async (beginning) => {
      const dir = place();
      mkdirSync(dir);
      for (const name of ['a', 'b', 'c']) await writePngRgb(join(dir, `${name}.png`), halves(S, S));
      const out = place();
      await run({ cases: await casesFor({ image: dir, note: 'bright' }), out, outputs: all });
      writeFileSync(join(dir, 'a.png'), 'no image');
      writeFileSync(join(out, 'b_overlay.png'), 'my own, in its place');
      const model = beginning === 'overwrite' ? other : BRIGHTNESS;
      const cases = await casesFor({ image: dir, note: 'dark' });
      expect((await run({ cases, out, outputs: bare, model, beginning })).counts).toMatchObject({
        done: 2,
        failed: 1,
      });
      expect(readdirSync(out).filter((name) => !/^(?:cases|run|statistics)\./.test(name))).toEqual([
        'b_mask.png',
        'b_overlay.png',
        'c_mask.png',
      ]);
    },
  );
});

describe('parts', () => {
  it('do not replace results of another model or division', async () => {
    const other = { ...BRIGHTNESS, files: [{ name: 'best.safetensors', sha256: 'c'.repeat(64) }] };
    const cases = await casesFor({ note: 'bright' });
    const first = { index: 1, of: 2 };
    const refused = async (out: string, plan: Partial<PredictionPlan>): Promise<void> => {
      const before = readdirSync(out);
      await expect(run({ cases, out, ...plan })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
      expect(readdirSync(out)).toEqual(before);
    };
    const whole = place();
    await run({ cases, out: whole });
    await refused(whole, { part: first });
    await refused(whole, { part: first, model: other, beginning: 'resume' });
    const parts = place();
    await run({ cases, out: parts, part: first });
    await refused(parts, {});
    await refused(parts, { part: { index: 1, of: 3 } });
    await refused(parts, { part: { index: 2, of: 2 }, model: other });
    await refused(parts, { part: { index: 2, of: 2 }, model: other, beginning: 'resume' });
    expect((await run({ cases, out: parts, part: { index: 2, of: 2 } })).statistics).toHaveLength(2);
    expect((await run({ cases, out: parts, beginning: 'resume' })).counts.done).toBe(3);
    await run({ cases, out: parts, model: other, beginning: 'overwrite' });
    expect(readdirSync(parts).filter((name) => name.startsWith('cases'))).toEqual(['cases.jsonl']);
  });

  it('share the cases, and the last one to finish merges the statistics', async () => {
    const dir = join(root, 'shared');
    mkdirSync(dir);
    for (let i = 0; i < 7; i++) await writePngRgb(join(dir, `i${i}.png`), halves(S + i, S));
    const cases = await casesFor({ image: dir, note: 'bright' });
    const whole = place();
    await run({ cases, out: whole });
    const out = place();
    const done: number[] = [];
    for (const index of [2, 3, 1]) {
      expect(readdirSync(root).includes(out) && readdirSync(out).includes('statistics.json')).toBe(false);
      const { counts, statistics } = await run({ cases, out, part: { index, of: 3 } });
      done.push(counts.done);
      expect(statistics).toHaveLength(index === 1 ? 2 : 1);
    }
    expect(done).toEqual([2, 2, 3]);
    expect(statisticsOf(out, 'statistics.2-of-3.json').cases.map(({ id }) => id)).toEqual(['i1', 'i4']);
    expect(readFileSync(join(out, 'statistics.json'))).toEqual(readFileSync(join(whole, 'statistics.json')));
  });
});

describe('predicted Dice', () => {
  it('is that of a single segmenter’s own map, and nothing without a calibration or of a mean', async () => {
    const found = async (plan: Partial<PredictionPlan>) => {
      const out = place();
      await run({ cases: await casesFor({ note: 'bright' }), out, ...plan });
      return statisticsOf(out).cases.map(({ confidence }) => confidence);
    };
    const [a, b, c] = await found({ confidence: CALIBRATION });
    // c.png has the model's size: 0 on the left, 1 on the right, so an expected Dice of 1.
    expect(c).toEqual({ dice: 0.8, calibrated: true, presence: { probability: 1, calibrated: false } });
    // Resizing blurs the edges of the others, over at most two of 16 columns.
    for (const one of [a, b]) {
      expect(one?.dice).toBeLessThan(0.8);
      expect(one?.dice).toBeGreaterThan(0.7);
    }
    expect(await found({})).toEqual([undefined, undefined, undefined]);
    const none = [undefined, undefined, undefined];
    const two = [new Brightness(), new Brightness()];
    expect(await found({ confidence: CALIBRATION, segmenter: two })).toEqual(none);
    // Another threshold gives other masks than it was fitted on.
    const loose = Object.assign(new Brightness(), { threshold: 0.3 });
    expect(await found({ confidence: CALIBRATION, segmenter: loose })).toEqual(none);
  });
});

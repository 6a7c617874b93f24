/**
 * Measures what a precision costs: Dice and IoU of exported models, and how many pixels equal the first
 * model's.
 *
 *     npm run bench:dice -- --data DIR --models A B C [--split test] [--cases N] [--batch 8] [--threads N] [--json]
 *
 * Scores as `reclmis evaluate`. `--cases` are spread evenly over the split; models take turns on the same
 * batches.
 */
import { parseArgs } from 'node:util';
import { type Mask, resizeOf, score, ScoreSummary, threshold, USUAL_RESIZE } from '@reclmis/core';
import { type Batch, type Case, Loader, openDataset, type Split } from '@reclmis/data';
import { loadModel, type Model } from '@reclmis/runtime';

const { values, positionals } = parseArgs({
  allowPositionals: true, // for --models A B C
  options: {
    data: { type: 'string' },
    models: { type: 'string' },
    split: { type: 'string', default: 'test' },
    cases: { type: 'string' },
    batch: { type: 'string', default: '8' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const dirs = [...(values.models === undefined ? [] : [values.models]), ...positionals];
const { data } = values;
if (data === undefined || dirs.length === 0) throw new Error('expected --data DIR and --models A B C');
const SPLITS: readonly string[] = ['train', 'val', 'test'] satisfies readonly Split[];
if (!SPLITS.includes(values.split))
  throw new Error(`--split: expected train, val or test, got ${values.split}`);

interface Subject {
  readonly dir: string;
  readonly model: Model;
  readonly summary: ScoreSummary;
  /** Pixels equal to the first model's, and all. */
  equal: number;
  pixels: number;
}

function spread(cases: readonly Case[], count: number): Case[] {
  const taken = Math.min(count, cases.length);
  return Array.from({ length: taken }, (_, i) => cases[Math.floor((i * cases.length) / taken)]).filter(
    (one) => one !== undefined,
  );
}

async function masksOf({ manifest, encodeNotes, run }: Bound, batch: Batch): Promise<Mask[]> {
  const S = manifest.image.size;
  const notes = manifest.note === null ? null : await encodeNotes(batch.notes); // [B,T,W]
  const probability = await run(batch.images, notes, batch.count); // [B,1,S,S]
  return batch.ids.map((_, i) =>
    threshold(probability.subarray(i * S * S, (i + 1) * S * S), S, S, manifest.threshold),
  );
}

interface Bound {
  readonly manifest: Model['manifest'];
  readonly encodeNotes: (notes: readonly string[]) => Promise<Float32Array>;
  readonly run: (images: Float32Array, notes: Float32Array | null, count: number) => Promise<Float32Array>;
}
const bound = (model: Model): Bound => ({
  manifest: model.manifest,
  encodeNotes: (notes) => model.encodeNotes(notes),
  run: (images, notes, count) => model.run(images, notes, count),
});

function truthOf({ masks }: Batch, index: number, S: number): Mask {
  return { width: S, height: S, data: Uint8Array.from(masks.subarray(index * S * S, (index + 1) * S * S)) };
}

const subjects: Subject[] = [];
let loader: Loader | null = null;
try {
  for (const dir of dirs) {
    const model = await loadModel(
      dir,
      values.threads === undefined ? {} : { threads: Number(values.threads) },
    );
    subjects.push({ dir, model, summary: new ScoreSummary(), equal: 0, pixels: 0 });
  }
  const [first] = subjects;
  const S = first?.model.manifest.image.size ?? 0;
  for (const { dir, model } of subjects) {
    const { size } = model.manifest.image;
    if (size !== S) throw new Error(`${dir}: expected the first model's size ${S}, got ${size}`);
  }
  const resize = first === undefined ? USUAL_RESIZE : resizeOf(first.model.manifest);
  if (subjects.some(({ model }) => resizeOf(model.manifest) !== resize))
    throw new Error('expected models that resize images by one rule');
  const dataset = await openDataset(data, values.split as Split);
  const cases = values.cases === undefined ? dataset.cases : spread(dataset.cases, Number(values.cases));
  loader = new Loader({ cases, batchSize: Number(values.batch), size: S, resize, workers: 1, cacheBytes: 0 });
  let done = 0;
  for await (const batch of loader.batches(0)) {
    let reference: Mask[] = [];
    for (const subject of subjects) {
      const masks = await masksOf(bound(subject.model), batch);
      if (subject === first) reference = masks;
      for (const [i, mask] of masks.entries()) {
        subject.summary.add(score(mask, truthOf(batch, i, S)));
        const other = reference[i]?.data;
        subject.pixels += mask.data.length;
        mask.data.forEach((value, k) => (subject.equal += Number(value === other?.[k])));
      }
    }
    done += batch.count;
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${cases.length} cases`);
  }
  const result = subjects.map(({ dir, model, summary, equal, pixels }) => {
    const { mean, pooled } = summary;
    return {
      model: dir,
      precision: model.manifest.precision,
      cases: summary.count,
      mean: { dice: mean.dice, iou: mean.iou },
      pooled: { dice: pooled.dice, iou: pooled.iou },
      equalPixels: equal / pixels,
    };
  });
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ data: dataset.name, split: values.split, models: result }, null, 2)}\n`,
    );
  else {
    const points = (share: number): string => (100 * share).toFixed(2).padStart(6);
    process.stdout.write(
      `${dataset.name} ${values.split}, ${result[0]?.cases ?? 0} cases; at ${S} x ${S} pixels, in percent\n\n`,
    );
    process.stdout.write('  Dice     IoU  pooled Dice  pooled IoU  equal pixels  precision  model\n');
    for (const { model, precision, mean, pooled, equalPixels } of result) {
      const cells = [
        points(mean.dice),
        ` ${points(mean.iou)}`,
        `     ${points(pooled.dice)}`,
        `    ${points(pooled.iou)}`,
      ];
      process.stdout.write(
        `${cells.join(' ')}      ${(100 * equalPixels).toFixed(3).padStart(8)}  ${precision.padStart(9)}  ${model}\n`,
      );
    }
  }
} finally {
  await loader?.close();
  for (const { model } of subjects) await model.dispose();
}

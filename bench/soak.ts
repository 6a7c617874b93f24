/**
 * Measures whether long training grows: trains a small model with everything a run does, and reads the
 * process's resident memory after each step.
 *
 *     node bench/dist/soak.js [--steps 1000] [--warmup 400] [--size 64] [--samples FILE]
 *
 * Fails if the median of the last 100 steps is over 2 % above that of the first 100 after the warm-up, which
 * fills caches. `medians` has every 100 steps.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePhantom } from '@reclmis/data';
import { loadPreset, train } from '@reclmis/lab';
import { memory } from '@reclmis/torch';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000' },
    warmup: { type: 'string', default: '400' },
    size: { type: 'string', default: '64' },
    samples: { type: 'string', default: '' },
  },
});
const [steps, warmup, size] = [values.steps, values.warmup, values.size].map(Number) as [
  number,
  number,
  number,
];
if (!(steps >= 200 && warmup >= 0)) throw new Error('--steps: expected at least 200, --warmup: 0 or more');
const total = warmup + steps;

const LIMIT = 0.02;
const CASES = 200;
const BATCH = 4;
const MIB = 2 ** 20;

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const root = mkdtempSync(join(tmpdir(), 'reclmis-soak-'));
try {
  const data = join(root, 'data');
  const { train: trained } = await writePhantom(data, { count: CASES, seed: 5, size });
  const stepsPerEpoch = Math.ceil(trained / BATCH);
  const resident: number[] = [];
  const javascript: number[] = [];
  const live: number[] = [];
  const handles: number[] = [];
  const begun = performance.now();
  const controller = new AbortController();
  const config = loadPreset('phantom', {
    'data.dir': data,
    'data.workers': 1,
    'model.imageSize': size,
    'train.epochs': Math.ceil(total / stepsPerEpoch),
    'train.batchSize': BATCH,
    'train.patience': 0,
    'train.saveSteps': 25,
  });
  await train(config, {
    out: join(root, 'run'),
    signal: controller.signal,
    onStep: ({ step }) => {
      const { rss, heapTotal, external } = process.memoryUsage();
      resident.push(rss);
      javascript.push(heapTotal + external);
      const now = memory();
      live.push(now.liveBytes);
      handles.push(now.handles);
      if (process.stderr.isTTY) process.stderr.write(`\rstep ${step} of ${total}`);
      if (step === total) controller.abort();
    },
  });
  const part = (series: readonly number[], from: number): number => median(series.slice(from, from + 100));
  const ends = (series: readonly number[], unit = 1): { first: number; last: number } => ({
    first: part(series, warmup) / unit,
    last: part(series, total - 100) / unit,
  });
  const medians = (series: readonly number[]): number[] =>
    Array.from({ length: Math.floor(total / 100) }, (_, i) => Math.round(part(series, 100 * i) / MIB));
  const { first, last } = ends(resident, MIB);
  const result = {
    steps,
    warmup,
    imageSize: size,
    batch: BATCH,
    seconds: Math.round((performance.now() - begun) / 1000),
    residentMiB: { first, last, growth: last / first - 1, limit: LIMIT, medians: medians(resident) },
    javascriptMiB: { ...ends(javascript, MIB), medians: medians(javascript) },
    tensorMiB: ends(live, MIB),
    handles: ends(handles),
  };
  if (values.samples !== '') writeFileSync(values.samples, JSON.stringify({ resident, javascript }));
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (result.residentMiB.growth > LIMIT || result.handles.last > result.handles.first) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

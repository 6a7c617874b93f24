/**
 * Whether a long training grows: 1,000 steps of a small model with everything that a run does (loader with worker threads, augmentation,
 * validation after each epoch, resume points, best weights, charts), and the resident memory of the process after each step.
 *
 *     node bench/dist/soak.js [--steps 1000] [--size 64] [--samples FILE]
 *
 * Prints one JSON document. Fails where the median of the last 100 steps lies more than 2 % above that of steps 101 to 200: before those, caches
 * fill (decoded samples, kept tensors, compiled code).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPreset, train, writePhantom } from '@reclmis/lab';
import { memory } from '@reclmis/torch';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000' },
    size: { type: 'string', default: '64' },
    samples: { type: 'string', default: '' },
  },
});
const steps = Number(values.steps);
const size = Number(values.size);
if (!(steps >= 400)) throw new Error('--steps: expected at least 400');

/** Growth that is allowed, of the earlier median. */
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
    'train.epochs': Math.ceil(steps / stepsPerEpoch),
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
      if (process.stderr.isTTY) process.stderr.write(`\rstep ${step} of ${steps}`);
      if (step === steps) controller.abort();
    },
  });
  const at = (series: readonly number[], from: number, to?: number): number => median(series.slice(from, to));
  const [early, late] = [at(resident, 100, 200), at(resident, -100)];
  const result = {
    steps: resident.length,
    imageSize: size,
    batch: BATCH,
    seconds: Math.round((performance.now() - begun) / 1000),
    residentMiB: { steps101to200: early / MIB, last100: late / MIB, growth: late / early - 1, limit: LIMIT },
    javascriptMiB: { steps101to200: at(javascript, 100, 200) / MIB, last100: at(javascript, -100) / MIB },
    tensorMiB: { steps101to200: at(live, 100, 200) / MIB, last100: at(live, -100) / MIB },
    handles: { steps101to200: at(handles, 100, 200), last100: at(handles, -100) },
  };
  if (values.samples !== '') writeFileSync(values.samples, JSON.stringify({ resident, javascript }));
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (result.residentMiB.growth > LIMIT || result.handles.last100 > result.handles.steps101to200)
    process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

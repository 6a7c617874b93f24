/**
 * Measures data-parallel training with 1 and 2 processes of one thread, and the bytes all-reduced per step.
 *
 *     npm run bench:scaling -- [--batch 2] [--steps 3] [--rounds 2] [--base-width 64] [--image-size 224]
 *
 * Interleaves one process, two sharing its batch (strong scaling), and two with twice the batch (weak
 * scaling), on made data after a warm-up step; prints JSON with medians.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shareOf } from '@reclmis/data';
import {
  holdLifeline,
  launchWorkers,
  madeBatch,
  madeData,
  median,
  openSession,
  Parallel,
  planLaunch,
  resolveConfig,
  trainStep,
} from '@reclmis/lab';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '2' },
    steps: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '2' },
    'base-width': { type: 'string', default: '64' },
    'image-size': { type: 'string', default: '224' },
    result: { type: 'string' },
  },
});
const batchSize = Number(values.batch);
const steps = Number(values.steps);

interface Measured {
  readonly secondsPerStep: readonly number[];
  /** 0 for one process. */
  readonly bytesPerStep: number;
  readonly trainableParameters: number;
}

async function work(result: string): Promise<void> {
  holdLifeline(process.env);
  const plan = planLaunch(process.env, { cores: 1, gpus: 0 });
  const parallel = plan.kind === 'worker' ? await Parallel.join(plan, 'cpu') : null;
  const config = resolveConfig({
    text: { encoder: 'words' },
    model: { baseWidth: Number(values['base-width']), imageSize: Number(values['image-size']) },
    train: { batchSize, threads: 1 },
    data: { workers: 0 },
  });
  const session = openSession(config, madeData(batchSize), parallel);
  session.model.train();
  const share = shareOf(batchSize, parallel?.rank ?? 0, parallel?.size ?? 1);
  const made = madeBatch(share.to - share.from, config.model.imageSize);
  const batch = parallel ? { ...made, shard: { total: batchSize, idle: false } } : made;
  const secondsPerStep: number[] = [];
  let bytes = 0;
  for (let step = 0; step <= steps; step++) {
    parallel?.control.barrier();
    const before = performance.now();
    const bytesBefore = parallel?.group.bytesReduced ?? 0;
    trainStep(session, batch, step + 1, session.rate(0));
    parallel?.control.barrier();
    bytes = (parallel?.group.bytesReduced ?? 0) - bytesBefore;
    if (step > 0) secondsPerStep.push((performance.now() - before) / 1000);
  }
  const trainableParameters = session.model.parameterCount({ trainable: true });
  const measured: Measured = { secondsPerStep, bytesPerStep: bytes, trainableParameters };
  if (parallel?.leads ?? true) writeFileSync(result, JSON.stringify(measured));
  await session.close();
  await parallel?.leave();
}

async function measure(processes: number, batch: number, result: string): Promise<Measured> {
  const script = fileURLToPath(import.meta.url);
  const rest = [
    '--steps',
    String(steps),
    '--base-width',
    values['base-width'],
    '--image-size',
    values['image-size'],
  ];
  const status = await launchWorkers({
    plan: {
      kind: 'spawn',
      source: 'nproc',
      firstRank: 0,
      localSize: processes,
      size: processes,
      meeting: null,
    },
    command: process.execPath,
    args: [script, '--result', result, '--batch', String(batch), ...rest],
    env: process.env,
    threads: 1,
  });
  if (status !== 0) throw new Error(`${processes} processes ended with status ${status}`);
  return JSON.parse(readFileSync(result, 'utf8')) as Measured;
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-scaling-'));
  try {
    const cases = [
      { processes: 1, batch: batchSize },
      { processes: 2, batch: batchSize },
      { processes: 2, batch: 2 * batchSize },
    ].map((each) => ({ ...each, seconds: [] as number[], bytesPerStep: 0, trainableParameters: 0 }));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const each of cases) {
        const { secondsPerStep, ...rest } = await measure(
          each.processes,
          each.batch,
          join(folder, 'result.json'),
        );
        each.seconds.push(...secondsPerStep);
        Object.assign(each, rest);
      }
    }
    const table = cases.map(({ seconds, ...each }) => {
      const secondsPerStep = median(seconds);
      return { ...each, secondsPerStep, imagesPerSecond: each.batch / secondsPerStep, all: seconds };
    });
    const machine = { processor: cpus()[0]?.model, cores: availableParallelism() };
    process.stdout.write(`${JSON.stringify({ machine, threadsPerProcess: 1, cases: table }, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.result === undefined) await compare();
else await work(values.result);

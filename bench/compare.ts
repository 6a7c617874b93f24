/**
 * Compares our training step and inference with PyTorch's (`compare/NAME.py`, one plain script per model); they take turns, so other load affects both.
 *
 *     npm run bench:compare -- [--model NAME | --model all] [--options size=tiny,...] [--steps 4] [--inferences 9] [--batch 4] [--width 64] [--size 224] [--threads N]
 *
 * First with nothing random (no dropout, the most probable patches and words masked): mask and losses must agree within 1e-4. Two more steps are only shown:
 * Adam's first steps are as large for gradients of mere rounding, so wide models diverge. Then timed, with random draws. Prints one JSON document per
 * model, times of steps null with `--steps 0`; status 1 if masks or losses differ, 2 without PyTorch or script.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Batch } from '@reclmis/data';
import {
  type Config,
  loadConfig,
  madeBatch,
  madeData,
  median,
  modelNames,
  openSession,
  type Overrides,
  type Session,
  trainStep,
} from '@reclmis/lab';
import { scope, Tensor, version, writeSafetensors } from '@reclmis/torch';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'reclmis' },
    options: { type: 'string', default: '' },
    steps: { type: 'string', default: '4' },
    inferences: { type: 'string', default: '9' },
    batch: { type: 'string', default: '4' },
    width: { type: 'string', default: '64' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
  },
});
const [steps, inferences, batchSize, size, threads] = [
  values.steps,
  values.inferences,
  values.batch,
  values.size,
  values.threads,
].map(Number) as [number, number, number, number, number];
const names = values.model === 'all' ? modelNames() : [values.model];
/** Relative for losses, absolute for probabilities: float32 sums in another order differ in the sixth digit. */
const TOLERANCE = 1e-4;
const SHOWN_STEPS = 3;
/** The scripts send one pixel in so many of a mask. */
const SAMPLE = 97;
/** Models with stochastic depth, and those whose dropout no setting turns off: their losses are compared in evaluation mode. */
const DROP_PATH = new Set(['swinunet', 'lavt']);
const FIXED_DROPOUT = new Set(['clipseg', 'vilt']);

const scriptOf = (model: string): string => fileURLToPath(new URL(`../compare/${model}.py`, import.meta.url));
for (const name of names) {
  if (existsSync(scriptOf(name))) continue;
  process.stderr.write(
    `--model ${name}: no script bench/compare/${name}.py; there are ${modelNames().join(', ')}, and all\n`,
  );
  process.exit(2);
}
if (spawnSync(values.python, ['-c', 'import torch, numpy']).status !== 0) {
  process.stderr.write(
    `${values.python} has no PyTorch: install python3-torch and python3-numpy (Debian), or name another Python by --python\n`,
  );
  process.exit(2);
}

interface Step {
  readonly losses: Readonly<Record<string, number>>;
  readonly seconds: number;
}

interface Inference {
  readonly sample: readonly number[];
  readonly seconds: number;
}

interface Side {
  readonly steps: Step[];
  readonly inferences: Inference[];
}

class PyTorch {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor(model: string) {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'passive' };
    this.child = spawn(values.python, ['-B', scriptOf(model)], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ask<R>(question: unknown): Promise<R> {
    this.child.stdin.write(`${JSON.stringify(question)}\n`);
    const next = await this.lines.next();
    if (next.done === true) throw new Error('PyTorch ended');
    return JSON.parse(next.value) as R;
  }

  end(): void {
    this.child.stdin.end();
  }
}

function configOf(model: string, still: boolean): Config {
  const pairs = [values.options, still && DROP_PATH.has(model) ? 'dropPath=0' : ''];
  const halves: Overrides = { 'train.lossWeights.dice': 0.5, 'train.lossWeights.bce': 0.5 };
  const unmoved: Overrides = { 'model.dropout': 0, 'model.maskStrategy': 'topk' };
  return loadConfig(undefined, {
    'model.name': model,
    'model.baseWidth': Number(values.width),
    'model.imageSize': size,
    'model.options': pairs.filter((pair) => pair !== '').join(),
    'text.encoder': 'words',
    'train.batchSize': batchSize,
    'train.threads': threads,
    'data.workers': 0,
    ...(model !== 'reclmis' && halves),
    ...(still && unmoved),
  });
}

function write(file: string, { model, encoder }: Session, batch: Batch): void {
  scope(() => {
    const { features, valid, ids } = encoder.encode(batch.notes);
    const weights = [...model.stateDict()].map(([key, tensor]) => [`model.${key}`, tensor] as const);
    writeSafetensors(
      file,
      new Map<string, Tensor>([
        ...weights,
        ['images', Tensor.fromFloat32(batch.images, [batch.count, 3, size, size])],
        ['masks', Tensor.fromFloat32(batch.masks, [batch.count, 1, size, size])],
        ['features', features],
        ['valid', valid.to({ dtype: 'uint8' })],
        ...(ids ? [['ids', ids] as const] : []),
      ]),
    );
  });
}

function questionOf(file: string, session: Session, batch: Batch, training: boolean): unknown {
  const { dropout, maskStrategy, options } = session.config.model;
  const parameters = [...session.model.namedParameters()];
  return {
    load: file,
    dropout,
    options: { ...options, maskStrategy },
    frozen: parameters.flatMap(([key, { requiresGrad }]) => (requiresGrad ? [] : [key])),
    notes: batch.notes,
    threads,
    lr: session.config.train.lr,
    training,
  };
}

function infer({ segmenter }: Session, { images, notes }: Batch): Inference {
  const begun = performance.now();
  const mask = segmenter.probabilities(images.subarray(0, 3 * size * size), notes.slice(0, 1));
  const seconds = (performance.now() - begun) / 1000;
  return { sample: [...mask.filter((_, i) => i % SAMPLE === 0)], seconds };
}

function step(session: Session, batch: Batch, number: number): Step {
  const begun = performance.now();
  const { losses } = trainStep(session, batch, number, session.config.train.lr);
  return { losses, seconds: (performance.now() - begun) / 1000 };
}

async function sideBySide(
  model: string,
  still: boolean,
  counts: { readonly steps: number; readonly inferences: number },
): Promise<{ ours: Side; theirs: Side; torch: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-compare-'));
  const session = openSession(configOf(model, still), madeData(batchSize));
  const other = new PyTorch(model);
  try {
    const batch = madeBatch(batchSize, size);
    const file = join(folder, 'start.safetensors');
    write(file, session, batch);
    const training = !(still && FIXED_DROPOUT.has(model));
    const { torch } = await other.ask<{ torch: string }>(questionOf(file, session, batch, training));
    const ours: Side = { steps: [], inferences: [] };
    const theirs: Side = { steps: [], inferences: [] };
    // All inferences come first, in evaluation mode as in use: training drops the transformed copies of weights, which the next inference would make again.
    session.model.eval();
    for (let number = 1; number <= counts.inferences; number++) {
      ours.inferences.push(infer(session, batch));
      theirs.inferences.push(await other.ask<Inference>({ infer: number }));
    }
    session.model.train(training);
    for (let number = 1; number <= counts.steps; number++) {
      ours.steps.push(step(session, batch, number));
      theirs.steps.push(await other.ask<Step>({ step: number }));
      if (process.stderr.isTTY) process.stderr.write(`\r${model}: step ${number} of ${counts.steps} `);
    }
    return { ours, theirs, torch };
  } finally {
    other.end();
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The larger of two differences; NaN, where a value is missing, counts as infinite. */
const larger = (a: number, b: number): number => Math.max(a, Number.isNaN(b) ? Infinity : b);

function lossDifference(ours: Step, theirs: Step | undefined): number {
  return Object.entries(ours.losses)
    .map(([name, value]) => Math.abs(value / (theirs?.losses[name] ?? Number.NaN) - 1))
    .reduce(larger, 0);
}

function maskDifference(ours: Inference | undefined, theirs: Inference | undefined): number {
  return (ours?.sample ?? [Number.NaN])
    .map((value, i) => Math.abs(value - (theirs?.sample[i] ?? Number.NaN)))
    .reduce(larger, 0);
}

interface Timed {
  readonly seconds: number;
}

/** The median without the first, which warms up. */
const typical = (all: readonly Timed[]): number => median(all.slice(1).map(({ seconds }) => seconds));

/** The median of the pairs' ratios without the first pair: what else the machine does slows both of a pair. */
const typicalRatio = (ours: readonly Timed[], theirs: readonly Timed[]): number =>
  median(ours.slice(1).map(({ seconds }, i) => seconds / (theirs[i + 1]?.seconds ?? Number.NaN)));

async function compare(model: string): Promise<void> {
  const still = await sideBySide(model, true, { steps: steps === 0 ? 1 : SHOWN_STEPS, inferences: 1 });
  const losses = still.ours.steps.map((own, i) => lossDifference(own, still.theirs.steps[i]));
  const mask = maskDifference(still.ours.inferences[0], still.theirs.inferences[0]);
  const timed = await sideBySide(model, false, {
    steps: steps === 0 ? 0 : steps + 1,
    inferences: inferences + 1,
  });
  const [ours, theirs] = [timed.ours, timed.theirs].map((side) => ({
    step: typical(side.steps) / batchSize,
    inference: typical(side.inferences),
  })) as [Record<'step' | 'inference', number>, Record<'step' | 'inference', number>];
  const ratio = {
    step: typicalRatio(timed.ours.steps, timed.theirs.steps),
    inference: typicalRatio(timed.ours.inferences, timed.theirs.inferences),
  };
  const document = {
    model: { name: model, baseWidth: Number(values.width), imageSize: size, batch: batchSize, threads },
    versions: { libtorch: version().torch, pytorch: timed.torch, vectors: version().capability },
    losses: { ours: still.ours.steps[0]?.losses, pytorch: still.theirs.steps[0]?.losses },
    differences: { mask, lossesPerStep: losses },
    secondsPerImage: { ours, pytorch: theirs, ratio },
    steps,
    inferences,
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  if (!((losses[0] ?? Number.NaN) < TOLERANCE && mask < TOLERANCE)) process.exitCode = 1;
}

for (const name of names) await compare(name);

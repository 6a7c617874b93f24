/**
 * Compares our training step with PyTorch's (`compare/reclmis.py`); they take turns, so other load affects
 * both.
 *
 *     npm run bench:compare -- [--steps 4] [--batch 8] [--width 64] [--size 224] [--threads N]
 *
 * First without dropout and with the most probable patches and words masked: losses must agree within 1e-4.
 * Two more steps are only shown: Adam's first steps are as large for gradients of mere rounding, so wide
 * models diverge. Then timed, with random draws. Prints one JSON document; status 1 if losses differ, 2
 * without PyTorch.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type Batch,
  type Config,
  loadConfig,
  madeBatch,
  madeData,
  median,
  openSession,
  type Overrides,
  type Session,
  trainStep,
} from '@reclmis/lab';
import { scope, Tensor, version, writeSafetensors } from '@reclmis/torch';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '4' },
    batch: { type: 'string', default: '8' },
    width: { type: 'string', default: '64' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
  },
});
const [steps, batchSize, size, threads] = [values.steps, values.batch, values.size, values.threads].map(
  Number,
) as [number, number, number, number];
const SCRIPT = fileURLToPath(new URL('../compare/reclmis.py', import.meta.url));
/** Relative; other orders of float32 sums change the sixth digit. */
const TOLERANCE = 1e-4;
const SHOWN_STEPS = 3;

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

class PyTorch {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'passive' };
    this.child = spawn(values.python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'], env });
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

function configOf(settings: Overrides): Config {
  return loadConfig(undefined, {
    'model.baseWidth': Number(values.width),
    'model.imageSize': size,
    'text.encoder': 'words',
    'train.batchSize': batchSize,
    'train.threads': threads,
    'data.workers': 0,
    ...settings,
  });
}

function write(file: string, { model, encoder }: Session, batch: Batch): void {
  scope(() => {
    const { features, valid } = encoder.encode(batch.notes);
    const weights = [...model.stateDict()].map(([key, tensor]) => [`model.${key}`, tensor] as const);
    writeSafetensors(
      file,
      new Map<string, Tensor>([
        ...weights,
        ['images', Tensor.fromFloat32(batch.images, [batch.count, 3, size, size])],
        ['masks', Tensor.fromFloat32(batch.masks, [batch.count, 1, size, size])],
        ['features', features],
        ['valid', valid.to({ dtype: 'uint8' })],
      ]),
    );
  });
}

async function sideBySide(
  settings: Overrides,
  count: number,
): Promise<{ ours: Step[]; theirs: Step[]; torch: string }> {
  const config = configOf(settings);
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-compare-'));
  const session = openSession(config, madeData(batchSize));
  const other = new PyTorch();
  try {
    const batch = madeBatch(batchSize, size);
    const file = join(folder, 'start.safetensors');
    write(file, session, batch);
    const { lr } = config.train;
    const { layers, dropout, maskStrategy } = config.model;
    const question = { load: file, layers, dropout, strategy: maskStrategy, threads, lr };
    const { torch } = await other.ask<{ torch: string }>(question);
    session.model.train();
    const [ours, theirs]: [Step[], Step[]] = [[], []];
    for (let step = 1; step <= count; step++) {
      const begun = performance.now();
      const losses = trainStep(session, batch, step, lr);
      ours.push({ losses, seconds: (performance.now() - begun) / 1000 });
      theirs.push(await other.ask<Step>({ step }));
      if (process.stderr.isTTY) process.stderr.write(`\rstep ${step} of ${count} `);
    }
    return { ours, theirs, torch };
  } finally {
    other.end();
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const still = await sideBySide({ 'model.dropout': 0, 'model.maskStrategy': 'topk' }, SHOWN_STEPS);
const differences = still.ours.map(({ losses }, i) =>
  Math.max(
    ...Object.entries(losses).map(([name, value]) =>
      Math.abs(value / (still.theirs[i]?.losses[name] ?? Number.NaN) - 1),
    ),
  ),
);
const timed = await sideBySide({}, steps + 1);
const perImage = (all: readonly Step[]): number =>
  median(all.slice(1).map(({ seconds }) => seconds)) / batchSize; // the first warms up
const [ours, theirs] = [perImage(timed.ours), perImage(timed.theirs)];
process.stdout.write(
  `${JSON.stringify(
    {
      model: { baseWidth: Number(values.width), imageSize: size, batch: batchSize, threads },
      versions: { libtorch: version().torch, pytorch: timed.torch, vectors: version().capability },
      losses: { ours: still.ours[0]?.losses, pytorch: still.theirs[0]?.losses },
      relativeDifferencePerStep: differences,
      secondsPerImage: { ours, pytorch: theirs, ratio: ours / theirs },
      steps,
    },
    null,
    2,
  )}\n`,
);
if (!((differences[0] ?? Number.NaN) < TOLERANCE)) process.exitCode = 1;

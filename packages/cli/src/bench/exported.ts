/**
 * Compares exported models on onnxruntime, each in its own process, for cold start and memory. They take
 * turns, so other load affects all alike and ratios hold even if times do not.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { statSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ErrorCode,
  ERRORS,
  MANIFEST_FILE,
  type ModelManifest,
  parseManifest,
  quantile,
  ReclmisError,
} from '@reclmis/core';
import { oneLine, readTextSync } from '@reclmis/files';
import type { NotesTurn, Order, Ready, Told, Turn } from './exported-messages.js';

export interface ExportedBenchOptions {
  readonly models: readonly string[];
  /** Images at once, each measured. */
  readonly batches: readonly number[];
  /** Measured turns per model and batch. */
  readonly steps: number;
  readonly warmup: number;
  /** Cold starts per model. */
  readonly starts: number;
  readonly device?: 'cpu' | 'cuda';
  /** onnxruntime's threads; null: all cores. */
  readonly threads: number | null;
  readonly onStep?: (done: number, total: number) => void;
}

/** Milliseconds. */
export interface Times {
  readonly median: number;
  readonly p90: number;
  readonly min: number;
}

/** Per image, from pixels in memory to the mask at their size. */
export interface BatchFigures {
  readonly batch: number;
  readonly perImage: Times;
  readonly network: Times;
  readonly processor: Times;
  readonly imagesPerSecond: number;
  /** Median over turns of the first model's time divided by this one's. */
  readonly speedup: number;
  /** GFLOP/s by the median; null if the manifest lacks FLOPs. */
  readonly achieved: number | null;
}

/** Several notes about one image, from its pixels in memory; the notes' features are known. */
export interface NotesFigures {
  readonly first: Times;
  readonly further: Times;
  readonly firstProcessor: Times;
  readonly furtherProcessor: Times;
  /** Median over turns of a further note's time divided by the first's. */
  readonly share: number;
  /** Median over turns of the first note's time divided by that of the first model. */
  readonly price: number;
}

export interface ExportedFigures {
  readonly dir: string;
  readonly name: string;
  readonly precision: ModelManifest['precision'];
  /** Size of all files. */
  readonly bytes: number;
  readonly flopsPerImage: number | null;
  readonly coldStart: { readonly firstMask: Times; readonly load: Times };
  readonly batches: readonly BatchFigures[];
  /** Null if the model reads no notes. */
  readonly notes: NotesFigures | null;
  readonly memory: { readonly firstMaskBytes: number; readonly peakBytes: number };
}

export interface ExportedReport {
  readonly kind: 'infer-exported';
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly device: string;
  readonly threads: number;
  readonly steps: number;
  readonly models: readonly ExportedFigures[];
}

const PROCESS = fileURLToPath(new URL('./exported-process.js', import.meta.url));

/** @throws MODEL_MISSING, MODEL_INVALID and what the runtime throws */
export async function benchExported(options: ExportedBenchOptions): Promise<ExportedReport> {
  const { models, batches, steps, warmup, starts, device = 'cpu', threads } = options;
  const manifests = models.map(readManifest);
  const reads = manifests.map(({ note }) => note !== null);
  const readers = reads.filter(Boolean).length;
  const total = models.length * (starts + batches.length * (warmup + steps)) + readers * (warmup + steps);
  let done = 0;
  const step = (): void => options.onStep?.(++done, total);

  const cold: Ready[][] = models.map(() => []);
  const running: Subject[] = [];
  const turns = models.map(() => batches.map((): Turn[] => []));
  const asked = models.map((): NotesTurn[] => []);
  const peaks: number[] = [];
  try {
    for (let start = 1; start <= starts; start++) {
      for (const [i, dir] of models.entries()) {
        const subject = new Subject();
        running.push(subject);
        cold[i]?.push(await subject.ask({ kind: 'begin', dir, device, threads }, 'ready'));
        if (start < starts) await running.pop()?.end();
        step();
      }
    }
    for (const [b, batch] of batches.entries()) {
      for (let turn = 0; turn < warmup + steps; turn++) {
        for (const [i, subject] of running.entries()) {
          const measured = await subject.ask({ kind: 'measure', batch }, 'turn');
          if (turn >= warmup) turns[i]?.[b]?.push(measured);
          step();
        }
      }
    }
    for (let turn = 0; turn < warmup + steps; turn++) {
      for (const [i, subject] of running.entries()) {
        if (reads[i] !== true) continue;
        const measured = await subject.ask({ kind: 'notes' }, 'notes');
        if (turn >= warmup) asked[i]?.push(measured);
        step();
      }
    }
    for (const subject of running) peaks.push(await subject.end());
  } finally {
    for (const subject of running) subject.kill();
  }

  const figures = models.map((dir, i): ExportedFigures => {
    const manifest = manifests[i] as ModelManifest;
    const { flopsPerImage = null } = manifest;
    return {
      dir,
      name: manifest.name,
      precision: manifest.precision,
      bytes: [manifest.segmenter.file, manifest.textEncoder?.file].reduce(
        (sum, file) => sum + (file?.bytes ?? 0),
        0,
      ),
      flopsPerImage,
      coldStart: {
        firstMask: timesOf((cold[i] ?? []).map(({ firstMask }) => firstMask)),
        load: timesOf((cold[i] ?? []).map(({ load }) => load)),
      },
      batches: batches.map((batch, b) =>
        batchFigures(batch, turns[i]?.[b] ?? [], turns[0]?.[b] ?? [], flopsPerImage),
      ),
      notes: reads[i] === true ? notesFigures(asked[i] ?? [], asked[reads.indexOf(true)] ?? []) : null,
      memory: {
        firstMaskBytes: Math.max(...(cold[i] ?? []).map(({ residentBytes }) => residentBytes)),
        peakBytes: peaks[i] ?? Number.NaN,
      },
    };
  });
  return {
    kind: 'infer-exported',
    machine: {
      processor: cpus()[0]?.model.trim() ?? '',
      cores: availableParallelism(),
      node: process.versions.node,
    },
    device,
    threads: threads ?? availableParallelism(),
    steps,
    models: figures,
  };
}

/** @param first the first model's turns, in the same order */
export function batchFigures(
  batch: number,
  turns: readonly Turn[],
  first: readonly Turn[],
  flopsPerImage: number | null,
): BatchFigures {
  const perImage = (of: (turn: Turn) => number): Times => timesOf(turns.map((turn) => of(turn) / batch));
  const whole = perImage(({ milliseconds }) => milliseconds);
  const network = perImage(({ networkMilliseconds }) => networkMilliseconds);
  const ratios = turns.map(({ milliseconds }, i) => (first[i]?.milliseconds ?? Number.NaN) / milliseconds);
  return {
    batch,
    perImage: whole,
    network,
    processor: perImage(({ processorMilliseconds }) => processorMilliseconds),
    imagesPerSecond: 1000 / whole.median,
    speedup: quantile(ratios, 0.5),
    achieved: flopsPerImage === null ? null : flopsPerImage / network.median / 1e6,
  };
}

/** @param first the first model's turns, in the same order */
export function notesFigures(turns: readonly NotesTurn[], first: readonly NotesTurn[]): NotesFigures {
  const of = (key: Exclude<keyof NotesTurn, 'kind'>): Times => timesOf(turns.map((turn) => turn[key]));
  return {
    first: of('first'),
    further: of('further'),
    firstProcessor: of('firstProcessor'),
    furtherProcessor: of('furtherProcessor'),
    share: quantile(
      turns.map((turn) => turn.further / turn.first),
      0.5,
    ),
    price: quantile(
      turns.map((turn, i) => turn.first / (first[i]?.first ?? Number.NaN)),
      0.5,
    ),
  };
}

function timesOf(values: readonly number[]): Times {
  return { median: quantile(values, 0.5), p90: quantile(values, 0.9), min: quantile(values, 0) };
}

function readManifest(dir: string): ModelManifest {
  const path = join(dir, MANIFEST_FILE);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new ReclmisError('MODEL_MISSING', `${path}: file not found, so ${dir} is not an exported model`);
  let json: unknown;
  try {
    json = JSON.parse(readTextSync(path));
  } catch (cause) {
    throw new ReclmisError('MODEL_INVALID', `${path}: is not JSON (${oneLine(cause)})`, { cause });
  }
  return parseManifest(json, path);
}

class Subject {
  private readonly child: ChildProcess = fork(PROCESS, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

  ask<K extends Told['kind']>(order: Order, kind: K): Promise<Extract<Told, { kind: K }>> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        child.off('message', onMessage).off('exit', onExit).off('error', reject);
        act();
      };
      const onMessage = (told: Told): void =>
        finish(() => {
          if (told.kind === kind) resolve(told as Extract<Told, { kind: K }>);
          else if (told.kind === 'failed') reject(new ReclmisError(codeOf(told.code), told.message));
          else reject(new ReclmisError('INTERNAL', `expected ${kind}, got ${told.kind}`));
        });
      const onExit = (status: number | null, signal: string | null): void =>
        finish(() =>
          reject(
            new ReclmisError(
              'INFERENCE_FAILED',
              `the model's process ended with ${signal ?? status ?? 'nothing'}`,
            ),
          ),
        );
      child.on('message', onMessage).on('exit', onExit).on('error', reject);
      child.send(order);
    });
  }

  /** Returns the process's peak memory, bytes. */
  async end(): Promise<number> {
    const { child } = this;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const { peakResidentBytes } = await this.ask({ kind: 'end' }, 'ended');
    await gone;
    return peakResidentBytes;
  }

  kill(): void {
    if (this.child.exitCode === null) this.child.kill();
  }
}

const codeOf = (code: string): ErrorCode => (Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL');

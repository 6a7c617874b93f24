/** The engine as a whole: version, devices, threads, memory, random numbers. */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ReclmisError } from '@reclmis/core';
import { native } from './native.js';
import { Tensor } from './tensor.js';

export interface EngineVersion {
  /** libtorch's release, e.g. 1.13.0. */
  readonly torch: string;
  /** Widest vector instructions in use: DEFAULT, AVX2, AVX512, ... */
  readonly capability: string;
  /** Build settings, several lines. */
  readonly configuration: string;
}

export function version(): EngineVersion {
  const { torch, configuration } = native().version();
  return {
    torch,
    configuration,
    capability: /CPU capability usage: (\S+)/.exec(configuration)?.[1] ?? 'unknown',
  };
}

/** `cpu`, then the linked libtorch's `cuda:0`, `cuda:1`, ... */
export function devices(): string[] {
  const count = native().version().cudaDevices;
  return ['cpu', ...Array.from({ length: count }, (_, index) => `cuda:${index}`)];
}

/** The full name of a device (`cuda` is `cuda:0`). @throws DEVICE_MISSING if the linked libtorch lacks it. */
export function device(name: string): string {
  const wanted = name === 'cuda' ? 'cuda:0' : name;
  const present = devices();
  if (!present.includes(wanted)) {
    throw new ReclmisError(
      'DEVICE_MISSING',
      `device '${name}' does not exist; this libtorch has ${present.join(', ')}`,
    );
  }
  return wanted;
}

/** Sets the CPU threads of operators; default: the machine's cores. */
export function setThreads(count: number = availableParallelism()): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new ReclmisError('OPTION_INVALID', `threads must be a positive whole number, got ${count}`);
  }
  native().setThreads(count);
}

let deterministic = false;

/**
 * Restricts libtorch to deterministic kernels, as `torch.use_deterministic_algorithms`; an operator without
 * one fails by name. CPU kernels in use are deterministic for a given number of threads. Call before CUDA's
 * first use: cuBLAS gets its workspace, unless the environment sets one.
 */
export function setDeterministic(on: boolean): void {
  if (on) process.env['CUBLAS_WORKSPACE_CONFIG'] ??= ':4096:8';
  native().setDeterministic(on);
  deterministic = on;
}

/** Whether `setDeterministic` is on. */
export function isDeterministic(): boolean {
  return deterministic;
}

export function threads(): number {
  return native().threads();
}

/** Native memory of a device in bytes, and open handles on all devices. */
export interface Memory {
  /** In use by tensors, autograd's saved ones included. */
  readonly liveBytes: number;
  /** Most in use since the start or the last `resetPeak`. */
  readonly peakBytes: number;
  /** Freed by tensors and kept for later ones. */
  readonly cachedBytes: number;
  readonly handles: number;
}

export function memory(device = 'cpu'): Memory {
  return native().memory(device);
}

export function resetPeak(device = 'cpu'): void {
  native().resetPeak(device);
}

/** Gives kept memory back to the system. */
export function emptyCache(): void {
  native().emptyCache();
}

let collect: (() => void) | undefined;

/**
 * Returns free memory to the system, except memory kept for tensors: collects JavaScript's heap, which V8 may
 * put off for thousands of steps, then trims malloc's heaps. Takes tens of milliseconds.
 */
export function trimHeap(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc'); // adds `gc` to new contexts only
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  native().trimHeap();
}

/** Waits for the work queued on a device. Call before reading a clock. */
export function synchronize(device: string): void {
  native().synchronize(device);
}

/** Seeds libtorch's generators, on every device. */
export function manualSeed(seed: number): void {
  native().manualSeed(seed);
}

/** State of the CPU's generator. */
export function generatorState(): Tensor {
  return Tensor.adopt(native().generatorState());
}

export function setGeneratorState(state: Tensor): void {
  native().setGeneratorState(state.id);
}

/**
 * Ends the process at once, from any thread, even while the main one is blocked in libtorch. No cleanup;
 * unwritten output is lost.
 */
export function exitNow(status: number): never {
  native().exitNow(status);
  throw new ReclmisError('INTERNAL', 'exitNow returned');
}

/** The engine as a whole: version, devices, threads, memory, random numbers. */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ReclmisError } from '@reclmis/core';
import { native } from './native.js';
import { Tensor } from './tensor.js';

/** What libtorch says of itself. */
export interface EngineVersion {
  /** libtorch's release, such as 1.13.0. */
  readonly torch: string;
  /** Widest vector instructions that its own kernels use here: DEFAULT, AVX2, AVX512, ... */
  readonly capability: string;
  /** Its build settings, several lines. */
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

/** The devices that the linked libtorch can use: `cpu`, then `cuda:0`, `cuda:1`, ... */
export function devices(): string[] {
  const count = native().version().cudaDevices;
  return ['cpu', ...Array.from({ length: count }, (_, index) => `cuda:${index}`)];
}

/**
 * The full name of a device (`cuda` is `cuda:0`).
 *
 * @throws DEVICE_MISSING when the linked libtorch does not have it.
 */
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

/** Sets the number of threads of operators on the CPU; without an argument, as many as the machine has cores. */
export function setThreads(count: number = availableParallelism()): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new ReclmisError('OPTION_INVALID', `threads must be a positive whole number, got ${count}`);
  }
  native().setThreads(count);
}

/**
 * Restricts libtorch to kernels that give the same bits each time, as `torch.use_deterministic_algorithms` does; an operator that has none
 * then fails by name. On a CPU every kernel in use is such already, for a given number of threads. Before CUDA's first use cuBLAS is given
 * the workspace that this needs, unless the environment says otherwise.
 */
export function setDeterministic(on: boolean): void {
  if (on) process.env['CUBLAS_WORKSPACE_CONFIG'] ??= ':4096:8';
  native().setDeterministic(on);
}

export function threads(): number {
  return native().threads();
}

/** Native memory of a device, in bytes, and the number of open handles, on whatever device. */
export interface Memory {
  /** In use by tensors, autograd's saved ones included. */
  readonly liveBytes: number;
  /** Most that was in use since the start or the last `resetPeak`. */
  readonly peakBytes: number;
  /** Freed by tensors and kept for the next ones. */
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
 * Gives memory that is free back to the system; the tensors' kept memory stays. First JavaScript's heap is collected whole, which V8 puts off
 * for thousands of steps while the heap grows; then the holes in malloc's heaps go: glibc has a heap for each thread, and what one thread
 * allocates and another frees leaves holes in all of them. Takes some tens of milliseconds.
 */
export function trimHeap(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc'); // new contexts have `gc` from here on; this program's own globals stay as they are
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  native().trimHeap();
}

/** Waits until a device has done what was queued on it; a CPU queues nothing. To be called before a clock is read. */
export function synchronize(device: string): void {
  native().synchronize(device);
}

/** Seeds libtorch's generators, on every device. */
export function manualSeed(seed: number): void {
  native().manualSeed(seed);
}

/** State of the CPU's generator, to be set again later. */
export function generatorState(): Tensor {
  return Tensor.adopt(native().generatorState());
}

export function setGeneratorState(state: Tensor): void {
  native().setGeneratorState(state.id);
}

/**
 * Ends the process at once with a status, from any thread, also while the main one is blocked in libtorch. Nothing is cleaned up, no
 * listener is told, and what JavaScript has not handed to the system yet is not written.
 */
export function exitNow(status: number): never {
  native().exitNow(status);
  throw new ReclmisError('INTERNAL', 'exitNow returned');
}

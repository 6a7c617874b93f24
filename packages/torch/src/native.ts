/** Loads the addon (`native/addon.cc`) at first use. Tensors are numbers here; 0 is none. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ReclmisError } from '@reclmis/core';

/** The addon's exports, documented in `native/addon.cc`. */
export interface Native {
  operator(name: string, overload: string): number;
  schema(name: string, overload: string): string | null;
  call(operator: number, values: readonly unknown[]): unknown;
  fromBytes(bytes: Uint8Array, dtype: number, shape: readonly number[], pinned: boolean): number;
  readInto(tensor: number, bytes: Uint8Array): void;
  describe(tensor: number): { shape: number[]; dtype: number; device: string; requiresGrad: boolean };
  release(tensors: readonly number[]): void;
  item(tensor: number): number;
  backward(tensor: number, gradient: number, retainGraph: boolean): void;
  grad(tensor: number): number;
  setGrad(tensor: number, gradient: number): void;
  setData(tensor: number, source: number): void;
  setRequiresGrad(tensor: number, on: boolean): void;
  setGradMode(on: boolean): boolean;
  manualSeed(seed: number): void;
  generatorState(): number;
  setGeneratorState(tensor: number): void;
  hasLanes(): boolean;
  isLaneMap(tensor: number): boolean;
  setDeterministic(on: boolean): void;
  setThreads(count: number): void;
  threads(): number;
  memory(device: string): { liveBytes: number; peakBytes: number; cachedBytes: number; handles: number };
  resetPeak(device: string): void;
  emptyCache(): void;
  trimHeap(): void;
  version(): { torch: string; configuration: string; cudaDevices: number };
  setAutocast(device: string, enabled: boolean, dtype: number): { enabled: boolean; dtype: number };
  enterAutocast(): void;
  leaveAutocast(): void;
  startProfiler(shapes: boolean, device: string): void;
  takeProfile(): { name: string; selfMicros: number; totalMicros: number; calls: number }[];
  stopProfiler(): void;
  synchronize(device: string): void;
  distributedBackends(): string[];
  exitNow(status: number): void;
}

let loaded: Native | null = null;
const require = createRequire(import.meta.url);

/** The addon that was built here, else the prebuilt one of this platform's package; null without either. */
export function addonFile(): string | null {
  const built = fileURLToPath(new URL('../build/reclmis_torch.node', import.meta.url));
  if (existsSync(built)) return built;
  try {
    return require.resolve(`@reclmis/torch-${process.platform}-${process.arch}`);
  } catch {
    return null;
  }
}

/**
 * The addon. The first call loads libtorch and sets its threads to the machine's cores (its own default is
 * one).
 * @throws ADDON_MISSING if it is not built or libtorch cannot be loaded.
 */
export function native(): Native {
  if (loaded !== null) return loaded;
  const file = addonFile();
  if (file === null) throw new ReclmisError('ADDON_MISSING', 'the libtorch addon is not built');
  // Waiting OpenMP threads would spin and slow the loader and other programs.
  process.env['OMP_WAIT_POLICY'] ??= 'passive';
  try {
    loaded = require(file) as Native;
  } catch (cause) {
    throw new ReclmisError(
      'ADDON_MISSING',
      `the libtorch addon cannot be loaded: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  loaded.setThreads(availableParallelism());
  return loaded;
}

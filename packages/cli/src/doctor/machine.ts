/** The machine: processor and its vector units, memory, graphics cards, free disk. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, freemem, platform, release, tmpdir, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { cacheHome } from '@reclmis/files';

export interface Machine {
  readonly platform: string;
  /** The kernel’s, numbers alone: what distributions and people append may name a machine. */
  readonly release: string;
  readonly arch: string;
  readonly node: string;
  readonly cpu: {
    readonly model: string;
    /** That this process may use. */
    readonly cores: number;
    /** Null: this system does not say. */
    readonly vectors: readonly string[] | null;
  };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly disks: readonly Disk[];
  /** As NVIDIA's driver lists them; empty without it. */
  readonly gpus: readonly Gpu[];
}

export interface Disk {
  readonly what: string;
  /** Null: the system does not say. */
  readonly freeBytes: number | null;
}

export interface Gpu {
  readonly name: string;
  readonly memoryBytes: number;
  readonly driver: string;
}

/** As /proc/cpuinfo spells them; those that libtorch and onnxruntime choose their kernels by. */
const VECTORS = [
  'sse4_2', 'avx', 'f16c', 'fma', 'avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16', 'amx_int8',
  'asimd', 'asimdhp', 'bf16', 'sve',
]; // prettier-ignore
const NVIDIA_MS = 5000;

export async function describeMachine(): Promise<Machine> {
  const places = [
    ['temporary folder', tmpdir()],
    ['cache', cacheHome()],
    ['this folder', process.cwd()],
  ] as const;
  return {
    platform: platform(),
    release: /^\d+(?:\.\d+)*/.exec(release())?.[0] ?? '',
    arch: arch(),
    node: process.versions.node,
    cpu: {
      model: cpus()[0]?.model.trim() || 'unknown',
      cores: availableParallelism(),
      vectors: vectorUnits(),
    },
    memory: { totalBytes: limitedMemory(), freeBytes: Math.min(freemem(), limitedMemory()) },
    disks: await Promise.all(
      places.map(async ([what, path]) => ({ what, freeBytes: await freeBytes(path) })),
    ),
    gpus: await nvidiaCards(),
  };
}

/** A container's limit where it has one. */
function limitedMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Linux alone tells all units without a program. */
function vectorUnits(): string[] | null {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
    if (line === undefined) return null;
    const flags = new Set(line.trim().split(/\s+/));
    return VECTORS.filter((name) => flags.has(name));
  } catch {
    return null;
  }
}

/** Where `path` will lie: the closest folder that exists. */
async function freeBytes(path: string): Promise<number | null> {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

function nvidiaCards(): Promise<Gpu[]> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];
  return new Promise((done) => {
    execFile('nvidia-smi', query, { timeout: NVIDIA_MS, windowsHide: true }, (error, stdout) => {
      done(error ? [] : parseCards(stdout));
    });
  });
}

/** Lines such as `NVIDIA H200, 143771, 580.95.05`: name, MiB, driver. */
export function parseCards(lines: string): Gpu[] {
  return lines.split('\n').flatMap((line) => {
    const [name = '', mebibytes = '', driver = ''] = line.split(',').map((cell) => cell.trim());
    return name && Number(mebibytes) > 0 ? [{ name, memoryBytes: Number(mebibytes) * 2 ** 20, driver }] : [];
  });
}

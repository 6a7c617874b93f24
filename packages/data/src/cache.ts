/**
 * Decoded samples in memory shared by all worker threads: each file is decoded once per run.
 *
 * A slot per case: the mask [S, S], then the image as one plane (grey) or three. Reserved memory is taken
 * only when written, so a grey case costs 2 S^2 bytes. All writers of a slot write the same bytes and set its
 * state last: readers need no lock.
 */
import { totalmem } from 'node:os';
import { isGrey } from './sample.js';
import type { Sample } from './types.js';

/** 2 GiB, at most a quarter of the machine's memory. */
export function defaultCacheBytes(): number {
  return Math.min(2 * 1024 ** 3, Math.floor(totalmem() / 4));
}

/** A larger single buffer may not be available. */
const CHUNK_BYTES = 256 * 1024 * 1024;

const EMPTY = 0;
const GREY = 1;
const COLOUR = 2;

/** Can be sent to a worker thread. */
export interface CacheMemory {
  readonly size: number;
  readonly states: SharedArrayBuffer;
  readonly chunks: readonly SharedArrayBuffer[];
  readonly slotsPerChunk: number;
}

/** Reserves for as many of `count` cases as fit into `bytes`. */
export function reserveCache(count: number, size: number, bytes: number): CacheMemory {
  const slot = 4 * size * size;
  const slots = Math.max(0, Math.min(count, Math.floor(bytes / slot)));
  const slotsPerChunk = Math.max(1, Math.floor(CHUNK_BYTES / slot));
  const chunks: SharedArrayBuffer[] = [];
  for (let left = slots; left > 0; left -= slotsPerChunk)
    chunks.push(new SharedArrayBuffer(Math.min(left, slotsPerChunk) * slot));
  return { size, states: new SharedArrayBuffer(slots * 4), chunks, slotsPerChunk };
}

export class SampleCache {
  private readonly states: Int32Array;

  constructor(private readonly memory: CacheMemory) {
    this.states = new Int32Array(memory.states);
  }

  get(index: number): Pick<Sample, 'image' | 'mask'> | null {
    const state = index < this.states.length ? Atomics.load(this.states, index) : EMPTY;
    if (state === EMPTY) return null;
    const { size } = this.memory;
    const n = size * size;
    const slot = this.slot(index);
    const [red, green, blue] = state === GREY ? [n, n, n] : [n, 2 * n, 3 * n];
    const data = new Uint8Array(3 * n);
    for (let p = 0, i = 0; p < n; p += 1, i += 3) {
      data[i] = slot[red + p] as number;
      data[i + 1] = slot[green + p] as number;
      data[i + 2] = slot[blue + p] as number;
    }
    return {
      image: { width: size, height: size, data },
      mask: { width: size, height: size, data: slot.slice(0, n) },
    };
  }

  set(index: number, { image, mask }: Pick<Sample, 'image' | 'mask'>): void {
    if (index >= this.states.length || Atomics.load(this.states, index) !== EMPTY) return;
    const n = this.memory.size * this.memory.size;
    const slot = this.slot(index);
    slot.set(mask.data);
    const planes = isGrey(image) ? 1 : 3;
    for (let c = 0; c < planes; c += 1) {
      for (let p = 0, i = c; p < n; p += 1, i += 3) slot[(c + 1) * n + p] = image.data[i] as number;
    }
    Atomics.store(this.states, index, planes === 1 ? GREY : COLOUR);
  }

  private slot(index: number): Uint8Array {
    const { size, chunks, slotsPerChunk } = this.memory;
    const bytes = 4 * size * size;
    const chunk = chunks[Math.floor(index / slotsPerChunk)] as SharedArrayBuffer;
    return new Uint8Array(chunk, (index % slotsPerChunk) * bytes, bytes);
  }
}

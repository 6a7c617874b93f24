/** Synthetic batches: random pixels, a disc as mask, notes in LViT's grammar and QaTa-COV19's lengths. */
import { Random, type RgbImage } from '@reclmis/core';
import type { Batch, Case, Dataset } from '@reclmis/data';
import type { TrainingData } from '../train/session.js';

const SIDES = ['left', 'right'] as const;
const HEIGHTS = ['upper', 'middle', 'lower', 'upper middle', 'middle lower'] as const;

/** Synthetic notes; up to 50 are all different. */
export function madeNotes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const height = (k: number): string => HEIGHTS[Math.floor(i / k) % HEIGHTS.length] ?? '';
    const side = SIDES[Math.floor(i / 25) % SIDES.length] ?? '';
    const other = SIDES[Math.floor(i / 25 + 1) % SIDES.length] ?? '';
    return `Bilateral pulmonary infection, two infected areas, ${height(1)} ${side} lung and ${height(5)} ${other} lung.`;
  });
}

/** Cases without files; no loader can read them. */
export function madeData(count: number): TrainingData {
  const cases: Case[] = madeNotes(count).map((note, i) => ({
    id: `made-${i}`,
    imagePath: '',
    maskPath: '',
    note,
  }));
  const dataset: Omit<Dataset, 'split'> = { name: 'made', dir: '', cases, fingerprint: '' };
  return { train: { ...dataset, split: 'train' }, val: { ...dataset, split: 'val' } };
}

export function madeBatch(count: number, size: number): Batch {
  const random = Random.from('bench', count, size);
  const radius = size / 4;
  const inside = (i: number): boolean =>
    Math.hypot((i % size) - size / 2, (Math.floor(i / size) % size) - size / 2) < radius;
  return {
    ids: Array.from({ length: count }, (_, i) => `made-${i}`),
    notes: madeNotes(count),
    images: Float32Array.from({ length: count * 3 * size * size }, () => random.next()),
    masks: Float32Array.from({ length: count * size * size }, (_, i) => Number(inside(i))),
    count,
    waitMs: 0,
  };
}

/** Pictures as a decoder gives them. */
export function madePictures(count: number, size: number): RgbImage[] {
  const random = Random.from('bench pictures', count, size);
  return Array.from({ length: count }, () => ({
    width: size,
    height: size,
    data: Uint8Array.from({ length: size * size * 3 }, () => random.int(256)),
  }));
}

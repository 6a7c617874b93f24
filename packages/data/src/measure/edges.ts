/**
 * Measures the image's gradient across the mask's outline, with the mask in place and moved by up to 18
 * pixels. Over a set, fitting masks peak in the middle; one case says little.
 *
 * The grid of moves is [19, 19], rows down, columns across, from -18 to 18 by 2 pixels of a picture at most
 * 512 pixels long.
 */
import type { Mask } from '@reclmis/core';

/** In pixels. */
const REACH = 18;
export const EDGE_STEP = 2;
export const EDGE_SIDE = (2 * REACH) / EDGE_STEP + 1;
const LONGEST = 512;
/** Points of the outline, and the least that suffice. */
const MOST_POINTS = 300;
const LEAST_POINTS = 20;
/** Half of [1 2 3 2 1]: a box of three pixels twice. */
const KERNEL = [1, 2, 3] as const;

/** Pixels of the picture per pixel of the grid. */
export function edgeScale(width: number, height: number): number {
  return Math.ceil(Math.max(width, height) / LONGEST);
}

/** [19, 19], relative to their mean; null for a short outline or a flat image along it. */
export function edgesAround(luma: Uint8Array, mask: Mask): Float32Array | null {
  const scale = edgeScale(mask.width, mask.height);
  const [w, h] = [Math.floor(mask.width / scale), Math.floor(mask.height / scale)];
  const set = sampled(mask.data, mask.width, w, h, scale);
  const points = outline(set, w, h);
  if (points.length < LEAST_POINTS) return null;
  const grey = smoothed(scale === 1 ? luma : boxes(luma, mask.width, w, h, scale), w, h);
  const [across, down] = gradients(grey, w, h);
  const step = Math.max(1, points.length / MOST_POINTS);
  const out = new Float32Array(EDGE_SIDE * EDGE_SIDE);
  const count = Math.min(points.length, MOST_POINTS);
  for (let i = 0; i < count; i++) {
    const p = points[Math.floor(i * step)] as number;
    const [nx, ny] = normalAt(set, w, p);
    for (let row = 0, k = 0; row < EDGE_SIDE; row++) {
      let q = p + (row * EDGE_STEP - REACH) * w - REACH;
      for (let column = 0; column < EDGE_SIDE; column++, k++, q += EDGE_STEP)
        out[k] = (out[k] as number) + Math.abs((across[q] as number) * nx + (down[q] as number) * ny);
    }
  }
  const mean = out.reduce((sum, value) => sum + value, 0) / out.length;
  return mean <= 1e-6 ? null : out.map((value) => value / mean);
}

/** Leaves out points too near to the border to be moved. */
function outline(set: Uint8Array, w: number, h: number): number[] {
  const points: number[] = [];
  const margin = REACH + 3;
  for (let y = margin; y < h - margin; y++)
    for (let x = margin, p = y * w + margin; x < w - margin; x++, p++)
      if (set[p] !== set[p - 1] || set[p] !== set[p - w]) points.push(p);
  return points;
}

function normalAt(set: Uint8Array, w: number, p: number): readonly [number, number] {
  let [nx, ny] = [0, 0];
  for (let v = -2; v <= 2; v++)
    for (let u = -2; u <= 2; u++) {
      const value = set[p + v * w + u] as number;
      nx += u * value;
      ny += v * value;
    }
  const length = Math.hypot(nx, ny) || 1;
  return [nx / length, ny / length];
}

function sampled(data: Uint8Array, width: number, w: number, h: number, scale: number): Uint8Array {
  if (scale === 1) return data;
  const out = new Uint8Array(w * h);
  const middle = Math.floor(scale / 2);
  for (let y = 0, p = 0; y < h; y++)
    for (let x = 0; x < w; x++, p++)
      out[p] = data[(y * scale + middle) * width + x * scale + middle] as number;
  return out;
}

function boxes(luma: Uint8Array, width: number, w: number, h: number, scale: number): Float32Array {
  const out = new Float32Array(w * h);
  for (let y = 0; y < h * scale; y++) {
    const row = Math.floor(y / scale) * w;
    for (let x = 0; x < w * scale; x++) {
      const p = row + Math.floor(x / scale);
      out[p] = (out[p] as number) + (luma[y * width + x] as number);
    }
  }
  return out;
}

/** A border of two pixels stays 0. */
function smoothed(grey: Uint8Array | Float32Array, w: number, h: number): Float32Array {
  const rows = new Float32Array(w * h);
  const out = new Float32Array(w * h);
  const [a, b, c] = KERNEL;
  const along = (from: Uint8Array | Float32Array, p: number, step: number): number =>
    a * ((from[p - 2 * step] as number) + (from[p + 2 * step] as number)) +
    b * ((from[p - step] as number) + (from[p + step] as number)) +
    c * (from[p] as number);
  for (let y = 0; y < h; y++) for (let x = 2, p = y * w + 2; x < w - 2; x++, p++) rows[p] = along(grey, p, 1);
  for (let p = 2 * w; p < (h - 2) * w; p++) out[p] = along(rows, p, w);
  return out;
}

function gradients(grey: Float32Array, w: number, h: number): readonly [Float32Array, Float32Array] {
  const [across, down] = [new Float32Array(w * h), new Float32Array(w * h)];
  // Smoothing takes two pixels, a difference one more.
  for (let y = 3; y < h - 3; y++) {
    for (let x = 3, p = y * w + 3; x < w - 3; x++, p++) {
      across[p] = (grey[p + 1] as number) - (grey[p - 1] as number);
      down[p] = (grey[p + w] as number) - (grey[p - w] as number);
    }
  }
  return [across, down];
}

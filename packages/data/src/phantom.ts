/**
 * The built-in data set: drawn chest radiographs (`thorax.ts`) with 2 to 5 opacities in the six lung zones;
 * note and mask hold one to three of them, never all, so the note decides. Our own design, for demonstrations
 * and tests.
 *
 * Notes use LViT's grammar; sides are the patient's: the patient's left lung is on the image's RIGHT. Seed,
 * number and size determine every byte.
 */
import { join } from 'node:path';
import { formatNote, Random, ReclmisError, type Mask, type Place, type Side } from '@reclmis/core';
import {
  encodeWorkbook,
  type GreyImage,
  mapLimit,
  writeFileAtomic,
  writePngGrey,
  writePngMask,
} from '@reclmis/files';
import { FOLDERS } from './layouts/lvit.js';
import { writeNewFolder } from './new-folder.js';
import { drawAnatomy, lungSpan, smoothstep, tissueAt, type Anatomy, type Tissue } from './thorax.js';
import { SPLITS, type Split } from './types.js';

type ThirdOfLung = 'upper' | 'middle' | 'lower';

export interface LungZone {
  readonly side: Side;
  readonly zone: ThirdOfLung;
}

export interface Phantom {
  readonly image: GreyImage;
  /** Only the named opacities. */
  readonly mask: Mask;
  readonly note: string;
  readonly opacities: readonly LungZone[];
  readonly named: readonly LungZone[];
}

export interface PhantomOptions {
  /** At least 3. */
  readonly count: number;
  readonly seed: number;
  /** Pixels, 32 to 2048. */
  readonly size: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Nothing written remains. */
  readonly signal?: AbortSignal;
}

const ZONES: readonly LungZone[] = (['left', 'right'] as const).flatMap((side) =>
  (['upper', 'middle', 'lower'] as const).map((zone) => ({ side, zone })),
);
const THIRDS: Readonly<Record<ThirdOfLung, number>> = { upper: 0, middle: 1, lower: 2 };
/** Share of full strength that belongs to the mask. */
const VISIBLE = 0.4;
const LANES = 4;

/** An ellipse with a wavy rim, in the body frame. */
interface Blob {
  readonly at: LungZone;
  readonly x: number;
  readonly y: number;
  readonly radiusX: number;
  readonly radiusY: number;
  /** Cosine and sine of its tilt. */
  readonly cos: number;
  readonly sin: number;
  readonly strength: number;
  /** Phases of the rim's two waves. */
  readonly waves: readonly [number, number];
}

/** Share of free lung, 0 to 1. */
function zoneShare(anatomy: Anatomy, { side, zone }: LungZone, tissue: Tissue, y: number): number {
  const lung = side === 'left' ? tissue.left : tissue.right;
  if (lung === 0) return 0;
  const { top, bottom } = lungSpan(anatomy, side);
  const third = (bottom - top) / 3;
  const from = top + THIRDS[zone] * third;
  const upper = zone === 'upper' ? 1 : smoothstep(from - 0.02, from + 0.03, y);
  const lower = zone === 'lower' ? 1 : smoothstep(from + third + 0.02, from + third - 0.03, y);
  return lung * upper * lower;
}

function drawBlob(random: Random, anatomy: Anatomy, at: LungZone): Blob {
  const { top, bottom } = lungSpan(anatomy, at.side);
  const third = (bottom - top) / 3;
  const radiusX = random.uniform(0.16, 0.23);
  const radiusY = random.uniform(0.13, 0.18);
  const tilt = random.uniform(-0.6, 0.6);
  const tissue: Tissue = { brightness: 0, left: 0, right: 0 };
  const share = (x: number, y: number): number => zoneShare(anatomy, at, tissueAt(anatomy, x, y, tissue), y);
  let best = { x: 0, y: 0, free: -1 };
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const x = (at.side === 'left' ? 1 : -1) * random.uniform(0.24, 0.62);
    const y = top + third * (THIRDS[at.zone] + random.uniform(0.3, 0.7));
    const [rx, ry] = [0.7 * radiusX, 0.7 * radiusY];
    const free = share(x, y) + share(x - rx, y) + share(x + rx, y) + share(x, y - ry) + share(x, y + ry);
    if (free > best.free) best = { x, y, free };
  }
  return {
    at,
    x: best.x,
    y: best.y,
    radiusX,
    radiusY,
    cos: Math.cos(tilt),
    sin: Math.sin(tilt),
    strength: random.uniform(0.24, 0.36),
    waves: [random.uniform(0, 2 * Math.PI), random.uniform(0, 2 * Math.PI)],
  };
}

/** Share of full strength, 0 to 1, before clipping to the zone. */
function blobShare(blob: Blob, x: number, y: number): number {
  const { cos, sin, waves } = blob;
  const dx = x - blob.x;
  const dy = y - blob.y;
  const u = (cos * dx + sin * dy) / blob.radiusX;
  const v = (cos * dy - sin * dx) / blob.radiusY;
  const square = u * u + v * v;
  if (square > 2.2) return 0;
  const angle = Math.atan2(v, u);
  const rim = 1 + 0.12 * Math.sin(3 * angle + waves[0]) + 0.08 * Math.sin(5 * angle + waves[1]);
  return smoothstep(1.15, 0.6, Math.sqrt(square) / rim);
}

/** Smooth noise, -1 to 1, interpolated on a coarse grid. */
function cloud(random: Random, cells: number): (u: number, v: number) => number {
  const grid = Float32Array.from({ length: (cells + 2) ** 2 }, () => random.uniform(-1, 1));
  const at = (i: number, j: number): number => grid[j * (cells + 2) + i] as number;
  return (u, v) => {
    const i = Math.floor(u * cells);
    const j = Math.floor(v * cells);
    const s = smoothstep(0, 1, u * cells - i);
    const t = smoothstep(0, 1, v * cells - j);
    const upper = at(i, j) + s * (at(i + 1, j) - at(i, j));
    const lower = at(i, j + 1) + s * (at(i + 1, j + 1) - at(i, j + 1));
    return upper + t * (lower - upper);
  };
}

/** "Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung." */
export function phantomNote(named: readonly LungZone[]): string {
  const places = (['left', 'right'] as const)
    .map((side): Place => ({
      side,
      zones: ZONES.filter((z) => z.side === side && named.includes(z)).map(({ zone }) => zone),
    }))
    .filter(({ zones }) => zones.length > 0);
  return formatNote({
    laterality: places.length === 2 ? 'bilateral' : 'unilateral',
    finding: 'pulmonary infection',
    count: named.length,
    places,
    nuclei: [],
    remainder: [],
  });
}

/** Draws case `index`, from 0. */
export function drawPhantom(seed: number, index: number, size: number): Phantom {
  const random = Random.from('phantom', seed, index);
  const anatomy = drawAnatomy(random);
  const count = 2 + random.int(4);
  const drawn = random.shuffle([...ZONES]).slice(0, count);
  const chosen = drawn.slice(0, 1 + random.int(Math.min(3, count - 1))); // never all
  const [opacities, named] = [
    ZONES.filter((z) => drawn.includes(z)),
    ZONES.filter((z) => chosen.includes(z)),
  ];
  const blobs = opacities.map((zone) => drawBlob(random, anatomy, zone));
  const [coarse, fine] = [cloud(random, 6), cloud(random, 22)];

  const image = new Uint8Array(size * size);
  const mask = new Uint8Array(size * size);
  const tissue: Tissue = { brightness: 0, left: 0, right: 0 };
  const [cos, sin] = [Math.cos(anatomy.angle) / anatomy.scale, Math.sin(anatomy.angle) / anatomy.scale];
  for (let row = 0, p = 0; row < size; row += 1) {
    const v = (row + 0.5) / size;
    for (let column = 0; column < size; column += 1, p += 1) {
      const u = (column + 0.5) / size;
      const px = 2 * u - 1 - anatomy.shiftX;
      const py = 2 * v - 1 - anatomy.shiftY;
      const x = cos * px + sin * py;
      const y = cos * py - sin * px;
      tissueAt(anatomy, x, y, tissue);
      const texture = coarse(u, v) + fine(u, v);
      let value = tissue.brightness + 0.02 * texture;
      if (tissue.left > 0 || tissue.right > 0) {
        for (const blob of blobs) {
          const shape = blobShare(blob, x, y);
          if (shape === 0) continue;
          const share = shape * zoneShare(anatomy, blob.at, tissue, y);
          value += share * blob.strength * (1 + 0.15 * texture);
          if (share >= VISIBLE && named.includes(blob.at)) mask[p] = 1;
        }
      }
      const bits = random.uint32();
      const grain = ((bits & 0xffff) + (bits >>> 16)) / 65536 - 1; // sum of two uniform numbers: -1 to 1, mostly near 0
      const exposed =
        Math.pow(Math.max(0, value), anatomy.gamma) * anatomy.gain + anatomy.offset + anatomy.noise * grain;
      image[p] = Math.round(255 * Math.min(1, Math.max(0, exposed)));
    }
  }
  return {
    image: { width: size, height: size, data: image },
    mask: { width: size, height: size, data: mask },
    note: phantomNote(named),
    opacities,
    named,
  };
}

/** 15 % val and 15 % test, at least one each. */
export function phantomSplits(count: number): Record<Split, number> {
  const part = Math.max(1, Math.round(0.15 * count));
  return { train: count - 2 * part, val: part, test: part };
}

function requireRange(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `phantom: ${name} must be an integer from ${low} to ${high}, got ${value}`,
  );
}

/**
 * Writes LViT's layout, whole or not at all.
 * @returns how many cases each split holds @throws OPTION_INVALID, OUTPUT_EXISTS (the folder is not empty),
 * OUTPUT_UNWRITABLE, DISK_FULL, INTERRUPTED
 */
export async function writePhantom(
  dir: string,
  { count, seed, size, onProgress, signal }: PhantomOptions,
): Promise<Record<Split, number>> {
  requireRange('count', count, 3, 100_000);
  requireRange('seed', seed, 0, 2 ** 31 - 1);
  requireRange('size', size, 32, 2048);
  const counts = phantomSplits(count);
  return writeNewFolder(dir, async (draft) => {
    let first = 0;
    let done = 0;
    for (const split of SPLITS) {
      const folder = join(draft, FOLDERS[split]);
      const numbers = Array.from({ length: counts[split] }, (_, i) => first + i);
      const rows = await mapLimit(numbers, LANES, async (index) => {
        if (signal?.aborted === true)
          throw new ReclmisError('INTERRUPTED', `${dir}: stopped after ${done} of ${count} phantoms`);
        const name = `phantom_${String(index + 1).padStart(4, '0')}.png`;
        const { image, mask, note } = drawPhantom(seed, index, size);
        await writePngGrey(join(folder, 'img', name), image);
        await writePngMask(join(folder, 'labelcol', `mask_${name}`), mask);
        done += 1;
        onProgress?.(done, count);
        return [`mask_${name}`, note];
      });
      const file = `${FOLDERS[split].replace('_Folder', '')}_text.xlsx`;
      await writeFileAtomic(join(folder, file), await encodeWorkbook([['Image', 'Description'], ...rows]));
      first += counts[split];
    }
    return counts;
  });
}

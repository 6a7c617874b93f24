/**
 * Augmentation (docs/method.md 9, with all ranges): blur, photometric changes, then a turn or a rotation, of
 * image and mask at training size.
 *
 * The paper (section 4.2) names blur and photometric changes; the geometric part and all ranges are the
 * authors' code's. Contrast comes before or after saturation and hue, p 0.5 each, and keeps black black.
 * Deviations: blur is two-dimensional, as meant (their code, given HWC data, blurs only rows), and rotations
 * interpolate linearly (theirs: nearest).
 *
 * `consistent` (default) keeps the note true: if it names a place, a turn-and-flip becomes a mirror image
 * with the mirrored note, or nothing if it may name a side in words that cannot be exchanged (core's
 * `note-motion.ts`). `upstream` turns and flips under any note.
 */
import { flip, mirror, quarterTurn, Random, type Mask, type Raster, type RgbImage } from '@reclmis/core';
import { AUGMENT_DEFAULTS, type AugmentOptions } from './augment-options.js';
import { NoteMotions } from './note-motions.js';
import { isGrey } from './sample.js';
import type { Sample } from './types.js';

/** Each entry has a neutral value. */
export interface AugmentPlan {
  /** In pixels; 0: no blur. */
  readonly blurSigma: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly contrastFirst: boolean;
  readonly saturation: number;
  readonly hueDegrees: number;
  /** Counter-clockwise, 0 to 3, before mirror and flip. */
  readonly turns: number;
  readonly mirror: boolean;
  readonly flip: boolean;
  /** Counter-clockwise; 0: none. */
  readonly rotateDegrees: number;
}

export const NO_AUGMENT: AugmentPlan = {
  blurSigma: 0,
  brightness: 0,
  contrast: 1,
  contrastFirst: false,
  saturation: 1,
  hueDegrees: 0,
  turns: 0,
  mirror: false,
  flip: false,
  rotateDegrees: 0,
};

/** Per sample and epoch, so a sample can be made again without the others. */
export function augmentRandom(seed: number, epoch: number, id: string): Random {
  return Random.from('augment', seed, epoch, id);
}

/** @param motions in whose words the note may be; default: core's */
export function drawAugment(
  note: string,
  random: Random,
  options: Partial<AugmentOptions> = {},
  motions = new NoteMotions(),
): AugmentPlan {
  const o = { ...AUGMENT_DEFAULTS, ...options };
  if (o.mode === 'none') return NO_AUGMENT;
  const within = ([low, high]: readonly [number, number]): number => random.uniform(low, high);
  const photometric = (): boolean => random.bool(o.photometricProbability);
  const blurSigma = random.bool(o.blurProbability) ? within(o.blurSigma) : 0;
  const brightness = photometric() ? within([-o.brightness, o.brightness]) : 0;
  const contrastFirst = random.bool();
  const contrast = photometric() ? within(o.contrast) : 1;
  const saturation = photometric() ? within(o.saturation) : 1;
  const hueDegrees = photometric() ? within([-o.hueDegrees, o.hueDegrees]) : 0;
  const colour = { blurSigma, brightness, contrast, contrastFirst, saturation, hueDegrees };
  const turns = random.int(4);
  const sideways = random.bool();
  if (random.bool(o.flipProbability)) {
    if (o.mode === 'consistent') {
      const { placed, mirrored } = motions.of(note);
      if (mirrored === null) return { ...NO_AUGMENT, ...colour };
      if (placed) return { ...NO_AUGMENT, ...colour, mirror: true };
    }
    return { ...NO_AUGMENT, ...colour, turns, mirror: sideways, flip: !sideways };
  }
  const rotateDegrees = random.bool(o.rotateProbability) ? within([-o.rotateDegrees, o.rotateDegrees]) : 0;
  return { ...NO_AUGMENT, ...colour, rotateDegrees };
}

/** The new sample may share unchanged data. @param note the new sample's */
export function applyAugment(sample: Sample, plan: AugmentPlan, note = sample.note): Sample {
  let image = sample.image;
  const grey = isGrey(image);
  if (grey) image = firstChannel(image); // [S, S, 1]: a third of the work
  if (plan.blurSigma > 0) image = gaussianBlur(image, plan.blurSigma);
  image = photometric(image, plan, grey);
  let mask = sample.mask;
  for (const [doIt, move] of [
    [plan.turns !== 0, (raster: Raster) => quarterTurn(raster, plan.turns)],
    [plan.mirror, mirror],
    [plan.flip, flip],
  ] as const) {
    if (!doIt) continue;
    image = move(image);
    mask = move(mask);
  }
  if (plan.rotateDegrees !== 0) {
    image = rotateLinear(image, plan.rotateDegrees);
    mask = rotateNearest(mask, plan.rotateDegrees);
  }
  return { id: sample.id, image: grey ? repeatGrey(image) : image, mask, note };
}

/** @param motions as for `drawAugment`; keeps what it finds of each note */
export function augment(
  sample: Sample,
  random: Random,
  options: Partial<AugmentOptions> = {},
  motions = new NoteMotions(),
): Sample {
  const mode = options.mode ?? AUGMENT_DEFAULTS.mode;
  if (mode === 'none') return sample;
  const plan = drawAugment(sample.note, random, options, motions);
  const exchanged = plan.mirror && mode === 'consistent' ? motions.of(sample.note).mirrored : null;
  return applyAugment(sample, plan, exchanged ?? sample.note);
}

function firstChannel({ width, height, data }: RgbImage): Raster {
  const out = new Uint8Array(width * height);
  for (let p = 0, i = 0; p < out.length; p += 1, i += 3) out[p] = data[i] as number;
  return { width, height, data: out };
}

function repeatGrey({ width, height, data }: Raster): RgbImage {
  const out = new Uint8Array(data.length * 3);
  for (let i = 0, o = 0; i < data.length; i += 1, o += 3)
    out[o] = out[o + 1] = out[o + 2] = data[i] as number;
  return { width, height, data: out };
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value));

/** Separable Gaussian, cut at three deviations; mirrored edges (d c b a | a b c d | d c b a). */
function gaussianBlur({ width, height, data }: Raster, sigma: number): Raster {
  const channels = data.length / (width * height);
  const radius = Math.min(Math.ceil(3 * sigma), width, height);
  const kernel = Float32Array.from({ length: radius + 1 }, (_, k) =>
    Math.exp(-(k * k) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight, k) => total + (k === 0 ? weight : 2 * weight), 0);
  for (let k = 0; k <= radius; k += 1) kernel[k] = (kernel[k] as number) / sum;
  const across = new Float32Array(data.length); // [H, W, C], blurred along x
  const stride = width * channels;
  const padded = new Float32Array((width + 2 * radius) * channels);
  for (let y = 0; y < height; y += 1) {
    const row = y * stride;
    for (let x = -radius; x < width + radius; x += 1) {
      const from = row + (x < 0 ? -1 - x : x >= width ? 2 * width - 1 - x : x) * channels;
      for (let c = 0; c < channels; c += 1) padded[(x + radius) * channels + c] = data[from + c] as number;
    }
    convolve(padded, across, row, stride, kernel, channels);
  }
  const out = new Uint8Array(data.length);
  const line = new Float32Array(stride);
  for (let y = 0; y < height; y += 1) {
    line.fill(0.5); // rounds when cut to 8 bits
    for (let k = -radius; k <= radius; k += 1) {
      const from = y + k < 0 ? -1 - y - k : y + k >= height ? 2 * height - 1 - y - k : y + k;
      const weight = kernel[Math.abs(k)] as number;
      for (let i = 0, at = from * stride; i < stride; i += 1, at += 1)
        line[i] = (line[i] as number) + weight * (across[at] as number);
    }
    out.set(line, y * stride);
  }
  return { width, height, data: out };
}

function convolve(
  padded: Float32Array,
  out: Float32Array,
  at: number,
  length: number,
  kernel: Float32Array,
  step: number,
): void {
  const radius = kernel.length - 1;
  for (let i = 0, centre = radius * step; i < length; i += 1, centre += 1) {
    let sum = (kernel[0] as number) * (padded[centre] as number);
    for (let k = 1, d = step; k <= radius; k += 1, d += step) {
      sum += (kernel[k] as number) * ((padded[centre - d] as number) + (padded[centre + d] as number));
    }
    out[at + i] = sum;
  }
}

/** Saturation and hue leave grey alone: all is one table of 256 levels. */
function photometric(image: Raster, plan: AugmentPlan, grey: boolean): Raster {
  const { brightness, contrast, contrastFirst, saturation, hueDegrees } = plan;
  const coloured = !grey && (saturation !== 1 || hueDegrees !== 0);
  const early = contrastFirst || !coloured;
  let out = image;
  if (brightness !== 0 || (early && contrast !== 1)) {
    out = throughTable(out, (value) => clamp(clamp(value + brightness) * (early ? contrast : 1)));
  }
  if (coloured) out = saturationAndHue(out, saturation, hueDegrees);
  if (!early && contrast !== 1) out = throughTable(out, (value) => clamp(value * contrast));
  return out;
}

function throughTable(image: Raster, level: (value: number) => number): Raster {
  const table = Uint8Array.from({ length: 256 }, (_, value) => level(value));
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i += 1) data[i] = table[image.data[i] as number] as number;
  return { ...image, data };
}

/** In the HSV cone: saturation times a factor (at most 1), hue turned. */
function saturationAndHue({ width, height, data }: Raster, saturation: number, hueDegrees: number): Raster {
  const out = new Uint8Array(data.length);
  const turn = (((hueDegrees / 60) % 6) + 6) % 6;
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i] as number;
    const g = data[i + 1] as number;
    const b = data[i + 2] as number;
    const value = Math.max(r, g, b);
    const chroma = value - Math.min(r, g, b);
    if (chroma === 0) {
      out[i] = out[i + 1] = out[i + 2] = value;
      continue;
    }
    // Hue in sixths of a turn, 0 at red.
    const sector =
      value === r ? (g - b) / chroma + 6 : value === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
    const hue = (sector + turn) % 6;
    const c = Math.min(value, chroma * saturation);
    const low = value - c;
    // `value` near its hue and `low` far from it, linear ramps between.
    out[i] = clamp(low + c * ramp(hue));
    out[i + 1] = clamp(low + c * ramp((hue + 4) % 6));
    out[i + 2] = clamp(low + c * ramp((hue + 2) % 6));
  }
  return { width, height, data: out };
}

/** 1 within a sixth of hue 0, 0 beyond a third, linear between. */
function ramp(hue: number): number {
  const distance = hue < 3 ? hue : 6 - hue;
  return distance <= 1 ? 1 : distance >= 2 ? 0 : 2 - distance;
}

/** Rotation about the centre, counter-clockwise on screen, linear; black outside. */
function rotateLinear({ width, height, data }: Raster, degrees: number): Raster {
  const channels = data.length / (width * height);
  const out = new Uint8Array(data.length);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const stride = width * channels;
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, to += channels) {
      const fx = cx + cos * (x - cx) - sin * (y - cy);
      const fy = cy + sin * (x - cx) + cos * (y - cy);
      const left = Math.floor(fx);
      const top = Math.floor(fy);
      if (left < 0 || top < 0 || left >= width - 1 || top >= height - 1) continue;
      const wx = fx - left;
      const wy = fy - top;
      const at = top * stride + left * channels;
      for (let c = 0, p = at; c < channels; c += 1, p += 1) {
        const upper = (data[p] as number) * (1 - wx) + (data[p + channels] as number) * wx;
        const lower = (data[p + stride] as number) * (1 - wx) + (data[p + stride + channels] as number) * wx;
        out[to + c] = upper * (1 - wy) + lower * wy + 0.5;
      }
    }
  }
  return { width, height, data: out };
}

/** Nearest pixel, background outside. */
function rotateNearest({ width, height, data }: Mask, degrees: number): Mask {
  const out = new Uint8Array(data.length);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, to += 1) {
      const fx = Math.round(cx + cos * (x - cx) - sin * (y - cy));
      const fy = Math.round(cy + sin * (x - cx) + cos * (y - cy));
      if (fx >= 0 && fy >= 0 && fx < width && fy < height) out[to] = data[fy * width + fx] as number;
    }
  }
  return { width, height, data: out };
}

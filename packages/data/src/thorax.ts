/**
 * A drawn chest radiograph: thorax, lungs, heart, spine, ribs, clavicles, noise; a model must tell opacities
 * from ribs and vessels.
 *
 * Body frame: x to the image's right (the patient's LEFT), y downwards, about -1 to 1 over the picture; lung
 * apices near y = -0.7, diaphragm near 0.5. Brightness is 0 (air) to 1 (bone).
 */
import type { Random, Side } from '@reclmis/core';

/** What varies between patients. */
export interface Anatomy {
  /** Picture to body: rotation (radians), shift, scale. */
  readonly angle: number;
  readonly shiftX: number;
  readonly shiftY: number;
  readonly scale: number;
  /** Half width and half height. */
  readonly lungX: number;
  readonly lungY: number;
  /** Height of the right dome; the left one is lower. */
  readonly diaphragm: number;
  readonly heart: number;
  readonly ribSpacing: number;
  readonly ribPhase: number;
  readonly ribContrast: number;
  /** Final brightness: value^gamma * gain + offset. */
  readonly gamma: number;
  readonly gain: number;
  readonly offset: number;
  readonly noise: number;
}

/** Before opacities. */
export interface Tissue {
  brightness: number;
  /** Share of unhidden lung, 0 to 1. */
  right: number;
  left: number;
}

export function drawAnatomy(random: Random): Anatomy {
  return {
    angle: random.uniform(-0.07, 0.07),
    shiftX: random.uniform(-0.06, 0.06),
    shiftY: random.uniform(-0.05, 0.05),
    scale: random.uniform(0.94, 1.1),
    lungX: random.uniform(0.3, 0.34),
    lungY: random.uniform(0.68, 0.76),
    diaphragm: random.uniform(0.36, 0.46),
    heart: random.uniform(0.9, 1.15),
    ribSpacing: random.uniform(0.135, 0.165),
    ribPhase: random.next(),
    ribContrast: random.uniform(0.05, 0.1),
    gamma: random.uniform(0.85, 1.2),
    gain: random.uniform(0.88, 1.02),
    offset: random.uniform(0, 0.05),
    noise: random.uniform(0.02, 0.045),
  };
}

/** 0 below `low`, 1 above `high` (reversed if low > high). */
export function smoothstep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** Ribs are at t = ..., -1, 0, 1, ... */
function rib(t: number): number {
  return smoothstep(0.3, 0.2, Math.abs(t - Math.round(t)));
}

const LUNG_CENTRE = 0.43;

/** The diaphragm's y by |x|: a dome, lowest at the side. */
function diaphragmAt(anatomy: Anatomy, ax: number, side: Side): number {
  const d = (ax - 0.3) / 0.45;
  return anatomy.diaphragm + (side === 'left' ? 0.06 : 0) + 0.22 * d * d;
}

export function lungSpan(anatomy: Anatomy, side: Side): { readonly top: number; readonly bottom: number } {
  return { top: -anatomy.lungY - 0.02, bottom: diaphragmAt(anatomy, LUNG_CENTRE, side) + 0.04 };
}

/** Reuses `out`: it runs for every pixel. */
export function tissueAt(anatomy: Anatomy, x: number, y: number, out: Tissue): Tissue {
  const ax = Math.abs(x);
  const side: Side = x > 0 ? 'left' : 'right';
  const waist = 0.24 + 0.68 * smoothstep(-1.08, -0.66, y) - 0.05 * smoothstep(0, 1, y);
  const body = smoothstep(waist + 0.02, waist - 0.03, ax);
  if (body === 0) {
    out.brightness = 0.03;
    out.right = out.left = 0;
    return out;
  }

  // A superellipse that leans outwards towards the base, cut off by the diaphragm.
  const dx = (ax - LUNG_CENTRE - 0.05 * y) / (anatomy.lungX * (0.84 + 0.16 * smoothstep(-0.7, 0, y)));
  const dy = (y + 0.02) / anatomy.lungY;
  const dx2 = dx * dx;
  const dy2 = dy * dy;
  const inside = dx2 > 2 || dy2 > 2 ? 0 : smoothstep(1.06, 0.86, dx2 * Math.sqrt(Math.sqrt(dx2)) + dy2);
  const lung = inside === 0 ? 0 : inside * smoothstep(0.015, -0.015, y - diaphragmAt(anatomy, ax, side));

  // Heart: an ellipse that leans to the patient's left.
  const hx = x - 0.13 * anatomy.heart;
  const hy = y - 0.2;
  const ha = (hx * 0.9 + hy * 0.44) / (0.34 * anatomy.heart);
  const hb = (hy * 0.9 - hx * 0.44) / (0.25 * anatomy.heart);
  const heart = smoothstep(1.08, 0.88, ha * ha + hb * hb);
  const mediastinum = smoothstep(0.16, 0.1, ax + 0.04 * smoothstep(-0.2, -0.7, y));
  const free = lung * (1 - heart) * (1 - mediastinum);

  let value = 0.6 + 0.1 * smoothstep(0.3, 0.7, y); // soft tissue, denser below the diaphragm
  value += (0.24 - value) * lung * (1 - mediastinum);
  value += (0.66 - value) * heart;
  value += 0.06 * mediastinum;
  const spine = smoothstep(0.095, 0.06, ax);
  if (spine > 0) value += spine * (0.08 + 0.03 * Math.sin(y * 48));
  value -= 0.1 * smoothstep(0.05, 0.02, ax) * smoothstep(-0.28, -0.4, y); // trachea
  const hilum = (ax - 0.2) * (ax - 0.2) * 60 + (y + 0.06) * (y + 0.06) * 30; // vessels at the root of the lung
  if (hilum < 4) value += 0.16 * lung * Math.exp(-hilum);

  // Posterior ribs fall outwards, anterior ones faintly the other way; clavicles above.
  if (ax > 0.08 && ax < 0.84 && y < 0.62) {
    const bow = (ax - 0.32) * (ax - 0.32);
    const posterior = (y - 0.75 * bow) / anatomy.ribSpacing + anatomy.ribPhase;
    const anterior = (y - 0.55 * (0.8 - ax)) / anatomy.ribSpacing + anatomy.ribPhase + 0.4;
    const cage = smoothstep(0.84, 0.78, ax) * smoothstep(-0.78, -0.7, y) * smoothstep(0.62, 0.5, y);
    value += anatomy.ribContrast * cage * (rib(posterior) + 0.35 * rib(anterior) * smoothstep(0.25, 0.4, ax));
  }
  const clavicle = y + 0.66 + 0.22 * (ax - 0.1) - 0.12 * ax * ax;
  if (Math.abs(clavicle) < 0.04) {
    value +=
      0.13 *
      smoothstep(0.04, 0.02, Math.abs(clavicle)) *
      smoothstep(0.06, 0.1, ax) *
      smoothstep(0.68, 0.6, ax);
  }

  out.brightness = 0.03 + body * (value - 0.03);
  out.right = side === 'right' ? free * body : 0;
  out.left = side === 'left' ? free * body : 0;
  return out;
}

/** Finds devices that compute something else without failing, by a synthetic case whose results the export keeps. */
import { type ModelManifest, probeDifference, probeValues, ReclmisError } from '@reclmis/core';
import type { Device } from './types.js';

/** Devices with third-party drivers. */
const DOUBTED: ReadonlySet<Device> = new Set(['webgpu', 'cuda']);
/**
 * Largest difference in log-odds from the export check on such a device. Another order of sums and a fast
 * exponential give 1e-4 to 1e-3 in fp32, CUDA's TF32 0.006; fp16 sums have 11 or 24 bits; an int8 value may
 * round to its neighbour. Wrong padding moved a small model by 0.6.
 */
const PROBE_LIMITS: Readonly<Record<ModelManifest['precision'], number>> = { fp32: 0.05, fp16: 1, int8: 1 };

/** The export's results for the synthetic case; null if this device need not be tried. */
export function probeOf({ check }: ModelManifest, device: Device): NonNullable<typeof check.probe> | null {
  return DOUBTED.has(device) ? (check.probe ?? null) : null;
}

/** @param probability [1,1,S,S] of the synthetic case. @throws DEVICE_WRONG */
export function checkDevice(
  { precision, image }: ModelManifest,
  device: Device,
  probe: NonNullable<ModelManifest['check']['probe']>,
  probability: Float32Array,
): void {
  const worst = probeDifference(probe, probeValues(probability, image.size));
  if (worst <= PROBE_LIMITS[precision]) return;
  throw new ReclmisError(
    'DEVICE_WRONG',
    `${device}: log-odds of a synthetic case differ by ${worst.toPrecision(3)} from the export check, expected at most ${PROBE_LIMITS[precision]}`,
  );
}

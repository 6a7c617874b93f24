import { describe, expect, it } from 'vitest';
import { PROBE_PIXELS, probeDifference, probePlanes, probeValues } from './probe.js';

describe('the synthetic case that checks devices', () => {
  it('is the same everywhere, for models of any side', () => {
    for (const size of [7, 32, 224]) {
      const planes = probePlanes(size);
      expect(planes).toHaveLength(3 * size * size);
      expect(planes).toEqual(probePlanes(size));
      expect(planes.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
    // Published manifests depend on these very pixels.
    expect([...probePlanes(32).subarray(0, 2)]).toEqual([0.66495680809021, 0.5069437026977539]);
    expect(new Set(probePlanes(32)).size).toBeGreaterThan(3000);
  });

  it('is read at the corners and at pixels all over the map', () => {
    const size = 100;
    const map = Float32Array.from({ length: size * size }, (_, i) => i);
    const values = probeValues(map, size);
    expect(values).toHaveLength(PROBE_PIXELS);
    expect(values.slice(0, 4)).toEqual([0, 99, 9900, 9999]);
    const rows = new Set(values.map((i) => Math.floor(i / 10 / size)));
    expect(rows.size).toBe(10); // every tenth of the map
    expect(probeValues(new Float32Array(1), 2).slice(1, 4)).toEqual([NaN, NaN, NaN]); // missing values are NaN
  });

  it('compares log-odds, clamped at 1e-5', () => {
    expect(probeDifference([0.5, 0.1], [0.5, 0.1])).toBe(0);
    expect(probeDifference([0.5, 0.1], [0.5, 0.5])).toBeCloseTo(Math.log(9), 12);
    expect(probeDifference([1e-9, 1], [0, 0.999999])).toBeCloseTo(0, 9);
    expect(probeDifference([0], [1])).toBeCloseTo(2 * Math.log(99_999), 6);
    expect(probeDifference([0.5, 0.5], [0.5])).toBeNaN();
    expect(probeDifference([0.5, 0.5], [NaN, 0.5])).toBeNaN();
  });
});

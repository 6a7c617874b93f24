/** Figures of components, as records have them. */
import type { Component, Spacing } from '@reclmis/core';
import type { ComponentStatistics } from './case-statistics.js';

/** Components with figures; all are counted. */
const LISTED = 100;

export const round = (value: number): number => Math.round(value * 1e6) / 1e6;

export function areaInMm2(pixels: number, spacing: Spacing | null): number | null {
  return spacing ? round(pixels * spacing[0] * spacing[1]) : null;
}

/** The largest 100. */
export function describeComponents(
  found: readonly Component[],
  spacing: Spacing | null,
): ComponentStatistics[] {
  return found.slice(0, LISTED).map(({ area, centroid, box }) => ({
    area,
    areaMm2: areaInMm2(area, spacing),
    centroid: [round(centroid[0]), round(centroid[1])],
    box,
  }));
}

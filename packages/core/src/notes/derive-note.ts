/**
 * Writes a note in LViT's grammar from a mask, for data sets without text, by the rules that QaTa-COV19's
 * notes seem to follow: docs/reference/notes.md (docs/measurements/data.md says how often).
 *
 * The note is derived from the label: a model that reads it is told part of the answer.
 */
import { labelRuns, measureComponents } from '../masks/components.js';
import type { ParsedNote, Place, Side } from './note.js';
import type { Mask } from '../images/raster.js';
import { SIDES, THIRDS, type Sides, zoneBit, type ZoneFrame, zoneMap } from './zone-map.js';

export interface DeriveOptions {
  readonly sides: Sides;
  /** Smaller components, as a share of the image, are specks. Default 0.001: 50 pixels of 224 x 224. */
  readonly minArea?: number;
  /** Default `pulmonary infection`. */
  readonly finding?: string;
}

export const MIN_AREA = 0.001;
const FINDING = 'pulmonary infection';
const ON_A_SIDE = 0.25;
const IN_A_ZONE = 0.05;

/**
 * A mask's note: "Bilateral pulmonary infection, two infected areas, upper left lung and all right lung.", or
 * "No pulmonary infection." With a frame from lungs, areas outside them count to the zone of their rows and
 * side.
 * @throws MASK_SIZE_MISMATCH
 */
export function deriveNote(mask: Mask, frame: ZoneFrame, options: DeriveOptions): ParsedNote {
  const { sides, minArea = MIN_AREA, finding = FINDING } = options;
  const map = zoneMap({ ...frame, lungs: null }, sides);
  const areas = areasByZone(mask, map, minArea * mask.width * mask.height);
  const places: Place[] = [];
  for (const side of SIDES) {
    const here = areas.filter(({ total, zones }) => sideTotal(zones, side) >= ON_A_SIDE * total);
    if (here.length > 0) places.push({ side, zones: zoneWords(here, side) });
  }
  const laterality = places.length === 2 ? 'bilateral' : places.length === 1 ? 'unilateral' : null;
  return {
    laterality,
    finding: areas.length === 0 ? `no ${finding}` : finding,
    count: areas.length === 0 ? null : areas.length,
    places,
    nuclei: [],
    remainder: [],
  };
}

interface Area {
  total: number;
  readonly zones: Map<number, number>;
}

function areasByZone(mask: Mask, map: Uint8Array, least: number): Area[] {
  const runs = labelRuns(mask, 8);
  const { found } = measureComponents(runs);
  const areas = found.map((): Area => ({ total: 0, zones: new Map() }));
  for (let y = 0; y < mask.height; y++) {
    for (let run = runs.rows[y]!; run < runs.rows[y + 1]!; run++) {
      const area = areas[runs.label[run]!]!;
      for (let x = runs.start[run]!; x < runs.end[run]!; x++) {
        area.total++;
        for (let bits = map[y * mask.width + x]!; bits !== 0; bits &= bits - 1) {
          const bit = bits & -bits;
          area.zones.set(bit, (area.zones.get(bit) ?? 0) + 1);
        }
      }
    }
  }
  return areas.filter(({ total }) => total >= least);
}

function sideTotal(zones: ReadonlyMap<number, number>, side: Side): number {
  return THIRDS.reduce((sum, third) => sum + (zones.get(zoneBit(side, third)) ?? 0), 0);
}

function zoneWords(areas: readonly Area[], side: Side): Place['zones'] {
  const total = areas.reduce((sum, { zones }) => sum + sideTotal(zones, side), 0);
  const named = THIRDS.filter((third) => {
    const pixels = areas.reduce((sum, { zones }) => sum + (zones.get(zoneBit(side, third)) ?? 0), 0);
    return pixels >= IN_A_ZONE * total;
  });
  return named.length === THIRDS.length && areas.length === 1 ? ['all'] : named;
}

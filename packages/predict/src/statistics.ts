/** Measures masks, and writes `statistics.json`. `case-statistics.ts` has units and axes. */
import { components, lungZones, type Mask, sidesToTell, type Warning, WarningCounts } from '@reclmis/core';
import { writeFileAtomic } from '@reclmis/files';
import type { CaseStatistics } from './case-statistics.js';
import type { PredictionCase } from './cases.js';
import { type Position, readEntry } from './journal.js';
import type { ModelIdentity } from './segmenter.js';
import type { NoteReading } from './model-notes.js';

/** Components with figures; all are counted. */
const LISTED = 100;
const LISTED_FAILURES = 1000;

const round = (value: number): number => Math.round(value * 1e6) / 1e6;

export function measure(
  { id, image, spacing }: PredictionCase,
  mask: Mask,
  {
    sides = 'unknown',
    mirrored = false,
    style = 'as-is',
    warnings = [],
  }: Partial<NoteReading> & { readonly warnings?: readonly Warning[] } = {},
): CaseStatistics {
  const zoneSides = sidesToTell(sides);
  const { width, height } = mask;
  const found = components(mask);
  const area = found.reduce((sum, one) => sum + one.area, 0);
  const mm2 = (pixels: number): number | null => (spacing ? round(pixels * spacing[0] * spacing[1]) : null);
  return {
    id,
    image,
    width,
    height,
    spacing,
    area,
    areaMm2: mm2(area),
    share: round(area / (width * height)),
    componentCount: found.length,
    components: found.slice(0, LISTED).map((one) => ({
      area: one.area,
      areaMm2: mm2(one.area),
      centroid: [round(one.centroid[0]), round(one.centroid[1])],
      box: one.box,
    })),
    note: { sides, mirrored, style },
    zoneSides,
    zones: lungZones(mask, zoneSides).map((zone) => ({
      ...zone,
      share: round(zone.share),
      coverage: round(zone.coverage),
    })),
    warnings,
  };
}

/**
 * Writes `statistics.json` from journals, one case at a time.
 * @param entries id -> its line. @param ids in this order; those without a line are left out. @throws
 * OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeStatistics(
  path: string,
  model: ModelIdentity,
  ids: Iterable<string>,
  entries: ReadonlyMap<string, Position>,
): Promise<void> {
  await writeFileAtomic(path, statisticsText(model, ids, entries));
}

async function* statisticsText(
  model: ModelIdentity,
  ids: Iterable<string>,
  entries: ReadonlyMap<string, Position>,
): AsyncGenerator<string> {
  const units = { area: 'pixels', spacing: 'mm', centroid: 'pixels, x and y', box: 'x, y, width, height' };
  const head = { format: 'reclmis-statistics/1', model, units };
  yield `${JSON.stringify(head).slice(0, -1)},\n"cases":[`;
  const failures: { id: string; code: string; message: string }[] = [];
  let failed = 0;
  let count = 0;
  let empty = 0;
  let shares = 0;
  const warned = new WarningCounts();
  for (const id of ids) {
    const position = entries.get(id);
    if (!position) continue;
    const entry = await readEntry(position);
    if ('error' in entry) {
      failed++;
      if (failures.length < LISTED_FAILURES) failures.push({ id, ...entry.error });
      continue;
    }
    const { statistics } = entry;
    yield `${count === 0 ? '' : ','}\n${JSON.stringify(statistics)}`;
    count++;
    warned.add(id, statistics.warnings ?? []);
    shares += statistics.share;
    if (statistics.area === 0) empty++;
  }
  const meanShare = count === 0 ? null : round(shares / count);
  const summary = { cases: count, failed, empty, meanShare, warnings: warned.byCode };
  yield `\n],\n"failures":${JSON.stringify(failures)},\n"summary":${JSON.stringify(summary)}}\n`;
}

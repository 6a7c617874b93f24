/** Measures masks, and writes `statistics.json`. `case-statistics.ts` has units and axes. */
import {
  type Confidence,
  components,
  defined,
  lungZones,
  type Mask,
  type SegmentClass,
  sidesToTell,
  WarningCounts,
} from '@reclmis/core';
import { writeFileAtomic } from '@reclmis/files';
import type { CaseStatistics } from './case-statistics.js';
import { publicClass } from './class-records.js';
import type { PredictionCase } from './cases.js';
import { areaInMm2, describeComponents, round } from './figures.js';
import { type Position, readEntry } from './journal.js';
import type { ModelIdentity } from './segmenter.js';
import type { NoteReading } from './model-notes.js';

const LISTED_FAILURES = 1000;

export type MeasuredCase = Pick<PredictionCase, 'id' | 'image' | 'frame' | 'spacing'> &
  Pick<CaseStatistics, 'spacingAt'>;

/** @param mask as stored. @param shown the same as displayed, for zones */
export function measure(
  { id, image, frame, spacing, spacingAt }: MeasuredCase,
  mask: Mask,
  shown: Mask,
  {
    sides = 'unknown',
    mirrored = false,
    style = 'as-is',
    warnings = [],
    classes,
    confidence,
  }: Partial<NoteReading> & Pick<CaseStatistics, 'warnings' | 'classes' | 'confidence'> = {},
): CaseStatistics {
  const zoneSides = sidesToTell(sides);
  const { width, height } = mask;
  const found = components(mask);
  const area = found.reduce((sum, one) => sum + one.area, 0);
  return {
    id,
    image,
    width,
    height,
    spacing,
    ...defined({ spacingAt, frame }),
    area,
    areaMm2: areaInMm2(area, spacing),
    share: round(area / (width * height)),
    componentCount: found.length,
    components: describeComponents(found, spacing),
    note: { sides, mirrored, style },
    zoneSides,
    zones: lungZones(shown, zoneSides).map((zone) => ({
      ...zone,
      share: round(zone.share),
      coverage: round(zone.coverage),
    })),
    warnings,
    ...(classes ? { classes } : {}),
    ...(confidence ? { confidence: rounded(confidence) } : {}),
  };
}

function rounded({ dice, calibrated, presence }: Confidence): Confidence {
  const probability = round(presence.probability);
  return { dice: round(dice), calibrated, presence: { ...presence, probability } };
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
  classes?: readonly SegmentClass[],
): Promise<void> {
  await writeFileAtomic(path, statisticsText(model, ids, entries, classes));
}

async function* statisticsText(
  model: ModelIdentity,
  ids: Iterable<string>,
  entries: ReadonlyMap<string, Position>,
  classes?: readonly SegmentClass[],
): AsyncGenerator<string> {
  const units = { area: 'pixels', spacing: 'mm', centroid: 'pixels, x and y', box: 'x, y, width, height' };
  const known = classes ? { classes: classes.map(publicClass) } : {};
  const head = { format: 'reclmis-statistics/1', model, units, ...known };
  yield `${JSON.stringify(head).slice(0, -1)},\n"cases":[`;
  const failures: { id: string; code: string; message: string }[] = [];
  let failed = 0;
  let count = 0;
  let empty = 0;
  let shares = 0;
  const warned = new WarningCounts();
  const found = (classes ?? []).map(({ name }) => ({ name, cases: 0, share: 0 }));
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
    for (const [i, own] of found.entries()) {
      const { area = 0, share = 0 } = statistics.classes?.[i] ?? {};
      if (area > 0) own.cases++;
      own.share += share;
    }
  }
  const meanShare = count === 0 ? null : round(shares / count);
  const byClass = found.map(({ name, cases, share }) => ({
    ...{ name, cases },
    meanShare: count === 0 ? null : round(share / count),
  }));
  const summary = {
    ...{ cases: count, failed, empty, meanShare },
    ...(classes ? { classes: byClass } : {}),
    warnings: warned.byCode,
  };
  yield `\n],\n"failures":${JSON.stringify(failures)},\n"summary":${JSON.stringify(summary)}}\n`;
}

/** What the records of a prediction say of classes: figures by case in `statistics.json`, rows in `statistics.csv`. */
import { createHash } from 'node:crypto';
import { components, encodeCsv, type SegmentClass, type Spacing } from '@reclmis/core';
import { writeFileAtomic } from '@reclmis/files';
import type { ClassStatistics } from './case-statistics.js';
import { type Position, readEntry } from './journal.js';
import type { ModelNotes } from './model-notes.js';
import type { SegmentedClass } from './outputs.js';
import { areaInMm2, describeComponents, round } from './figures.js';

/** A class without its note: no file holds one. */
export function publicClass({ name, label, colour, threshold }: SegmentClass): object {
  return { name, label, colour: hex(colour), threshold };
}

const hex = (colour: readonly number[]): string =>
  `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;

/** For the journal: masks depend on the order, notes and thresholds of classes. */
export function classesIdentity(classes: readonly SegmentClass[] | undefined): string {
  if (!classes) return '';
  const hash = createHash('sha256').update(JSON.stringify(classes)).digest('hex').slice(0, 8);
  return `, ${classes.length} class${classes.length === 1 ? '' : 'es'} (${hash})`;
}

export function measureClass(
  { class: one, mask, claimed }: SegmentedClass,
  spacing: Spacing | null,
  notes: Pick<ModelNotes, 'of'> | undefined,
): ClassStatistics {
  const found = components(mask);
  const area = found.reduce((sum, { area: own }) => sum + own, 0);
  const { sides = 'unknown', mirrored = false, style = 'as-is' } = notes?.of(one.note) ?? {};
  return {
    name: one.name,
    label: one.label,
    area,
    areaMm2: areaInMm2(area, spacing),
    share: round(area / mask.data.length),
    claimed,
    componentCount: found.length,
    components: describeComponents(found, spacing),
    note: { sides, mirrored, style },
  };
}

/** Writes a row for each case and class. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeClassTable(
  path: string,
  classes: readonly SegmentClass[],
  cut: number,
  ids: Iterable<string>,
  entries: ReadonlyMap<string, Position>,
): Promise<void> {
  await writeFileAtomic(path, tableText(classes, cut, ids, entries));
}

const HEAD = [
  'id',
  'class',
  'label',
  'colour',
  'threshold',
  'area',
  'areaMm2',
  'share',
  'claimed',
  'components',
];

async function* tableText(
  classes: readonly SegmentClass[],
  cut: number,
  ids: Iterable<string>,
  entries: ReadonlyMap<string, Position>,
): AsyncGenerator<string> {
  yield encodeCsv([HEAD]);
  for (const id of ids) {
    const position = entries.get(id);
    const entry = position && (await readEntry(position));
    if (!entry || 'error' in entry) continue;
    for (const [i, one] of (entry.statistics.classes ?? []).entries()) {
      const { colour = [], threshold } = classes[i] ?? {};
      const { name, label, area, areaMm2, share, claimed, componentCount } = one;
      const numbers = [area, areaMm2, share, claimed, componentCount].map((value) => value ?? '').map(String);
      // An empty field, not a quoted empty text: it is a number.
      yield `${encodeCsv([[id, name, String(label), hex(colour), String(threshold ?? cut)]]).trimEnd()},${numbers.join(',')}\r\n`; // prettier-ignore
    }
  }
}

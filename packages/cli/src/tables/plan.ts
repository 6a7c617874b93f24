/** A fingerprint of a data set and the plan made from it, as tables. */
import { describeSides } from '@reclmis/core';
import type { Fingerprint, Plan } from '@reclmis/lab';
import { formatTable, percent } from '../table.js';

/** `5713 train, 1429 val`. */
export function casesOf({ cases }: Fingerprint): string {
  return Object.entries(cases)
    .map(([split, count]) => `${count} ${split}`)
    .join(', ');
}

export function formatFingerprint(fingerprint: Fingerprint): string {
  const { name, images, masks, notes, duplicates, patients } = fingerprint;
  const round = (value: number): string => String(Math.round(10 * value) / 10);
  const total = Object.values(fingerprint.cases).reduce((sum, count) => sum + count, 0);
  const across = (list: Fingerprint['patients']['across']): string =>
    list.map(({ splits, count }) => `; ${count} in both ${splits.join(' and ')}`).join('');
  const sizes = images.sizes.slice(0, 3).map(({ size, count }) => `${size} (${count})`);
  const levels = images.levels.map(
    ({ mean, sd, p1, median, p99 }) => `${round(mean)} ± ${round(sd)} (${p1}, ${median}, ${p99})`,
  );
  const { areaShare } = masks;
  const rows: [string, string][] = [
    ['cases', casesOf(fingerprint)],
    ['sizes', sizes.join(', ') + (images.sizes.length > 3 ? ', ...' : '')],
    ['colour', images.grey === total ? 'all grey' : `${total - images.grey} of ${total}`],
    ['bits', images.bits.join(', ')],
    [
      'pixel',
      images.spacing === null
        ? 'size not known'
        : `${round(images.spacing.median)} mm (median of ${images.spacing.known})`,
    ],
    ['levels', `${levels.join('; ')}: mean ± deviation (1st, 50th, 99th percentile) of 255`],
    [
      'foreground',
      `${percent(masks.foreground.median)} % of an image (median; ${percent(masks.foreground.min)} to ${percent(masks.foreground.max)}), ${masks.empty} empty`,
    ],
    ['areas', `${round(masks.areas.median)} an image (median; at most ${masks.areas.max})`],
    [
      'area',
      areaShare === null
        ? 'none'
        : `${percent(areaShare.median)} % of the image (median; 10th percentile ${percent(areaShare.p10)}, 90th ${percent(areaShare.p90)})`,
    ],
    [
      'tokens',
      `${notes.tokens.min} to ${notes.tokens.max} a note, median ${notes.tokens.median}, by ${notes.encoder}`,
    ],
    [
      'notes',
      `${notes.repeats.distinct} different ones of ${notes.vocabulary} words; ${percent(notes.namingSides)} % name a side`,
    ],
    ['left and right', describeSides(notes.sides)],
    [
      'unknown words',
      notes.unknown.map(({ split, share }) => `${percent(share)} % of ${split}`).join(', ') ||
        'no other split',
    ],
    [
      'pictures',
      `${duplicates.distinct} different ones, ${duplicates.within} repeat one of their split${across(duplicates.across)}`,
    ],
    ['patients', `${patients.count}, ${patients.named} cases name theirs${across(patients.across)}`],
  ];
  return formatTable([{ title: name }, { title: '' }], rows);
}

export function formatPlan({ settings }: Plan): string {
  const shown = (value: Plan['settings'][number]['value']): string =>
    typeof value === 'object' ? value.join(', ') : String(value);
  return formatTable(
    [{ title: 'setting' }, { title: 'value', align: 'right' }, { title: 'reason' }],
    settings.map(({ path, value, reason }) => [path, shown(value), reason]),
  );
}

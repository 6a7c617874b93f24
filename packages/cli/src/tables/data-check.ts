/** What `reclmis data check` found, as text. */
import { describeSides } from '@reclmis/core';
import type { DatasetReport, SplitReport } from '@reclmis/data';
import { formatTable, percent } from '../table.js';

/** Empty masks and image sizes in the text; `--json` holds all. */
const SHOWN = 10;

/** A table, notes by split, empty masks, and every problem. */
export function formatReport(report: DatasetReport): string {
  const lines = [
    formatTable(
      [
        { title: 'split' },
        ...['cases', 'images', 'masks', 'notes', 'empty masks', 'foreground %'].map((title) => ({
          title,
          align: 'right' as const,
        })),
        { title: 'sizes' },
      ],
      report.splits.map((split) => [
        split.split,
        ...[split.cases, split.images, split.masks, split.notes, split.emptyMasks.length].map(String),
        percent(split.foreground),
        formatSizes(split),
      ]),
    ),
  ];
  for (const split of report.splits) lines.push(...formatNotes(split));
  for (const { split, emptyMasks } of report.splits) {
    if (emptyMasks.length === 0) continue;
    lines.push(
      '',
      `${split}: ${emptyMasks.length} masks without foreground (allowed): ${shorten(emptyMasks)}`,
    );
  }
  lines.push('', `Left and right: ${describeSides(report.sides)}`);
  lines.push(...formatSuspicions(report));
  if (report.ok && report.suspicions.length === 0) return [...lines, '', 'No problems found.'].join('\n');
  if (report.ok) return lines.join('\n');
  lines.push('', `${report.problems.length} problem${report.problems.length === 1 ? '' : 's'}:`);
  lines.push(...report.problems.map(({ code, message }) => `  ${code}  ${message}`));
  return lines.join('\n');
}

function formatSuspicions({ suspicions }: DatasetReport): string[] {
  if (suspicions.length === 0) return [];
  const title = `${suspicions.length} suspicion${suspicions.length === 1 ? '' : 's'} (docs/reference/warnings.md says what to do; --report shows the pairs):`;
  return ['', title, ...suspicions.map(({ code, message }) => `  ${code}  ${message}`)];
}

function shorten(items: readonly string[]): string {
  const more = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : '';
  return items.slice(0, SHOWN).join(', ') + more;
}

function formatSizes({ sizes }: SplitReport): string {
  if (sizes.length === 1) return sizes[0]?.size ?? '';
  return shorten(sizes.map(({ size, count }) => `${size} (${count})`));
}

function formatNotes({ split, noteStatistics: notes }: SplitReport): string[] {
  if (notes === null) return [];
  const { words, mostFrequent } = notes;
  return [
    '',
    `${split}: ${notes.distinct} different notes (${notes.distinctIgnoringCase} ignoring case) of ${words.min} to ${words.max} words, ` +
      `median ${words.median}; vocabulary ${notes.vocabulary} words; ${percent(notes.namingSides)} % name a side, ` +
      `${percent(notes.namingPlaces)} % a side or a height`,
    ...mostFrequent.map(({ note, count }) => `  ${String(count).padStart(6)} x ${note}`),
  ];
}

/** Draws probes as SVG, one row per note: Dice, and the share inside the named zones, with 95 % intervals. */
import { COLOURS, type Rgb } from '@reclmis/core';
import { css, tickLabel, ticks } from '../../plots/chart.js';
import { FAINT, INK, svgText } from '../../plots/text.js';
import type { ProbeFigure } from './measure.js';
import type { NoteProbes } from './probes.js';
import { PROBE_TITLES } from './titles.js';

const WIDTH = 940;
const LABELS = 212;
const GAP = 48;
const ROW = 34;
const TOP = 56;
const GRID = '#e5e7eb';

export function probesSvg({ probes, truth }: NoteProbes): string {
  const bottom = TOP + probes.length * ROW;
  const panel = (WIDTH - LABELS - GAP - 24) / 2;
  const dice = { x: LABELS, width: panel };
  const inside = { x: LABELS + panel + GAP, width: panel };
  const y = (row: number): number => TOP + (row + 0.5) * ROW;
  const parts = [
    axis('Dice, mean over images', dice, bottom),
    axis('share of the mask inside the zones named by its note', inside, bottom),
    ...probes.map(({ notes }, i) => svgText(PROBE_TITLES[notes], 16, y(i) + 4.5, { size: 13 })),
  ];
  if (truth.inside !== null) {
    const at = (inside.x + truth.inside.value * inside.width).toFixed(1);
    parts.push(
      `<path d="M${at} ${TOP}V${bottom}" stroke="${css(COLOURS.skyBlue)}" stroke-width="2" stroke-dasharray="5 4"/>`,
      svgText('true masks', Number(at), TOP - 6, { size: 11, anchor: 'middle', colour: FAINT }),
    );
  }
  probes.forEach((probe, i) => {
    parts.push(
      mark(probe.dice, dice, y(i), COLOURS.blue),
      mark(probe.inside, inside, y(i), COLOURS.vermilion),
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 52}">` +
    `<rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>`
  );
}

interface Panel {
  readonly x: number;
  readonly width: number;
}

function axis(title: string, { x, width }: Panel, bottom: number): string {
  const parts = [
    svgText(title, x + width / 2, bottom + 40, { size: 12, anchor: 'middle', colour: FAINT }),
    `<path d="M${x} ${bottom}h${width}" stroke="${INK}"/>`,
  ];
  for (const tick of ticks(0, 1)) {
    const at = (x + tick * width).toFixed(1);
    parts.push(
      `<path d="M${at} ${TOP}V${bottom}" stroke="${GRID}"/>`,
      svgText(tickLabel(tick), Number(at), bottom + 18, { size: 12, anchor: 'middle', colour: FAINT }),
    );
  }
  return parts.join('');
}

/** Dot, interval and value, or words. */
function mark(figure: ProbeFigure | null, { x, width }: Panel, y: number, colour: Rgb): string {
  if (figure === null) return svgText('not applicable', x + 6, y + 4, { size: 11.5, colour: FAINT });
  const at = (share: number): number => x + share * width;
  const { value, low, high } = figure;
  const label =
    value > 0.82
      ? { dx: at(low) - 8, anchor: 'end' as const }
      : { dx: at(high) + 8, anchor: 'start' as const };
  return (
    `<path d="M${at(low).toFixed(1)} ${y}H${at(high).toFixed(1)}" stroke="${css(colour)}" stroke-width="2.5"/>` +
    `<circle cx="${at(value).toFixed(1)}" cy="${y}" r="4.5" fill="${css(colour)}"/>` +
    svgText(value.toFixed(3), label.dx, y + 4, { size: 11.5, anchor: label.anchor, colour: INK })
  );
}

/** A grid of figures as SVG, from white (lowest) to blue (highest). */
import { COLOURS, type Rgb } from '@reclmis/core';
import { css, type Frame, tickLabel } from './chart.js';
import { FAINT, INK, svgText, textWidth } from './text.js';

export interface HeatMap {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** From the left, and from below. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Null if there is none. */
  readonly value: (x: number, y: number) => number | null;
  /** Default two decimals. */
  readonly format?: (value: number) => string;
  /** Framed. */
  readonly mark?: { readonly x: number; readonly y: number; readonly label: string };
}

const twoDecimals = (figure: number): string => figure.toFixed(2);
const WHITE: Rgb = [255, 255, 255];
const DEEPEST = 0.75;

export function svgHeatMap(map: HeatMap, frame: Frame): string {
  const { xs, ys, value, mark, format = twoDecimals } = map;
  const figures = xs.flatMap((x) => ys.flatMap((y) => value(x, y) ?? []));
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  const margin = Math.max(...ys.map((y) => textWidth(tickLabel(y), 12))) + 32;
  const [left, top] = [frame.x + margin, frame.y + 40];
  const bottom = frame.y + frame.height - (mark ? 66 : 44);
  const wide = (frame.x + frame.width - 8 - left) / xs.length;
  const tall = (bottom - top) / ys.length;
  const at = (x: number, y: number): [number, number] => [
    left + xs.indexOf(x) * wide,
    bottom - (ys.indexOf(y) + 1) * tall,
  ];
  const square = (x: number, y: number, style: string): string => {
    const [px, py] = at(x, y);
    return `<rect x="${px.toFixed(1)}" y="${py.toFixed(1)}" width="${wide.toFixed(1)}" height="${tall.toFixed(1)}" ${style}/>`;
  };
  const parts = [svgText(map.title, frame.x, frame.y + 18, { size: 16, weight: 600 })];
  for (const x of xs) {
    for (const y of ys) {
      const figure = value(x, y);
      const share = figure === null ? 0 : high > low ? (figure - low) / (high - low) : 0.5;
      parts.push(square(x, y, `fill="${css(shade(share))}" stroke="white" stroke-width="2"`));
      const [px, py] = at(x, y);
      const text = figure === null ? 'none' : format(figure);
      const style = { size: 13, anchor: 'middle', colour: figure === null ? FAINT : INK } as const;
      parts.push(svgText(text, px + wide / 2, py + tall / 2 + 5, style));
    }
  }
  const small = { size: 12, anchor: 'middle', colour: FAINT } as const;
  for (const x of xs) parts.push(svgText(tickLabel(x), at(x, ys[0] ?? 0)[0] + wide / 2, bottom + 18, small));
  for (const y of ys) {
    const middle = at(xs[0] ?? 0, y)[1] + tall / 2;
    parts.push(svgText(tickLabel(y), left - 8, middle + 4, { ...small, anchor: 'end' }));
  }
  parts.push(svgText(map.xLabel, left + (wide * xs.length) / 2, bottom + 36, small));
  parts.push(svgText(map.yLabel, frame.x + 12, (top + bottom) / 2, { ...small, upwards: true }));
  if (mark && xs.includes(mark.x) && ys.includes(mark.y)) {
    const style = `fill="none" stroke="${css(COLOURS.vermilion)}" stroke-width="3"`;
    parts.push(square(mark.x, mark.y, style));
    parts.push(`<rect x="${left}" y="${bottom + 48}" width="12" height="12" ${style}/>`);
    parts.push(svgText(mark.label, left + 20, bottom + 58, { size: 12, colour: FAINT }));
  }
  return parts.join('');
}

/** @param share in [0, 1], from white to blue */
function shade(share: number): Rgb {
  const mix = (i: 0 | 1 | 2): number => Math.round(WHITE[i] + DEEPEST * share * (COLOURS.blue[i] - WHITE[i]));
  return [mix(0), mix(1), mix(2)];
}

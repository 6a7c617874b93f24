/**
 * A small line chart as SVG, in colours for every form of colour blindness (core's `COLOURS`, after Okabe and
 * Ito).
 */
import type { Rgb } from '@reclmis/core';
import { FAINT, INK, svgText, textWidth } from './text.js';

/** Points in order of x; values that are not finite (or not positive on a logarithmic axis) leave a gap. */
export interface Series {
  readonly label: string;
  readonly colour: Rgb;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
  /** E.g. from mean - deviation to mean + deviation. */
  readonly bars?: readonly (readonly [x: number, low: number, high: number])[];
  /** Default: for at most 40 points. */
  readonly dots?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  readonly xLabel: string;
  /** Default `whole`. */
  readonly xTicks?: 'whole' | 'any';
  /** Default: the data's. */
  readonly xMin?: number;
  readonly xMax?: number;
  readonly scale?: 'linear' | 'log';
  /** Default: the data's. */
  readonly yMin?: number;
  readonly yMax?: number;
  /** A mark on x, e.g. the best epoch. */
  readonly mark?: { readonly x: number; readonly label: string };
}

/** A chart's place, in pixels of the picture. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const GRID = '#e5e7eb';
const LEGEND_LINE = 20;

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red},${green},${blue})`;
}

/** At most `count` + 1 round numbers (1, 2, 2.5 or 5 times a power of ten apart) within [low, high]. */
export function ticks(low: number, high: number, count = 5): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** 1, 2, 5, or only powers of ten for many decades. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const factors = decades > 4 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(6));
      if (value >= low * 0.9999 && value <= high * 1.0001) found.push(value);
    }
  }
  return found.length >= 2 ? found : ticks(low, high, 4);
}

/** A tick's number: `0.25`, `3e-4`, `12`. */
export function tickLabel(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential().replace('e+', 'e');
  return String(Number(value.toPrecision(6)));
}

export function svgChart(chart: Chart, frame: Frame): string {
  const log = chart.scale === 'log';
  const usable = (y: number): boolean => Number.isFinite(y) && (!log || y > 0);
  const points = chart.series.flatMap((series) => series.points.filter(([, y]) => usable(y)));
  const xs = points.map(([x]) => x);
  const [x0, x1] = spread(
    chart.xMin ?? Math.min(...xs, Infinity),
    chart.xMax ?? Math.max(...xs, -Infinity),
    1,
    1,
  );
  const bars = chart.series.flatMap(({ bars: own = [] }) => own.flatMap(([, low, high]) => [low, high]));
  const ys = [...points.map(([, y]) => y), ...bars.filter(usable)];
  const [y0, y1] = limits(chart, Math.min(...ys, Infinity), Math.max(...ys, -Infinity), log);

  const yTicks = log ? logTicks(y0, y1) : ticks(y0, y1);
  const margin = Math.max(...yTicks.map((tick) => textWidth(tickLabel(tick), 12))) + 10;
  const legend = svgLegend(chart.series, frame.x, frame.y + 34, frame.width);
  const left = frame.x + margin;
  const right = frame.x + frame.width - 8;
  const top = frame.y + 34 + legend.height + 6;
  const bottom = frame.y + frame.height - 40;
  const toX = (x: number): number => left + ((x - x0) / (x1 - x0)) * (right - left);
  const part = (y: number): number => (log ? Math.log(y / y0) / Math.log(y1 / y0) : (y - y0) / (y1 - y0));
  const toY = (y: number): number => bottom - Math.min(1, Math.max(0, part(y))) * (bottom - top);

  const parts = [svgText(chart.title, frame.x, frame.y + 18, { size: 16, weight: 600 }), legend.svg];
  for (const tick of yTicks) {
    const y = toY(tick).toFixed(1);
    parts.push(`<path d="M${left} ${y}H${right}" stroke="${GRID}"/>`);
    parts.push(svgText(tickLabel(tick), left - 8, toY(tick) + 4, { size: 12, anchor: 'end', colour: FAINT }));
  }
  for (const tick of ticks(x0, x1, 8).filter((x) => chart.xTicks === 'any' || Number.isInteger(x))) {
    parts.push(`<path d="M${toX(tick).toFixed(1)} ${bottom}v5" stroke="${INK}"/>`);
    parts.push(
      svgText(tickLabel(tick), toX(tick), bottom + 19, { size: 12, anchor: 'middle', colour: FAINT }),
    );
  }
  parts.push(`<path d="M${left} ${bottom}H${right}" stroke="${INK}" fill="none"/>`);
  parts.push(
    svgText(chart.xLabel, (left + right) / 2, bottom + 36, { size: 12, anchor: 'middle', colour: FAINT }),
  );
  if (chart.mark) {
    const lines = chart.series.map((series) =>
      series.points.filter(([, y]) => usable(y)).map(([x, y]): Place => [toX(x), toY(y)]),
    );
    parts.push(svgMark(chart.mark, toX(chart.mark.x), { left, right, top, bottom }, lines));
  }
  for (const series of chart.series) parts.push(svgSeries(series, usable, toX, toY));
  return parts.join('');
}

function svgSeries(
  { colour, points, dashed, bars = [], dots: marked = points.length <= 40 }: Series,
  usable: (y: number) => boolean,
  toX: (x: number) => number,
  toY: (y: number) => number,
): string {
  let path = '';
  let dots = '';
  let pen = 'M';
  for (const [x, y] of points) {
    if (!usable(y)) {
      pen = 'M';
      continue;
    }
    const [px, py] = [toX(x).toFixed(1), toY(y).toFixed(1)];
    path += `${pen}${px} ${py}`;
    pen = 'L';
    if (marked) dots += `<circle cx="${px}" cy="${py}" r="2.6" fill="${css(colour)}"/>`;
  }
  const upright = bars
    .map(([x, low, high]) => `M${toX(x).toFixed(1)} ${toY(low).toFixed(1)}V${toY(high).toFixed(1)}`)
    .join('');
  if (upright !== '') dots += `<path d="${upright}" stroke="${css(colour)}" stroke-width="1.4"/>`;
  const dash = dashed ? ' stroke-dasharray="6 4"' : '';
  return `<path d="${path}" fill="none" stroke="${css(colour)}" stroke-width="2" stroke-linejoin="round"${dash}/>${dots}`;
}

/** In pixels of the picture. */
type Place = readonly [x: number, y: number];

/** Labelled at the foot or, if a series is in the way, at the head or in the middle. */
function svgMark(
  { label }: { label: string },
  x: number,
  { left, right, top, bottom }: Record<'left' | 'right' | 'top' | 'bottom', number>,
  lines: readonly (readonly Place[])[],
): string {
  const anchor = x > (left + right) / 2 ? 'end' : 'start';
  const [near, far] =
    anchor === 'end' ? [x - 6, x - 6 - textWidth(label, 12)] : [x + 6, x + 6 + textWidth(label, 12)];
  const heights = lines.flatMap((line) => heightsWithin(line, Math.min(near, far), Math.max(near, far)));
  const baselines = [bottom - 8, top + 14, (top + bottom) / 2];
  const free = baselines.find((y) => heights.every((height) => Math.abs(height - (y - 4)) >= 10));
  return (
    `<path d="M${x.toFixed(1)} ${top}V${bottom}" stroke="${FAINT}" stroke-dasharray="2 3"/>` +
    svgText(label, near, free ?? bottom - 8, { size: 12, anchor, colour: FAINT })
  );
}

/** A line's heights between two places along x, every few pixels. */
function heightsWithin(line: readonly Place[], from: number, to: number): number[] {
  return line.flatMap(([x0, y0], i) => {
    const [x1, y1] = line[i + 1] ?? [x0, y0];
    const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / 4));
    return Array.from({ length: steps + 1 }, (_, k): Place => [
      x0 + ((x1 - x0) * k) / steps,
      y0 + ((y1 - y0) * k) / steps,
    ])
      .filter(([x]) => x >= from && x <= to)
      .map(([, y]) => y);
  });
}

function svgLegend(
  series: readonly Series[],
  x: number,
  y: number,
  width: number,
): { svg: string; height: number } {
  if (series.length < 2) return { svg: '', height: 0 };
  const parts: string[] = [];
  let [at, row] = [x, 0];
  for (const { label, colour, dashed } of series) {
    const wide = 28 + textWidth(label, 12) + 16;
    if (at > x && at + wide > x + width) [at, row] = [x, row + 1];
    const middle = y + row * LEGEND_LINE + 4;
    const dash = dashed ? ' stroke-dasharray="6 4"' : '';
    parts.push(`<path d="M${at} ${middle}h22" stroke="${css(colour)}" stroke-width="3"${dash}/>`);
    parts.push(svgText(label, at + 28, middle + 4, { size: 12 }));
    at += wide;
  }
  return { svg: parts.join(''), height: (row + 1) * LEGEND_LINE };
}

/** Slightly wider than the data, unless fixed. */
function limits({ yMin, yMax }: Chart, low: number, high: number, log: boolean): [number, number] {
  if (log) {
    const [a, b] = low <= high ? [low, high] : [0.1, 1];
    const room = Math.max(1.1, (b / a) ** 0.05);
    return [yMin ?? a / room, yMax ?? b * room];
  }
  const [a, b] = spread(yMin ?? low, yMax ?? high, 0.5, 0);
  const room = 0.05 * (b - a);
  return [yMin ?? a - room, yMax ?? b + room];
}

function spread(low: number, high: number, by: number, floor: number): [number, number] {
  if (low > high) return [floor, floor + 2 * by];
  return low < high ? [low, high] : [low - by, high + by];
}

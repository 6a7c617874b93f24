/**
 * Printable figures: SVG with text as outlines, colour bars, colours of core's `heat.ts`.
 *
 * Grad-CAM is drawn bilinearly, as in its paper; maps of patches as patches. All maps start at 0.
 */
import {
  groupLabel,
  heatColour,
  heatOver,
  type Mask,
  overlay,
  resizeMask,
  resizePlane,
  type Rgb,
  type RgbImage,
  type Sides,
  spreadGrid,
  sumByGroup,
} from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import { css, tickLabel, ticks } from '../plots/chart.js';
import { FAINT, INK, percentText, svgText, textWidth, wrapText } from '../plots/text.js';
import type { ReadNote } from './explain.js';
import type { GradCam } from './grad-cam.js';

/** A square grid, row by row, 0 or more. */
export interface GridMap {
  readonly side: number;
  readonly values: ArrayLike<number>;
}

const PANEL = 320;
const MARGIN = 20;
const BAR = 14;
const STRIPS = 64;
const WHITE: Rgb = [255, 255, 255];

/** Bilinear Grad-CAM over the image, with the predicted mask's outline in white. */
export function camOver(image: RgbImage, { side, values }: GradCam, mask: Mask): RgbImage {
  const { width, height } = image;
  const heat = heatOver(image, resizePlane(values, side, side, width, height));
  return outlined(heat, mask);
}

export function patchesOver(image: RgbImage, { side, values }: GridMap, max: number): RgbImage {
  return heatOver(image, spreadGrid(values, side, side, image.width, image.height), { max });
}

export function outlined(image: RgbImage, mask: Mask): RgbImage {
  const drawn = resizeMask(mask, image.width, image.height);
  const contour = Math.max(1, Math.round(Math.min(image.width, image.height) / 224));
  return overlay(image, drawn, { colour: WHITE, fill: 0, contour });
}

export interface Panel {
  readonly label: string;
  readonly image: RgbImage;
}

export interface MapFigure {
  readonly title: string;
  /** Paragraphs below the pictures. */
  readonly captions: readonly string[];
  readonly panels: readonly Panel[];
  /** Marks left and right below the pictures. Default: none. */
  readonly sides?: Sides;
  readonly bar: {
    readonly max: number;
    readonly label: string;
    /** A value to compare with. */
    readonly mark?: { readonly value: number; readonly label: string };
  };
}

/** Panels side by side with a colour bar, as SVG. */
export async function mapFigure({ title, captions, panels, bar, sides }: MapFigure): Promise<string> {
  const [first] = panels;
  const scale = first ? PANEL / Math.max(first.image.width, first.image.height) : 1;
  const [wide, high] = first ? [first.image.width * scale, first.image.height * scale] : [PANEL, PANEL];
  const top = 74;
  const barX = MARGIN + panels.length * (wide + MARGIN);
  const width = Math.max(barX + 110, 420);
  const parts = [svgText(title, MARGIN, 34, { size: 18, weight: 600 })];
  for (const [i, { label, image }] of panels.entries()) {
    const x = MARGIN + i * (wide + MARGIN);
    parts.push(
      svgText(label, x, top - 10, { size: 13, colour: FAINT }),
      await embedded(image, x, top, wide, high),
    );
    if (sides !== undefined) parts.push(...sideMarks(sides, x, top + high + 15, wide));
  }
  parts.push(verticalBar(bar, barX, top, high));
  return svgPage(width, top + high + 34, parts, captions);
}

/** Small pictures under words, as SVG. */
export async function tileFigure(
  title: string,
  captions: readonly string[],
  tiles: readonly Panel[],
  bar: { readonly max: number; readonly label: string },
): Promise<string> {
  const [columns, tile, gap, top] = [6, 112, 12, 60];
  const first = tiles[0]?.image;
  const scale = first ? tile / Math.max(first.width, first.height) : 1;
  const [wide, high] = first ? [first.width * scale, first.height * scale] : [tile, tile];
  const step = high + 30;
  const rows = Math.ceil(tiles.length / columns);
  const parts = [svgText(title, MARGIN, 34, { size: 18, weight: 600 })];
  for (const [i, { label, image }] of tiles.entries()) {
    const x = MARGIN + (i % columns) * (tile + gap);
    const y = top + Math.floor(i / columns) * step;
    const [line = ''] = wrapText(label, tile, 12, 600, 1);
    parts.push(
      await embedded(image, x, y, wide, high),
      svgText(line, x, y + high + 15, { size: 12, weight: 600 }),
    );
  }
  const x = MARGIN + Math.min(columns, Math.max(tiles.length, 3)) * (tile + gap) + 8;
  parts.push(verticalBar(bar, x, top, Math.max(high, 100)));
  return svgPage(x + 100, top + rows * step, parts, captions);
}

/** Words in the colours of their numbers, as SVG. */
export function wordFigure(
  title: string,
  captions: readonly string[],
  note: ReadNote,
  values: ArrayLike<number>,
  label: string,
): string {
  const shown = note.groups.filter(({ kind }) => kind !== 'padding');
  const numbers = sumByGroup(shown, values);
  const max = Math.max(...numbers, 0);
  const [width, size, lineHeight] = [720, 16, 56];
  let [x, y] = [MARGIN, 62];
  const parts = [svgText(title, MARGIN, 34, { size: 18, weight: 600 })];
  for (const [i, group] of shown.entries()) {
    const [text = ''] = wrapText(groupLabel(group), width - 4 * MARGIN, size, 400, 1);
    const value = numbers[i] ?? 0;
    const colour = heatColour(max > 0 ? value / max : 0);
    const wide = Math.max(textWidth(text, size), textWidth(percentText(value), 11)) + 16;
    if (x > MARGIN && x + wide > width - MARGIN) [x, y] = [MARGIN, y + lineHeight];
    parts.push(
      `<rect x="${x}" y="${y}" width="${wide.toFixed(1)}" height="28" rx="4" fill="${css(colour)}"/>`,
    );
    parts.push(svgText(text, x + wide / 2, y + 19, { size, anchor: 'middle', colour: inkOn(colour) }));
    parts.push(
      svgText(percentText(value), x + wide / 2, y + 42, { size: 11, anchor: 'middle', colour: FAINT }),
    );
    x += wide + 6;
  }
  y += lineHeight + 8;
  parts.push(horizontalBar(max, label, MARGIN, y, 240));
  return svgPage(width, y + 52, parts, [
    ...captions,
    ...(note.cut.length > 0
      ? [`Not read, because the note is longer than the context: ${note.cut.join(' ')}.`]
      : []),
  ]);
}

/** Black or white, whichever reads better. */
export function inkOn([red, green, blue]: Rgb): string {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? INK : '#ffffff';
}

function svgPage(
  width: number,
  height: number,
  parts: readonly string[],
  captions: readonly string[],
): string {
  const lines: string[] = [];
  let y = height + 6;
  for (const caption of captions) {
    for (const line of wrapText(caption, width - 2 * MARGIN, 12)) {
      lines.push(svgText(line, MARGIN, y, { size: 12, colour: FAINT }));
      y += 17;
    }
    y += 4;
  }
  const size = `width="${Math.ceil(width)}" height="${Math.ceil(y + 4)}"`;
  const box = `viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(y + 4)}"`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${box}>` +
    `<rect width="100%" height="100%" fill="white"/>${[...parts, ...lines].join('')}</svg>\n`
  );
}

/** Scales a figure, for rasterising. */
export function enlarged(svg: string, factor: number): string {
  return svg.replace(/width="(\d+)" height="(\d+)"/, (_, width: string, height: string) => {
    return `width="${Number(width) * factor}" height="${Number(height) * factor}"`;
  });
}

async function embedded(
  image: RgbImage,
  x: number,
  y: number,
  width: number,
  height: number,
): Promise<string> {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"`;
  return `<image ${place} href="${await dataUri(image)}"/>`;
}

export async function dataUri(image: RgbImage): Promise<string> {
  return `data:image/png;base64,${Buffer.from(await encodePng(image, 3)).toString('base64')}`;
}

function sideMarks(sides: Sides, x: number, y: number, width: number): string[] {
  const style = { size: 12, weight: 600, colour: FAINT } as const;
  const [left, right] = sides === 'image' ? (['L', 'R'] as const) : (['R', 'L'] as const);
  return [svgText(left, x, y, style), svgText(right, x + width, y, { ...style, anchor: 'end' })];
}

function verticalBar({ max, label, mark }: MapFigure['bar'], x: number, y: number, height: number): string {
  const strip = height / STRIPS;
  const parts: string[] = [];
  for (let i = 0; i < STRIPS; i++) {
    const high = (height - i * strip).toFixed(2); // to the top: side by side, strips would show seams
    const colour = css(heatColour((i + 0.5) / STRIPS));
    parts.push(`<rect x="${x}" y="${y}" width="${BAR}" height="${high}" fill="${colour}"/>`);
  }
  const place = (value: number): number => y + height * (1 - value / max);
  for (const tick of max > 0 ? ticks(0, max, 4) : [0]) {
    const at = max > 0 ? place(tick) : y + height;
    parts.push(`<path d="M${x + BAR} ${at.toFixed(1)}h4" stroke="${INK}"/>`);
    parts.push(svgText(tickLabel(tick), x + BAR + 7, at + 4, { size: 11 }));
  }
  if (mark && max > 0 && mark.value <= max) {
    const at = place(mark.value);
    parts.push(`<path d="M${x - 5} ${(at - 4).toFixed(1)}l5 4l-5 4z" fill="${INK}"/>`);
  }
  parts.push(
    svgText(label, x + BAR + 62, y + height / 2, {
      size: 12,
      anchor: 'middle',
      upwards: true,
      colour: FAINT,
    }),
  );
  return parts.join('');
}

function horizontalBar(max: number, label: string, x: number, y: number, width: number): string {
  const strip = width / STRIPS;
  const parts: string[] = [];
  for (let i = 0; i < STRIPS; i++) {
    const colour = css(heatColour((i + 0.5) / STRIPS));
    const [from, wide] = [(x + i * strip).toFixed(2), (width - i * strip).toFixed(2)];
    parts.push(`<rect x="${from}" y="${y}" width="${wide}" height="${BAR}" fill="${colour}"/>`);
  }
  for (const tick of max > 0 ? ticks(0, max, 4) : [0]) {
    const at = x + (max > 0 ? (tick / max) * width : 0);
    parts.push(`<path d="M${at.toFixed(1)} ${y + BAR}v4" stroke="${INK}"/>`);
    parts.push(svgText(tickLabel(tick), at, y + BAR + 16, { size: 11, anchor: 'middle' }));
  }
  parts.push(svgText(label, x + width + 16, y + BAR - 2, { size: 12, colour: FAINT }));
  return parts.join('');
}

/**
 * The contact sheet: per case its image, note, truth (sky blue), prediction (orange), and the prediction for
 * the note with left and right swapped. R and L are the sides that notes mean, if known.
 */
import {
  COLOURS,
  type Mask,
  overlay,
  resizeImage,
  resizeMask,
  type RgbImage,
  type StatedSides,
} from '@reclmis/core';
import { renderSvg, writePngRgb } from '@reclmis/files';
import { css } from './chart.js';
import { FAINT, INK, svgText, wrapText } from './text.js';

/** Rasters of one size. Dice in [0, 1]. */
export interface OverviewRow {
  readonly id: string;
  readonly image: RgbImage;
  readonly truth: Mask;
  readonly note: string;
  readonly prediction: Mask;
  readonly dice: number;
  readonly swappedNote: string;
  readonly swappedPrediction: Mask;
  readonly swappedDice: number;
}

export interface OverviewOptions {
  readonly title: string;
  readonly subtitle?: string;
  /** Whose left and right the notes mean. */
  readonly sides: StatedSides;
}

const TILE = 224;
const GAP = 16;
const NOTE_WIDTH = 248;
const HEAD = 112;
const CAPTION = 22;
const ROW = TILE + CAPTION + GAP;
const NOTE_SIZE = 14;
const NOTE_LINE = 19;

const COLUMN = {
  image: GAP,
  note: 2 * GAP + TILE,
  truth: 3 * GAP + TILE + NOTE_WIDTH,
  prediction: 4 * GAP + 2 * TILE + NOTE_WIDTH,
  swapped: 5 * GAP + 3 * TILE + NOTE_WIDTH,
} as const;
const WIDTH = COLUMN.swapped + TILE + GAP;

/** A PNG, one row of 224-pixel tiles per case. */
export async function writeOverview(
  file: string,
  rows: readonly OverviewRow[],
  options: OverviewOptions,
): Promise<void> {
  await writePngRgb(file, await overviewImage(rows, options));
}

export async function overviewImage(
  rows: readonly OverviewRow[],
  options: OverviewOptions,
): Promise<RgbImage> {
  const sheet = await renderSvg(overviewSvg(rows, options));
  rows.forEach((row, i) => {
    const y = HEAD + i * ROW;
    const image = resizeImage(row.image, TILE, TILE);
    const draw = (mask: Mask, colour: (typeof COLOURS)[keyof typeof COLOURS]): RgbImage =>
      overlay(image, resizeMask(mask, TILE), { colour });
    paste(sheet, image, COLUMN.image, y);
    paste(sheet, draw(row.truth, COLOURS.skyBlue), COLUMN.truth, y);
    paste(sheet, draw(row.prediction, COLOURS.orange), COLUMN.prediction, y);
    paste(sheet, draw(row.swappedPrediction, COLOURS.orange), COLUMN.swapped, y);
  });
  return sheet;
}

/** Without images. */
function overviewSvg(rows: readonly OverviewRow[], { title, subtitle, sides }: OverviewOptions): string {
  const height = HEAD + rows.length * ROW;
  const parts = [svgText(title, GAP, 34, { size: 20, weight: 600 })];
  if (subtitle !== undefined) parts.push(svgText(subtitle, GAP, 60, { size: 14, colour: FAINT }));
  const heading = (text: string, x: number, colour?: string): void => {
    if (colour !== undefined)
      parts.push(`<rect x="${x}" y="${HEAD - 22}" width="12" height="12" rx="2" fill="${colour}"/>`);
    parts.push(svgText(text, x + (colour === undefined ? 0 : 18), HEAD - 11, { size: 14, weight: 600 }));
  };
  heading('Image', COLUMN.image);
  heading('Note', COLUMN.note);
  heading('Truth', COLUMN.truth, css(COLOURS.skyBlue));
  heading('Prediction', COLUMN.prediction, css(COLOURS.orange));
  heading('Prediction, sides swapped', COLUMN.swapped, css(COLOURS.orange));
  rows.forEach((row, i) => parts.push(svgRow(row, HEAD + i * ROW, sides)));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">` +
    `<rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>`
  );
}

function svgRow(row: OverviewRow, y: number, sides: StatedSides): string {
  const parts: string[] = [];
  const below = y + TILE + 16;
  const dice = (value: number, x: number): void => {
    parts.push(svgText(`Dice ${value.toFixed(3)}`, x, below, { size: 12, colour: FAINT }));
  };
  if (sides !== 'unknown') {
    const style = { size: 12, weight: 600, colour: FAINT } as const;
    const [onLeft, onRight] = sides === 'image' ? (['L', 'R'] as const) : (['R', 'L'] as const);
    parts.push(svgText(onLeft, COLUMN.image, below, style));
    parts.push(svgText(onRight, COLUMN.image + TILE, below, { ...style, anchor: 'end' }));
  }
  const [id = ''] = wrapText(row.id, TILE - 40, 12, 400, 1);
  parts.push(svgText(id, COLUMN.image + TILE / 2, below, { size: 12, colour: FAINT, anchor: 'middle' }));
  dice(row.dice, COLUMN.prediction);
  dice(row.swappedDice, COLUMN.swapped);
  let line = y + NOTE_SIZE;
  const paragraph = (text: string, colour: string): void => {
    for (const words of wrapText(text, NOTE_WIDTH, NOTE_SIZE, 400, 5)) {
      parts.push(svgText(words, COLUMN.note, line, { size: NOTE_SIZE, colour }));
      line += NOTE_LINE;
    }
  };
  paragraph(row.note, INK);
  line += NOTE_LINE / 2;
  parts.push(svgText('swapped:', COLUMN.note, line, { size: 12, weight: 600, colour: FAINT }));
  line += NOTE_LINE;
  paragraph(row.swappedNote, FAINT);
  return parts.join('');
}

/** Copies an image into another at (x, y). */
export function paste(onto: RgbImage, image: RgbImage, x: number, y: number): void {
  for (let row = 0; row < image.height; row++) {
    const from = row * image.width * 3;
    onto.data.set(image.data.subarray(from, from + image.width * 3), ((y + row) * onto.width + x) * 3);
  }
}

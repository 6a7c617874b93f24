/** Rows of cases by several models as one drawing (Figures 7 and 8), as in `report/case-rows.ts`. */
import type { Mask, RgbImage } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import type { CaseColumn, CaseGroup, CaseRow, CaseTile, ColourKey } from '@reclmis/data';
import { css } from './chart.js';
import { drawTruth } from './masks.js';
import { FAINT, svgText, textWidth, wrapText } from './text.js';

const TILE = 150;
const GAP = 8;
/** Between columns. */
const APART = 18;
const MARGIN = 16;
const HEAD = 102;
const LINE = 17;
const CAPTION = 18;
const NOTE_LINES = 2;
const SWATCH = 11;

export interface CaseSheet {
  readonly title: string;
  /** Below the title, in one line. */
  readonly subtitle: string;
  readonly colours: readonly ColourKey[];
  readonly columns: readonly CaseColumn[];
  readonly rows: readonly CaseRow[];
}

export async function caseTile(image: RgbImage, alt: string, caption: string): Promise<CaseTile> {
  const png = await encodePng(image, 3);
  return { png, width: image.width, height: image.height, alt, caption };
}

/** The image, and the true mask if known. */
export async function imageGroup(id: string, image: RgbImage, truth: Mask | null): Promise<CaseGroup> {
  const tiles = [await caseTile(image, `${id}: the image`, 'image')];
  if (truth !== null)
    tiles.push(await caseTile(drawTruth(image, truth), `${id}: the true mask`, 'true mask'));
  return { tiles };
}

/** @param rows whose first groups are `imageGroup`s */
export function imageColumn(rows: readonly Pick<CaseRow, 'groups'>[]): CaseColumn {
  const most = Math.max(1, ...rows.map(({ groups }) => groups[0]?.tiles.length ?? 0));
  return { title: most > 1 ? 'image and truth' : 'image', about: '', tiles: most };
}

/** @returns SVG. */
export function caseSheet({ title, subtitle, colours, columns, rows }: CaseSheet): string {
  const wide = columns.map(({ tiles }) => tiles * (TILE + GAP) - GAP);
  const xs: number[] = [];
  let right = MARGIN;
  for (const own of wide) {
    xs.push(right);
    right += own + APART;
  }
  const width = Math.max(right - APART + MARGIN, 560);
  const [short = ''] = wrapText(title, width - 2 * MARGIN, 18, 600, 1);
  const parts = [svgText(short, MARGIN, 30, { size: 18, weight: 600 }), key(subtitle, colours)];
  columns.forEach((column, i) => {
    const [x, own] = [xs[i] ?? MARGIN, wide[i] ?? TILE];
    const [name = ''] = wrapText(column.title, own, 13, 600, 1);
    const [about = ''] = wrapText(column.about, own, 11, 400, 1);
    parts.push(
      svgText(name, x, HEAD - 22, { size: 13, weight: 600 }),
      svgText(about, x, HEAD - 8, { size: 11, colour: FAINT }),
    );
  });
  let y = HEAD;
  for (const { heading, note, groups } of rows) {
    const above = `${heading}${note === null ? '' : `: ${note === '' ? '(empty note)' : note}`}`;
    const lines = wrapText(above, width - 2 * MARGIN, 12, 400, NOTE_LINES);
    lines.forEach((line, i) => parts.push(svgText(line, MARGIN, y + 13 + i * LINE, { size: 12 })));
    y += lines.length * LINE + 5;
    // The longer side fills the tile; a row's pictures share the image's shape.
    const shapes = groups.flatMap(({ tiles }) => tiles.flatMap((tile) => ('png' in tile ? [tile] : [])));
    const high = TILE * Math.min(1, Math.max(...shapes.map((tile) => tile.height / tile.width)));
    groups.forEach((group, i) => parts.push(...drawn(group, xs[i] ?? MARGIN, y, high)));
    y += high + CAPTION + GAP;
  }
  const box = [Math.ceil(width), Math.ceil(y + MARGIN)] as const;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${box[0]}" height="${box[1]}" viewBox="0 0 ${box.join(' ')}">` +
    `<rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>\n`
  );
}

/** The subtitle with the colours' meanings. */
function key(subtitle: string, colours: readonly ColourKey[]): string {
  let x = MARGIN;
  const parts = [svgText(subtitle, x, 52, { size: 12, colour: FAINT })];
  if (subtitle !== '') x += textWidth(subtitle, 12) + 14;
  for (const { colour, meaning } of colours) {
    parts.push(
      `<rect x="${x.toFixed(1)}" y="42" width="${SWATCH}" height="${SWATCH}" rx="2" fill="${css(colour)}"/>`,
      svgText(meaning, x + SWATCH + 5, 52, { size: 12, colour: FAINT }),
    );
    x += SWATCH + textWidth(meaning, 12) + 19;
  }
  return parts.join('');
}

function drawn({ tiles }: CaseGroup, left: number, y: number, high: number): string[] {
  return tiles.flatMap((tile, i) => {
    const x = left + i * (TILE + GAP);
    if ('missing' in tile) {
      const lines = wrapText(tile.missing, TILE - 8, 11, 400, 6);
      return lines.map((line, at) => svgText(line, x + 4, y + 20 + at * 15, { size: 11, colour: FAINT }));
    }
    const scale = Math.min(TILE / tile.width, high / tile.height);
    const size = `width="${(tile.width * scale).toFixed(1)}" height="${(tile.height * scale).toFixed(1)}"`;
    const data = Buffer.from(tile.png).toString('base64');
    const [line = ''] = wrapText(tile.caption, TILE, 11, 400, 1);
    return [
      `<image x="${x}" y="${y.toFixed(1)}" ${size} href="data:image/png;base64,${data}"/>`,
      svgText(line, x, y + high + 13, { size: 11, colour: FAINT }),
    ];
  });
}

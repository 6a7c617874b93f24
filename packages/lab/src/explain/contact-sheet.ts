/**
 * Explanations of many images, a row each: predicted mask, Grad-CAM, patches of interest, and the note in its
 * words' colours. Each map's scale ends at its own maximum: compare rows by place, not strength.
 */
import { groupLabel, heatColour, sumByGroup } from '@reclmis/core';
import { css } from '../plots/chart.js';
import { displayImage } from '../plots/masks.js';
import { FAINT, svgText, textWidth, wrapText } from '../plots/text.js';
import type { ExplainedCase } from './case-report.js';
import { camOver, dataUri, inkOn, outlined, patchesOver } from './figures.js';
import { isMissing } from './interest.js';

/** About a page of paper. */
export const ROWS_PER_SHEET = 8;

const TILE = 150;
const GAP = 14;
const HEAD = 78;
const CAPTION = 20;
const ROW = TILE + CAPTION + GAP;
const NOTE_X = GAP + 3 * (TILE + GAP);
const NOTE_WIDTH = 330;
const WIDTH = NOTE_X + NOTE_WIDTH + GAP;

/** A drawn row, so that the case need not be kept. */
export type SheetRow = string;

/** Draws a row at the top left corner. */
export async function sheetRow({ id, image, explanation }: ExplainedCase): Promise<SheetRow> {
  const { mask, gradCam, poi, grid } = explanation;
  const small = displayImage(image, 2 * TILE);
  const scale = TILE / Math.max(small.width, small.height);
  const parts: string[] = [];
  const place = async (column: number, drawn: typeof small | null): Promise<void> => {
    const x = GAP + column * (TILE + GAP);
    if (drawn === null) {
      parts.push(svgText('does not apply', x + 8, TILE / 2, { size: 12, colour: FAINT }));
      return;
    }
    const [width, height] = [(drawn.width * scale).toFixed(1), (drawn.height * scale).toFixed(1)];
    parts.push(`<image x="${x}" y="0" width="${width}" height="${height}" href="${await dataUri(drawn)}"/>`);
  };
  await place(0, outlined(small, mask));
  await place(1, isMissing(gradCam) ? null : camOver(small, gradCam, mask));
  await place(
    2,
    isMissing(poi) ? null : patchesOver(small, { side: grid, values: poi.values }, Math.max(...poi.values)),
  );
  const [name = ''] = wrapText(id, TILE + 40, 12, 400, 1);
  parts.push(svgText(name, GAP, TILE + 14, { size: 12, colour: FAINT }), noteWords(explanation));
  return parts.join('');
}

/** Coloured if the model has words of interest. */
function noteWords({ note, woi }: ExplainedCase['explanation']): string {
  if (!note) return svgText('the model reads no note', NOTE_X, 20, { size: 12, colour: FAINT });
  const groups = note.groups.filter(({ kind }) => kind !== 'padding');
  const values = isMissing(woi) ? null : sumByGroup(groups, woi.values);
  const max = Math.max(...(values ?? []), 0);
  const parts: string[] = [];
  let [x, y] = [NOTE_X, 0];
  for (const [i, group] of groups.entries()) {
    const [text = ''] = wrapText(groupLabel(group), NOTE_WIDTH - 20, 13, 400, 1);
    const wide = textWidth(text, 13) + 10;
    if (x > NOTE_X && x + wide > NOTE_X + NOTE_WIDTH) [x, y] = [NOTE_X, y + 26];
    if (y + 22 > TILE + CAPTION) {
      parts.push(svgText('…', x, TILE + CAPTION, { size: 13, colour: FAINT }));
      break;
    }
    const colour = values && max > 0 ? heatColour((values[i] ?? 0) / max) : null;
    if (colour)
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="22" rx="3" fill="${css(colour)}"/>`,
      );
    parts.push(svgText(text, x + 5, y + 15.5, { size: 13, ...(colour ? { colour: inkOn(colour) } : {}) }));
    x += wide + 4;
  }
  return parts.join('');
}

export function contactSheet(title: string, layer: string, rows: readonly SheetRow[]): string {
  const height = HEAD + rows.length * ROW;
  const bold = { size: 13, weight: 600 } as const;
  const heads = ['prediction', `Grad-CAM, ${layer}`, 'POI'].map((text, i) => {
    const [line = ''] = wrapText(text, TILE, 13, 600, 1);
    return svgText(line, GAP + i * (TILE + GAP), HEAD - 10, bold);
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">` +
    `<rect width="100%" height="100%" fill="white"/>` +
    svgText(title, GAP, 30, { size: 18, weight: 600 }) +
    heads.join('') +
    svgText('note, coloured by WOI', NOTE_X, HEAD - 10, bold) +
    scaleBar() +
    rows.map((row, i) => `<g transform="translate(0 ${HEAD + i * ROW})">${row}</g>`).join('') +
    '</svg>\n'
  );
}

function scaleBar(): string {
  const strips = Array.from({ length: 48 }, (_, i) => {
    const x = WIDTH - GAP - 150 + 2 * i;
    return `<rect x="${x}" y="18" width="${96 - 2 * i}" height="12" fill="${css(heatColour((i + 0.5) / 48))}"/>`;
  });
  const text = { size: 11, colour: FAINT } as const;
  return (
    strips.join('') +
    svgText('0', WIDTH - GAP - 156, 28, { ...text, anchor: 'end' }) +
    svgText('largest', WIDTH - GAP - 48, 28, text)
  );
}

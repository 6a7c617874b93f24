/** The table of measurements, and its text for other programs: columns with tabs between them. */
import { say } from '../strings.js';
import type { MeasuredArea, Picture, Result } from './state.js';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly { readonly place: number | null; readonly cells: readonly string[] }[];
  readonly total: readonly string[];
}

export function tableOf({ measures }: Result, { width, height, spacing }: Picture): Table {
  const known = spacing !== null && measures.every(({ mm2 }) => mm2 !== null);
  const share = (pixels: number): string => ((100 * pixels) / (width * height)).toFixed(1);
  const area = ({ pixels, mm2 }: MeasuredArea): string => (known ? mm2!.toFixed(1) : String(pixels));
  const pixels = measures.reduce((sum, one) => sum + one.pixels, 0);
  const square = measures.reduce((sum, one) => sum + (one.mm2 ?? 0), 0);
  return {
    head: [
      say('zone'),
      say(known ? 'areaMm' : 'areaPx'),
      say(known ? 'diameterMm' : 'diameterPx'),
      say('share'),
    ],
    rows: measures.map((one) => ({
      place: one.place,
      cells: [one.label, area(one), one.longest?.toFixed(1) ?? '', share(one.pixels)],
    })),
    total: [say('total'), known ? square.toFixed(1) : String(pixels), '', share(pixels)],
  };
}

export function tableText({ head, rows, total }: Table): string {
  const lines = [head, ...rows.map(({ cells }) => cells), ...(total.length > 0 ? [total] : [])];
  return lines.map((cells) => `${cells.join('\t')}\n`).join('');
}

/** What two notes' masks share and do not, pixels. */
export function differenceTable(
  { kept, gained, lost }: Readonly<Record<'kept' | 'gained' | 'lost', number>>,
  { width, height, spacing }: Pick<Picture, 'width' | 'height' | 'spacing'>,
): Table {
  const [across, down] = spacing ?? [1, 1];
  const area = (pixels: number): string =>
    spacing === null ? String(pixels) : (pixels * across * down).toFixed(1);
  const share = (pixels: number): string => ((100 * pixels) / (width * height)).toFixed(1);
  const row = (name: 'kept' | 'gained' | 'lost', sign: string, pixels: number): Table['rows'][number] => ({
    place: null,
    cells: [say(name), sign + area(pixels), sign + share(pixels)],
  });
  return {
    head: [say('aToB'), say(spacing === null ? 'areaPx' : 'areaMm'), say('share')],
    rows: [row('kept', '', kept), row('gained', '+', gained), row('lost', '−', lost)],
    total: [],
  };
}

/** What two models' masks share and do not, pixels; the total is their Dice, 1 if both are empty. */
export function modelsTable(
  { both, onlyA, onlyB }: Readonly<Record<'both' | 'onlyA' | 'onlyB', number>>,
  { width, height, spacing }: Pick<Picture, 'width' | 'height' | 'spacing'>,
): Table {
  const [across, down] = spacing ?? [1, 1];
  const area = (pixels: number): string =>
    spacing === null ? String(pixels) : (pixels * across * down).toFixed(1);
  const share = (pixels: number): string => ((100 * pixels) / (width * height)).toFixed(1);
  const row = (name: 'both' | 'onlyA' | 'onlyB', pixels: number): Table['rows'][number] => ({
    place: null,
    cells: [say(name), area(pixels), share(pixels)],
  });
  const sum = 2 * both + onlyA + onlyB;
  return {
    head: [say('pixelsIn'), say(spacing === null ? 'areaPx' : 'areaMm'), say('share')],
    rows: [row('both', both), row('onlyA', onlyA), row('onlyB', onlyB)],
    total: [say('diceAB'), '', (sum === 0 ? 1 : (2 * both) / sum).toFixed(3)],
  };
}

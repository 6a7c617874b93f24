/**
 * Attention to click through without scripts: a radio button for each query (word or patch) and head, and
 * style rules that show the chosen one's answer.
 *
 * T tokens, N = side x side patches, H heads.
 */
import { groupLabel, heatColour, type RgbImage, sumByGroup, type TokenGroup } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import { css, tickLabel } from '../plots/chart.js';
import { percentText } from '../plots/text.js';
import { type Html, joined, markup } from '@reclmis/data';
import { type AttentionMap, meanOverHeads } from './attention.js';
import { dataUri, inkOn } from './figures.js';

export interface Picker {
  readonly html: Html;
  readonly style: string;
}

export interface PickerContext {
  /** Letters, unique in a page. */
  readonly id: string;
  readonly image: RgbImage;
  readonly side: number;
  readonly groups: readonly TokenGroup[];
}

interface Query {
  readonly label: string;
  /** Rows of the attention; a word may have several tokens. */
  readonly rows: readonly number[];
}

/** Steps of the words' colours. */
const STEPS = 32;
/** More would make the page slow to open. */
export const MOST_PATCHES = 1024;

export const pickerStyle =
  '.pick { position: relative; } .pick > input { position: absolute; opacity: 0; pointer-events: none; }\n' +
  '.pick .words label, .pick .heads label, .pick .row span { display: inline-block; margin: .15rem .1rem; padding: .1rem .45rem; border-radius: 4px; }\n' +
  '.pick .words label, .pick .heads label { border: 1px solid var(--line); cursor: pointer; background: var(--soft); }\n' +
  '.pick .stage { position: relative; width: 100%; max-width: 420px; margin: .6rem 0; } .pick .stage img { display: block; width: 100%; height: 100%; }\n' +
  '.pick .map { position: absolute; inset: 0; opacity: .6; display: none; } .pick .stage img.map { display: none; }\n' +
  '.pick .grid { position: absolute; inset: 0; display: grid; } .pick .grid label { cursor: pointer; } .pick .grid label:hover { outline: 1px solid #fff; }\n' +
  '.pick .row, .pick .bar { display: none; } .bar i { display: inline-block; width: 160px; height: 12px; margin: 0 .5rem; vertical-align: -1px; }\n' +
  Array.from({ length: STEPS }, (_, i) => {
    const colour = heatColour((i + 0.5) / STEPS);
    return `.k${i} { background: ${css(colour)}; color: ${inkOn(colour)}; }`;
  }).join('\n') +
  `\n.bar i { background: linear-gradient(to right, ${Array.from({ length: 9 }, (_, i) => css(heatColour(i / 8))).join(', ')}); }\n`;

/** Shows where the chosen query looks. */
export async function attentionPicker(map: AttentionMap, context: PickerContext): Promise<Picker> {
  const { id, groups, side } = context;
  const queries = map.from === 'words' ? wordQueries(groups) : patchQueries(side);
  // There are too many patches to show every head.
  const heads = map.from === 'words' && map.to === 'patches' ? map.heads : 0;
  const planes = [meanOverHeads(map), ...Array.from({ length: heads }, (_, h) => headOf(map, h))];
  const answers = planes.map((plane) => queries.map(({ rows }) => meanOfRows(plane, rows, map.keys)));
  const first = Math.max(0, map.from === 'patches' ? Math.floor(queries.length / 2 + side / 2) : 0);

  const rules: string[] = [];
  const inputs: Html[] = [];
  const radio = (name: string, at: number, checked: boolean, label: string): void => {
    const mark = checked ? markup` checked` : '';
    inputs.push(
      markup`<input type="radio" name="${id}${name}" id="${id}${name}${at}" aria-label="${label}"${mark}>`,
    );
  };
  queries.forEach(({ label }, q) => radio('q', q, q === first, label));
  planes.forEach((_, h) => radio('h', h, h === 0, headName(h)));
  const chosen =
    map.from === 'words'
      ? 'background: var(--ink); color: var(--paper);'
      : 'outline: 2px solid #fff; box-shadow: 0 0 0 4px #000 inset;';
  queries.forEach((_, q) =>
    rules.push(
      `#${id}q${q}:checked ~ * [for="${id}q${q}"] { ${chosen} }`,
      `#${id}q${q}:focus-visible ~ * [for="${id}q${q}"] { outline: 3px solid var(--link); }`,
    ),
  );
  planes.forEach((_, h) => {
    rules.push(
      `#${id}h${h}:checked ~ .heads [for="${id}h${h}"] { background: var(--ink); color: var(--paper); }`,
      `#${id}h${h}:checked ~ .bar.h${h} { display: block; }`,
    );
    queries.forEach((__, q) =>
      rules.push(`#${id}q${q}:checked ~ #${id}h${h}:checked ~ * .q${q}.h${h} { display: block; }`),
    );
  });

  const base = markup`<img src="${await dataUri(context.image)}" alt="The image">`;
  const grid = map.from === 'patches' ? patchGrid(id, side, queries) : '';
  const shown = await Promise.all(
    answers.map(async (rows, h) => {
      const max = largest(rows, map, groups);
      const parts =
        map.to === 'patches'
          ? await Promise.all(
              rows.map((row, q) => gridPicture(row, side, max, `q${q} h${h}`, queries[q]?.label ?? '')),
            )
          : rows.map((row, q) => wordRow(row, groups, max, `q${q} h${h}`));
      return { parts, bar: bar(max, h) };
    }),
  );
  const pictures = map.to === 'patches' ? shown.flatMap(({ parts }) => parts) : [];
  const rows = map.to === 'words' ? shown.flatMap(({ parts }) => parts) : [];
  const stage = map.from === 'patches' || map.to === 'patches';
  const { width, height } = context.image;
  return {
    html: joined(
      markup`<div class="pick">`,
      inputs,
      map.from === 'words'
        ? markup`<p class="words">${queries.map(({ label }, q) => markup`<label for="${id}q${q}">${label}</label>`)}</p>`
        : '',
      planes.length > 1
        ? markup`<p class="heads">${planes.map((_, h) => markup`<label for="${id}h${h}">${headName(h)}</label>`)}</p>`
        : '',
      stage
        ? markup`<div class="stage" style="aspect-ratio: ${width} / ${height}">${[base, ...pictures, grid]}</div>`
        : '',
      rows.length > 0 ? markup`<div>${rows}</div>` : '',
      shown.map((part) => part.bar),
      markup`</div>\n`,
    ),
    style: `${rules.join('\n')}\n`,
  };
}

function headName(h: number): string {
  return h === 0 ? 'mean of heads' : `head ${h}`;
}

/** Words and marks; nobody needs what padding attends to. */
function wordQueries(groups: readonly TokenGroup[]): Query[] {
  return groups
    .filter(({ kind }) => kind !== 'padding')
    .map((group) => ({ label: groupLabel(group), rows: group.tokens }));
}

function patchQueries(side: number): Query[] {
  return Array.from({ length: side * side }, (_, n) => ({
    label: `patch in row ${Math.floor(n / side) + 1}, column ${(n % side) + 1}`,
    rows: [n],
  }));
}

function headOf({ queries, keys, weights }: AttentionMap, head: number): Float32Array {
  return weights.subarray(head * queries * keys, (head + 1) * queries * keys);
}

/** A mean of rows also sums to 1. @returns [K]. */
export function meanOfRows(plane: Float32Array, rows: readonly number[], keys: number): Float32Array {
  const mean = new Float32Array(keys);
  for (const row of rows)
    for (let k = 0; k < keys; k++)
      mean[k] = (mean[k] as number) + (plane[row * keys + k] as number) / rows.length;
  return mean;
}

function largest(rows: readonly Float32Array[], map: AttentionMap, groups: readonly TokenGroup[]): number {
  const shown = map.to === 'patches' ? rows : rows.map((row) => sumByGroup(groups, row));
  return Math.max(...shown.map((row) => Math.max(...row)));
}

/** One pixel per patch; the page enlarges it. */
async function gridPicture(
  row: Float32Array,
  side: number,
  max: number,
  names: string,
  label: string,
): Promise<Html> {
  const data = new Uint8Array(3 * side * side);
  row.forEach((value, n) => data.set(heatColour(value / max), 3 * n));
  const png = Buffer.from(await encodePng({ width: side, height: side, data }, 3)).toString('base64');
  return markup`<img class="map pixelated ${names}" src="data:image/png;base64,${png}" alt="Attention of: ${label}">`;
}

/** Words in the colours of their weights, with padding. */
function wordRow(row: Float32Array, groups: readonly TokenGroup[], max: number, names: string): Html {
  const sums = sumByGroup(groups, row);
  const spans = groups.map((group, g) => {
    const value = sums[g] ?? 0;
    const step = Math.min(STEPS - 1, Math.floor((STEPS * value) / max));
    return markup`<span class="k${step}" title="${percentText(value)}">${groupLabel(group)}</span>`;
  });
  return markup`<div class="row ${names}">${spans}</div>`;
}

function patchGrid(id: string, side: number, queries: readonly Query[]): Html {
  const cells = queries.map(({ label }, q) => markup`<label for="${id}q${q}" title="${label}"></label>`);
  return markup`<div class="grid" style="grid-template: repeat(${side}, 1fr) / repeat(${side}, 1fr)">${cells}</div>`;
}

function bar(max: number, h: number): Html {
  return markup`<p class="bar h${h}">0<i></i>${tickLabel(Number(max.toPrecision(2)))}, weight of attention</p>`;
}

/**
 * Cases by several models, a row each: the image, then a group of pictures per model. On a narrow screen
 * groups wrap, so nothing shrinks below what can be read.
 */
import { type Html, joined, markup } from './html.js';
import { heading, picture } from './parts.js';

export interface CaseTile {
  /** PNG. */
  readonly png: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly alt: string;
  /** One short line below the picture. */
  readonly caption: string;
}

/** A case in one column: its pictures, or why there is none. */
export interface CaseGroup {
  readonly tiles: readonly (CaseTile | { readonly missing: string })[];
}

export interface CaseRow {
  /** The case's id, and remarks. */
  readonly heading: string;
  /** Above the row; null if nobody gave one. */
  readonly note: string | null;
  /** One per column. */
  readonly groups: readonly CaseGroup[];
}

/** The head of a column: the image, or a model. */
export interface CaseColumn {
  readonly title: string;
  /** E.g. the layer; one short line. */
  readonly about: string;
  /** Pictures of each row, missing ones included. */
  readonly tiles: number;
}

/** Red, green and blue in 0..255, with their meaning. */
export interface ColourKey {
  readonly colour: readonly [red: number, green: number, blue: number];
  readonly meaning: string;
}

/** For `page`. A row's pictures, all of one width, decide how wide a page may become. */
export function caseRowsStyle(columns: readonly CaseColumn[]): string {
  const pictures = columns.reduce((sum, { tiles }) => sum + tiles, 0);
  return (
    `body { max-width: max(68rem, ${(9.5 * pictures + 2).toFixed(1)}rem); }\n` +
    '.case { margin: 1.2rem 0; padding-top: .6rem; border-top: 1px solid var(--line); break-inside: avoid; } .case > :first-child { margin: 0; overflow-wrap: anywhere; }\n' +
    '.case .models { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: .5rem; }\n' +
    '.case .model { flex: var(--n) 1 calc(8.6rem * var(--n) - .6rem); max-width: calc(15.6rem * var(--n) - .6rem); min-width: 0; display: flex; flex-direction: column; justify-content: flex-end; }\n' +
    '.case .name { margin: 0; font-weight: 600; font-size: .9rem; overflow-wrap: anywhere; } .case .about { margin: 0 0 .25rem; font-size: .8rem; color: var(--faint); overflow-wrap: anywhere; }\n' +
    '.case .tiles { display: grid; grid-template-columns: repeat(var(--n), minmax(0, 1fr)); gap: .6rem; } .case figure { margin: 0; } .case figure img { width: 100%; }\n' +
    '.case figcaption, .case .missing { font-size: .8rem; margin: .2rem 0 0; font-variant-numeric: tabular-nums; } .case .missing { padding: .5rem; background: var(--soft); color: var(--faint); }\n' +
    '.colours { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; list-style: none; } .colours i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; border-radius: 2px; vertical-align: -.08em; print-color-adjust: exact; }\n'
  );
}

export function colourKey(keys: readonly ColourKey[]): Html {
  const items = keys.map(
    ({ colour, meaning }) =>
      markup`<li><i style="background: rgb(${colour.join(', ')})"></i>${meaning}</li>\n`,
  );
  return markup`<ul class="colours">\n${items}</ul>\n`;
}

/** The page needs `caseRowsStyle`. @param level of headings; 4 below another heading */
export function caseRows(columns: readonly CaseColumn[], rows: readonly CaseRow[], level: 3 | 4 = 3): Html {
  return joined(
    rows.map(({ heading: title, note, groups }) =>
      joined(
        markup`<article class="case">\n${heading(title, level)}`,
        note === null ? '' : markup`<p class="note">${note === '' ? '(empty note)' : note}</p>\n`,
        markup`<div class="models">\n`,
        columns.map((column, i) => columnOf(column, groups[i] ?? { tiles: [] })),
        markup`</div>\n</article>\n`,
      ),
    ),
  );
}

function columnOf({ title, about, tiles: n }: CaseColumn, { tiles }: CaseGroup): Html {
  return joined(
    markup`<div class="model" style="--n: ${n}"><p class="name">${title}</p>`,
    about === '' ? '' : markup`<p class="about">${about}</p>`,
    markup`<div class="tiles">\n`,
    tiles.map((tile) =>
      'missing' in tile
        ? markup`<p class="missing">${tile.missing}</p>\n`
        : picture(tile.png, { alt: tile.alt, caption: tile.caption }),
    ),
    markup`</div></div>\n`,
  );
}

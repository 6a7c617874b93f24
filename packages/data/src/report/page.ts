/**
 * A self-contained page, for screen, light or dark, and paper: its content security policy forbids scripts,
 * and nothing is fetched.
 */
import { type Content, type Html, joined, markup } from './html.js';
import { pageStyle } from './style.js';

export interface ReportSection {
  /** Unique in a page: a letter, then letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly html: Html;
}

export interface Page {
  readonly title: string;
  readonly subtitle?: Content;
  /** Before the sections. */
  readonly lead?: Html;
  /** Three or more get a table of contents. */
  readonly sections: readonly ReportSection[];
  /** "For research only; not for diagnosis." is always added. */
  readonly footer?: Content;
  /** CSS. */
  readonly style?: string;
}

export const PURPOSE = 'For research only; not for diagnosis.';
/** For the page's own style, and pictures as data. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const ID = /^[A-Za-z][A-Za-z0-9-]*$/;

/** @throws RangeError for a bad or repeated id, or a style that ends its element (the caller's mistakes) */
export function page({ title, subtitle, lead, sections, footer, style = '' }: Page): string {
  const ids = new Set<string>();
  for (const { id } of sections) {
    if (!ID.test(id))
      throw new RangeError(`section id: expected letters, digits and hyphens, got ${JSON.stringify(id)}`);
    if (ids.has(id)) throw new RangeError(`section id: ${id} occurs twice`);
    ids.add(id);
  }
  if (/<\//.test(style)) throw new RangeError('style: expected CSS without "</"');
  const contents =
    sections.length < 3
      ? ''
      : markup`<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>\n`;
  const body = joined(
    markup`<header>\n<h1>${title}</h1>\n`,
    subtitle === undefined ? '' : markup`<p class="subtitle">${subtitle}</p>\n`,
    markup`</header>\n<main>\n`,
    lead ?? '',
    contents,
    sections.map(
      ({ id, title, html: inner }) => markup`<section id="${id}">\n<h2>${title}</h2>\n${inner}</section>\n`,
    ),
    markup`</main>\n<footer>\n`,
    footer === undefined ? '' : markup`<p>${footer}</p>\n`,
    markup`<p>${PURPOSE}</p>\n</footer>\n`,
  );
  return (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
    markup`<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n`.toString() +
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
    markup`<title>${title}</title>\n`.toString() +
    `<style>\n${pageStyle}${style}</style>\n</head>\n<body>\n${body.toString()}</body>\n</html>\n`
  );
}

/** All text is escaped (`html.ts`). */
import { type Content, type Html, joined, markup } from './html.js';

export function heading(text: Content, level: 3 | 4 = 3): Html {
  return level === 3 ? markup`<h3>${text}</h3>\n` : markup`<h4>${text}</h4>\n`;
}

export function paragraph(...content: readonly Content[]): Html {
  return markup`<p>${content}</p>\n`;
}

/** Something that the reader must not miss. */
export function warning(...content: readonly Content[]): Html {
  return markup`<p class="warning" role="note">${content}</p>\n`;
}

export function list(items: readonly Content[]): Html {
  return markup`<ul>\n${items.map((item) => markup`<li>${item}</li>\n`)}</ul>\n`;
}

/** By default the first column is aligned left, the others, for figures, right. */
export interface Column {
  readonly title: Content;
  readonly align?: 'left' | 'right' | 'center';
}

/** Scrolls if too wide. @throws RangeError unless rows fit the columns (the caller's mistake) */
export function table(
  columns: readonly (Column | string)[],
  rows: readonly (readonly Content[])[],
  { caption }: { readonly caption?: Content } = {},
): Html {
  const at = rows.findIndex((row) => row.length !== columns.length);
  if (at >= 0)
    throw new RangeError(`row ${at + 1}: expected ${columns.length} cells, got ${rows[at]?.length ?? 0}`);
  const kinds = columns.map(
    (column, i) => (typeof column === 'string' ? undefined : column.align) ?? (i === 0 ? 'left' : 'right'),
  );
  const titles = columns.map((column) => (typeof column === 'string' ? column : column.title));
  const head = titles.map((title, i) => markup`<th scope="col" class="${kinds[i] ?? 'left'}">${title}</th>`);
  const body = rows.map(
    (row) =>
      markup`<tr>${row.map((cell, i) => markup`<td class="${kinds[i] ?? 'left'}">${cell}</td>`)}</tr>\n`,
  );
  return joined(
    markup`<div class="scroll"><table>\n`,
    caption === undefined ? '' : markup`<caption><div>${caption}</div></caption>\n`,
    markup`<thead><tr>${head}</tr></thead>\n<tbody>\n${body}</tbody>\n</table></div>\n`,
  );
}

export interface PictureOptions {
  readonly alt: string;
  readonly caption?: Content;
  /** CSS pixels; default its own, at most the page's. */
  readonly width?: number;
  /** Show enlarged pixels as squares; default smooth. */
  readonly pixelated?: boolean;
}

/** Embedded as an image, so nothing in it can reach the page; it needs its own background. */
export function figure(svg: string, options: PictureOptions): Html {
  return shown('image/svg+xml', Buffer.from(svg, 'utf8'), options);
}

/** @param png a file's bytes */
export function picture(png: Uint8Array, options: PictureOptions): Html {
  return shown('image/png', png, options);
}

/** Shows as many side by side as fit. */
export function gallery(...pictures: readonly Html[]): Html {
  return markup`<div class="gallery">\n${pictures}</div>\n`;
}

/** Opens on request. On paper it is as it was on screen. */
export function details(
  summary: Content,
  content: Content,
  { open = false }: { readonly open?: boolean } = {},
): Html {
  return open
    ? markup`<details open><summary>${summary}</summary>\n${content}</details>\n`
    : markup`<details><summary>${summary}</summary>\n${content}</details>\n`;
}

function shown(
  type: string,
  bytes: Uint8Array,
  { alt, caption, width, pixelated = false }: PictureOptions,
): Html {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const wide = width === undefined ? '' : markup` width="${width}"`;
  const look = pixelated ? markup` class="pixelated"` : '';
  return joined(
    markup`<figure><img src="data:${type};base64,${data}" alt="${alt}"${wide}${look}>`,
    caption === undefined ? '' : markup`<figcaption>${caption}</figcaption>`,
    markup`</figure>\n`,
  );
}

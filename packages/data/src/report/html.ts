/** HTML that is safe by construction: every string is escaped unless it is `Html` already. */

/** Make one by `markup` or `joined`; otherwise its safety is up to the caller. */
export class Html {
  constructor(private readonly source: string) {}

  toString(): string {
    return this.source;
  }
}

/** Strings are escaped, `Html` is not. */
export type Content = string | number | Html | readonly Content[];

/** Escapes for elements and quoted attributes. Control characters that HTML does not allow become blanks. */
export function escapeHtml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- HTML has no place for these characters, escaped or not
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, ' ')
      .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
  );
}

/**
 * Escapes strings and numbers in gaps, joins arrays. Quote attribute values. (Not called `html`, since
 * formatters rewrite such templates.)
 */
export function markup(pieces: TemplateStringsArray, ...gaps: readonly Content[]): Html {
  return new Html(pieces.reduce((out, piece, i) => out + rendered(gaps[i - 1] ?? '') + piece));
}

export function joined(...pieces: readonly Content[]): Html {
  return new Html(rendered(pieces));
}

function rendered(content: Content): string {
  if (content instanceof Html) return content.toString();
  if (typeof content === 'object') return content.map(rendered).join('');
  return escapeHtml(String(content));
}

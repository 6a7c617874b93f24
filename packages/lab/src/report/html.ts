/**
 * HTML that is safe by construction: text becomes HTML only by being escaped. `Html` marks what is HTML already; whatever takes
 * `Content` escapes strings and leaves `Html` as it is.
 */

/** A piece of HTML. `markup` and `joined` make it; whoever makes one otherwise answers for what is in it. */
export class Html {
  constructor(private readonly source: string) {}

  toString(): string {
    return this.source;
  }
}

/** Text, which is escaped, or HTML, which is not. */
export type Content = string | number | Html | readonly Content[];

/** Text as it stands in elements and in attributes in either kind of quotes. Control characters that HTML has no place for become blanks. */
export function escapeHtml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- HTML has no place for these characters, escaped or not
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, ' ')
      .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
  );
}

/** HTML with gaps (a tag that is not named `html`, since formatters rewrite what is): strings and numbers in them are escaped, arrays are joined. Attribute values must stand in quotes. */
export function markup(pieces: TemplateStringsArray, ...gaps: readonly Content[]): Html {
  return new Html(pieces.reduce((out, piece, i) => out + rendered(gaps[i - 1] ?? '') + piece));
}

/** Pieces one after the other. */
export function joined(...pieces: readonly Content[]): Html {
  return new Html(rendered(pieces));
}

function rendered(content: Content): string {
  if (content instanceof Html) return content.toString();
  if (typeof content === 'object') return content.map(rendered).join('');
  return escapeHtml(String(content));
}

/** The OpenAPI document as a page without scripts or external resources. */

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c);

type Tree = Readonly<Record<string, unknown>>;
const tree = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});
const word = (value: unknown): string => (typeof value === 'string' ? escape(value) : '');

/** No scripts, no other origin; the form posts to this server. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8888; }
details { margin: .5rem 0; } summary { cursor: pointer; }
code { font: 14px ui-monospace, monospace; }
b.method { display: inline-block; min-width: 3.5rem; }
dt { font-weight: 600; margin-top: .4rem; } dd { margin-left: 1.5rem; }
label { display: block; margin: .6rem 0; } textarea { width: 100%; box-sizing: border-box; }
`;

function properties(schema: Tree): string {
  const entries = Object.entries(tree(schema['properties']));
  if (entries.length === 0) return '';
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const rows = entries.map(([name, value]) => {
    const property = tree(value);
    const choices = Array.isArray(property['enum']) ? ` (${escape(property['enum'].join(', '))})` : '';
    const kind = `${word(property['type'])}${choices}${required.includes(name) ? ', required' : ''}`;
    const below = properties(property['type'] === 'array' ? tree(property['items']) : property);
    return `<dt><code>${escape(name)}</code> <small>${kind}</small></dt><dd>${word(property['description'])}${below}</dd>`;
  });
  return `<dl>${rows.join('')}</dl>`;
}

function contents(value: unknown): string {
  return Object.entries(tree(value))
    .map(([type, media]) => `<p><code>${escape(type)}</code></p>${properties(tree(tree(media)['schema']))}`)
    .join('');
}

function headers(value: unknown): string {
  const rows = Object.entries(tree(value)).map(([name, header]) => {
    const { description, schema } = tree(header);
    return `<dt><code>${escape(name)}</code> <small>header</small></dt><dd>${word(description ?? tree(schema)['description'])}</dd>`;
  });
  return rows.length === 0 ? '' : `<dl>${rows.join('')}</dl>`;
}

function operation(method: string, path: string, value: unknown): string {
  const op = tree(value);
  const parameters = (Array.isArray(op['parameters']) ? op['parameters'] : []).map((one: unknown) => {
    const parameter = tree(one);
    return `<dt><code>${word(parameter['name'])}</code> <small>in the ${word(parameter['in'])}</small></dt><dd>${word(parameter['description'])}</dd>`;
  });
  const responses = Object.entries(tree(op['responses'])).map(([status, one]) => {
    const answer = tree(one);
    const body = Number(status) < 300 ? headers(answer['headers']) + contents(answer['content']) : '';
    return `<dt>${escape(status)}</dt><dd>${word(answer['description'])}${body}</dd>`;
  });
  const body = contents(tree(op['requestBody'])['content']);
  return `<details><summary><b class="method">${escape(method.toUpperCase())}</b> <code>${escape(path)}</code> ${word(op['summary'])}</summary>
<p>${word(op['description'])}</p>
${parameters.length > 0 ? `<h4>Parameters</h4><dl>${parameters.join('')}</dl>` : ''}
${body === '' ? '' : `<h4>Body</h4>${body}`}
<h4>Responses</h4><dl>${responses.join('')}</dl></details>`;
}

function tagOf({ tags }: Tree): string {
  const first: unknown = Array.isArray(tags) ? tags[0] : undefined;
  return typeof first === 'string' ? first : 'other';
}

const FORM = `<h2>Try it</h2>
<form action="segment" method="post" enctype="multipart/form-data" target="_blank">
<label>Image (PNG, JPEG or TIFF) <input type="file" name="image" accept="image/png,image/jpeg,image/tiff" required></label>
<label>Note <textarea name="note" rows="2"></textarea></label>
<button>Segment</button></form>`;

/** @param form offer a form, which cannot send a token. */
export function renderPage(document: unknown, form: boolean): string {
  const info = tree(tree(document)['info']);
  const paths = Object.entries(tree(tree(document)['paths'])).flatMap(([path, methods]) =>
    Object.entries(tree(methods)).map(([method, op]) => ({
      tag: tagOf(tree(op)),
      html: operation(method, path, op),
    })),
  );
  const tags = [...new Set(paths.map(({ tag }) => tag))];
  const sections = tags.map(
    (tag) =>
      `<h2>${escape(tag)}</h2>${paths
        .filter((one) => one.tag === tag)
        .map(({ html }) => html)
        .join('\n')}`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${word(info['title'])}</title><style>${STYLE}</style></head>
<body><h1>${word(info['title'])}</h1><p>Version ${word(info['version'])}. ${word(info['description'])}</p>
<p>For programs: <a href="openapi.json"><code>openapi.json</code></a></p>
${form ? FORM : '<p>All routes require the header <code>Authorization: Bearer TOKEN</code>.</p>'}
${sections.join('\n')}
</body></html>
`;
}

/** Source files as pages with a number for each line, for those that the site's pages link to. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { SOURCE } from './stage.mjs';

const MARKED = new RegExp(`href="${SOURCE}([^"#]*)(#[^"]*)?"`, 'g');

/** Package entries have a page of their own in the API. */
const ENTRY = /^packages\/(\w+)\/src\/index\.ts$/;

/**
 * Gives marked links their address, and writes the pages that they lead to.
 *
 * @param {string} root of the repository
 * @param {string} out folder of the site
 */
export function writeSources(root, out) {
  const wanted = new Set();
  for (const path of htmlFiles(out)) {
    const html = readFileSync(join(out, path), 'utf8');
    const resolved = html.replace(MARKED, (_, target, anchor = '') => {
      const file = decodeURI(target);
      const entry = ENTRY.exec(file)?.[1];
      const api = entry === undefined ? null : `api/${entry}.html`;
      if (api !== null && anchor === '' && existsSync(join(out, api))) return `href="${between(path, api)}"`;
      wanted.add(file);
      return `href="${between(path, pageOf(file))}${anchor}"`;
    });
    if (resolved !== html) writeFileSync(join(out, path), resolved);
  }
  for (const file of wanted) {
    if (!existsSync(join(root, file))) continue; // the check of links names it
    const page = pageOf(file);
    mkdirSync(dirname(join(out, page)), { recursive: true });
    writeFileSync(join(out, page), statSync(join(root, file)).isDirectory() ? folderPage(root, file) : sourcePage(root, file)); // prettier-ignore
    if (statSync(join(root, file)).isDirectory())
      for (const name of filesIn(root, file))
        writeFileSync(join(out, dirname(page), `${name}.html`), sourcePage(root, `${file}/${name}`));
  }
}

/** HTML files of a folder and below, from it, with slashes. */
export function htmlFiles(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => name.replaceAll('\\', '/'));
}

const pageOf = (file) =>
  posix.extname(file) === '' && file !== 'LICENSE' ? `source/${file}/index.html` : `source/${file}.html`;
const between = (from, to) => posix.relative(posix.dirname(from), to);
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Names of a folder's own files that can be shown. */
function filesIn(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.(?:ts|mjs|json|html|css|md|yaml|toml|sh)$|^Dockerfile$/.test(entry.name),
    )
    .map(({ name }) => name)
    .sort();
}

function folderPage(root, folder) {
  const items = filesIn(root, folder).map(
    (name) => `<li><a href="${encodeURI(name)}.html">${escape(name)}</a></li>`,
  );
  return page(folder, `source/${folder}/index.html`, `<ul>${items.join('\n')}</ul>`);
}

function sourcePage(root, file) {
  const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n');
  const rows = lines.map((line, index) => `<span id="L${index + 1}">${escape(line)}</span>`);
  return page(file, pageOf(file), `<pre>${rows.join('\n')}\n</pre>`);
}

function page(title, at, body) {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)} | RecLMIS</title>
<style>
:root { color-scheme: light dark; --line: #888; --mark: #fff3bf; }
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; --mark: #4a3f00; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --mark: #4a3f00; } }
body { margin: 0 auto; padding: 0.5rem 1rem; max-width: 75rem; font-family: sans-serif; }
h1 { font-size: 1.1rem; overflow-wrap: anywhere; }
pre { overflow-x: auto; counter-reset: line; font-size: 0.85rem; line-height: 1.45; }
pre span { counter-increment: line; display: inline-block; min-width: 100%; scroll-margin-top: 3rem; }
pre span::before { content: counter(line); display: inline-block; width: 3em; margin-right: 1em; text-align: right; color: var(--line); }
pre span:target { background: var(--mark); }
</style>
<script>const theme = localStorage.getItem("tsd-theme"); if (theme && theme !== "os") document.documentElement.dataset.theme = theme;</script>
</head><body><p><a href="${between(at, 'index.html')}">RecLMIS</a></p><h1>${escape(title)}</h1>
${body}
</body></html>
`;
}

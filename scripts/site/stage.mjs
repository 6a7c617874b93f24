/** Copies the Markdown pages to a folder, as TypeDoc wants them: with title and group in front, and links to sources marked. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, normalize, relative } from 'node:path';
import { flowchart } from './flowchart.mjs';

/** In links, for a path from the repository's root; `writeSources` turns it into an address. */
export const SOURCE = 'source:/';

/** Groups of the navigation, in their order; the index of the documentation has a heading for each of the first. */
export const GROUPS = ['Guides', 'Reference', 'Measurements', 'How it works', 'Project', 'API'];

const PICTURES = new Set(['.png', '.svg', '.jpg', '.gif']);

/** @typedef {{ path: string, title: string, group: string }} PageInfo */

/**
 * @param {string} root of the repository
 * @param {string} stage an empty folder
 * @returns {PageInfo[]} in the order of the navigation
 */
export function stagePages(root, stage) {
  cpSync(join(root, 'docs/images'), join(stage, 'docs/images'), { recursive: true });
  const tracked = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && path !== 'README.md' && existsSync(join(root, path)));
  const listed = listedPages(root);
  const others = tracked.filter((path) => !listed.some((page) => page.path === path));
  const pages = [
    ...listed,
    ...others.map((path) => ({ path, title: titleOf(root, path), group: 'Project' })),
  ];
  const known = new Set(['README.md', ...pages.map(({ path }) => path)]);
  for (const page of [{ path: 'README.md', title: '', group: '' }, ...pages]) {
    const text = transform(readFileSync(join(root, page.path), 'utf8'), page.path, root, stage, known);
    const { path, title, group } = page;
    const front =
      title === ''
        ? ''
        : `---\ntitle: '${title.replaceAll("'", "''")}'\ngroup: ${group}\npath: ${path}\n---\n\n`;
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    writeFileSync(join(stage, path), front + text);
  }
  return pages;
}

/** The pages that the index of the documentation names, under its headings. */
function listedPages(root) {
  const path = 'docs/README.md';
  const pages = [{ path, title: 'All pages', group: 'Guides' }];
  let group = 'Guides';
  for (const line of readFileSync(join(root, path), 'utf8').split('\n')) {
    group = /^## (.+)$/.exec(line)?.[1] ?? group;
    const links = group === 'How it works' ? line.matchAll(/\[([^\]]+)\]\(([\w/.-]+\.md)\)/g) : line.matchAll(/^\| \[([^\]]+)\]\(([\w/.-]+\.md)\)/g); // prettier-ignore
    for (const [, title, target] of links) pages.push({ path: `docs/${target}`, title, group });
  }
  return pages;
}

/** First heading of a page; the packages' pages are named by their folder. */
function titleOf(root, path) {
  const heading = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8'))?.[1] ?? path;
  return heading.replaceAll('`', '');
}

function transform(text, path, root, stage, known) {
  const here = dirname(path);
  let drawings = 0;
  const drawn = text.replace(/```mermaid\n([\s\S]*?)```/g, (_, source) => {
    const name = `${path.replaceAll('/', '-')}-${(drawings += 1)}.svg`;
    const file = join('docs/images', name);
    writeFileSync(join(stage, file), flowchart(source));
    return `![Drawing: what reads what](${relative(here, file)})`;
  });
  let open = false;
  return drawn
    .split('\n')
    .map((line) => {
      if (/^\s*```/.test(line)) {
        open = !open;
        return open ? line.replace(/```$/, '```text') : line; // else TypeDoc colours it as TypeScript
      }
      if (open) return line;
      return line
        .replace(/\]\(([^()\s:#]+)(#[^()\s]*)?\)/g, (link, target) => {
          const file = normalize(join(here, target)).replace(/\/$/, '');
          if (known.has(file) || PICTURES.has(extname(file)) || !existsSync(join(root, file))) return link;
          const readme = `${file}/README.md`;
          if (known.has(readme)) return `](${relative(here, readme)})`;
          return `](${SOURCE}${file})`;
        })
        .replace(/(?<![[\w`])`((?:packages|scripts|tests|configs|examples|deploy|golden|bench)\/[\w./-]+)`(?!\])/g, (span, file) =>
          existsSync(join(root, file)) && statSync(join(root, file)).isFile() ? `[${span}](${SOURCE}${file})` : span,
        ); // prettier-ignore
    })
    .join('\n');
}

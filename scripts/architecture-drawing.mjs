// Draws packages and lab's folders with their imports for docs/architecture.md, as Mermaid, from the sources,
// without arrows that follow from others. Run by check-generated.mjs.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, importsOf, isTest, roomOf, sourcesOf, targetOf } from './imports.mjs';

const PAGE = 'docs/architecture.md';
const SCOPE = '@reclmis/';
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function packages() {
  const edges = new Map();
  for (const name of readdirSync(resolve(root, 'packages')).sort())
    for (const file of sourcesOf(root, name).filter((path) => !isTest(path)))
      for (const { specifier } of importsOf(file))
        if (specifier.startsWith(SCOPE)) connect(edges, name, specifier.slice(SCOPE.length).split('/')[0]);
  return edges;
}

function folders(name) {
  const edges = new Map();
  for (const file of sourcesOf(root, name).filter((path) => !isTest(path))) {
    const room = roomOf(root, name, file);
    for (const { specifier } of importsOf(file)) {
      const other = specifier.startsWith('.') ? roomOf(root, name, targetOf(file, specifier)) : room;
      if (other !== room && !room.endsWith('.ts') && !other.endsWith('.ts')) connect(edges, room, other);
    }
  }
  return edges;
}

/** The transitive reduction of a graph without circles. */
function reduced(edges) {
  const reaches = (from, to, seen = new Set()) =>
    [...(edges.get(from) ?? [])].some(
      (next) => next === to || (!seen.has(next) && (seen.add(next), reaches(next, to, seen))),
    );
  return [...edges].flatMap(([from, all]) =>
    [...all]
      .filter((to) => ![...all].some((other) => other !== to && reaches(other, to)))
      .map((to) => [from, to]),
  );
}

function drawing(edges) {
  const lines = reduced(edges)
    .map(([from, to]) => `  ${from} --> ${to}`)
    .sort();
  return ['```mermaid', 'flowchart TD', ...lines, '```'].join('\n');
}

export function outputs() {
  let text = readFileSync(resolve(root, PAGE), 'utf8');
  for (const [name, edges] of [
    ['packages', packages()],
    ['lab', folders('lab')],
  ]) {
    const [begin, end] = [`<!-- generated: ${name} -->`, '<!-- end -->'];
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${PAGE}: lacks ${begin} ... ${end}`);
    text = `${text.slice(0, from + begin.length)}\n\n${drawing(edges)}\n\n${text.slice(to)}`;
  }
  return [[PAGE, text]];
}

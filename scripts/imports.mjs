// Reads the imports of packages/*/src.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

export const isTest = (file) =>
  /(\.test|[\\/]testing)\.tsx?$/.test(file) || file.includes(`${sep}testing${sep}`);

export function sourcesOf(root, name) {
  const src = join(root, 'packages', name, 'src');
  if (!existsSync(src)) return [];
  return readdirSync(src, { recursive: true })
    .map(String)
    .filter((entry) => /\.m?tsx?$/.test(entry) && !entry.endsWith('.d.ts'))
    .sort()
    .map((entry) => join(src, entry));
}

/** Imports as [{ specifier, line }], including types and dynamic ones. */
export function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    specifier: fileName,
    line: text.slice(0, pos).split('\n').length,
  }));
}

export function targetOf(file, specifier) {
  const stem = resolve(dirname(file), specifier).replace(/\.js$/, '');
  return existsSync(`${stem}.tsx`) ? `${stem}.tsx` : `${stem}.ts`;
}

/** @returns the folder of `src` that holds a file, or the name of a file in `src` itself */
export function roomOf(root, name, file) {
  const [first = '', second] = relative(join(root, 'packages', name, 'src'), file).split(sep);
  return second === undefined ? `${first.replace(/\.tsx?$/, '')}.ts` : first;
}

/** Groups of nodes that reach each other (Tarjan, 1972). @param edges Map from node to a Set of nodes */
export function circles(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return found;
}

export function connect(edges, from, to) {
  if (!edges.has(from)) edges.set(from, new Set());
  edges.get(from).add(to);
}

// Compares generated files with their rendering; `--write` writes instead. Generators export `outputs()`:
// [path, text] pairs; null text if this machine cannot produce it (operators need libtorch 1.13).
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const GENERATORS = [
  './architecture-drawing.mjs',
  './errors-doc.mjs',
  './operators.mjs',
  './reference-doc.mjs',
  './version.mjs',
];
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const write = process.argv.includes('--write');

let stale = 0;
const outputs = (await Promise.all(GENERATORS.map(async (path) => (await import(path)).outputs()))).flat();
for (const [target, text] of outputs) {
  const path = resolve(root, target);
  if (text === null) {
    console.log(`skipped    ${target}: the linked libtorch is not the one that it is generated from (1.13)`);
    continue;
  }
  const current = existsSync(path) ? readFileSync(path, 'utf8') : null;
  if (current === text) {
    console.log(`up to date ${target}`);
  } else if (write) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
    console.log(`written    ${target}`);
  } else {
    stale += 1;
    console.error(`stale      ${target}: ${current === null ? 'missing' : firstDifference(current, text)}`);
  }
}
if (stale > 0) {
  console.error('Run `npm run generate` and commit the result.');
  process.exitCode = 1;
}

function firstDifference(current, wanted) {
  const a = current.split('\n');
  const b = wanted.split('\n');
  const line = b.findIndex((text, i) => text !== a[i]);
  const at = line < 0 ? b.length : line;
  return `line ${at + 1} is ${JSON.stringify(a[at] ?? '')}, generated ${JSON.stringify(b[at] ?? '')}`;
}

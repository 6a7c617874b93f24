// Checks every import in packages/*/src against the tables of docs/architecture.md; prints every offence.
//   node scripts/check-boundaries.mjs [--root DIR]
//   1. A package imports only the packages in its row, by their public entry points (tests also by `/testing`).
//   2. A package whose row says "no `node:`" (core) imports only its own files and BROWSER_SAFE packages.
//   3. A relative import stays inside its package's src.
//   4. An outside package is a dependency in its package.json (for tests, or the root's devDependencies; a package whose
//      row says "bundled" (studio) ships none, so its own devDependencies count).
//   5. Only packages/files/src/sharp-engine.ts (and unit tests next to it) imports sharp: one decoder, one limit.
//   6. A folder with a row (`lab/train`) imports only the folders in that row.
//   7. Neither files nor folders import each other in a circle. 6 and 7 exclude tests.
//   8. A command's file and a component have at most 200 lines, any other source 400; tests and generated files have no limit.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  circles,
  connect,
  importsOf,
  isTest as isTestFile,
  roomOf,
  sourcesOf,
  targetOf,
} from './imports.mjs';

const SCOPE = '@reclmis/';
/** Several files as one: the generated operators are methods of Tensor and return Tensors. */
const ONE_THING = new Set([
  'packages/torch/src/generated/functions.ts -> packages/torch/src/tensor.ts',
  'packages/torch/src/generated/methods.ts -> packages/torch/src/tensor.ts',
  'packages/torch/src/invoke.ts -> packages/torch/src/tensor.ts',
]);
const ONLY = { sharp: 'packages/files/src/sharp-engine.ts' };
/** Have no dependencies, `node:` or DOM (sax does without Node's stream); review before adding one. */
const BROWSER_SAFE = new Set(['csv-parse', 'entities', 'fflate', 'sax', 'zod']);

/**
 * The tables of docs/architecture.md: `rows`, package -> { allowed: names it may import, pure: browser-safe
 * }, and `folders`, such as `lab/train` -> the folders it may import.
 */
function readTables(root) {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const rows = new Map();
  const folders = new Map();
  for (const line of text.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const folder = /^`(\w+\/[\w-]+)`$/.exec(cells[1] ?? '')?.[1];
    if (folder && !folder.startsWith('packages/'))
      folders.set(folder, cells[3] === 'nothing' ? [] : (cells[3] ?? '').split(', '));
    const name = /^`packages\/(\w+)`$/.exec(cells[1] ?? '')?.[1];
    if (!name) continue;
    const may = cells[3] ?? '';
    const pure = may.includes('no `node:`');
    const bundled = may.includes('(bundled)');
    const allowed = may.startsWith('nothing')
      ? []
      : may
          .replace(' (bundled)', '')
          .split(',')
          .map((word) => word.trim());
    rows.set(name, { allowed, pure, bundled });
  }
  if (rows.size === 0) throw new Error('docs/architecture.md holds no import table');
  for (const [name, row] of rows) {
    const unknown = row.allowed.filter((other) => !rows.has(other));
    if (unknown.length > 0)
      throw new Error(`row ${name} of the import table names unknown packages: ${unknown}`);
  }
  return { rows, folders };
}

const packageName = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
const dependencies = (file, fields) => {
  const json = JSON.parse(readFileSync(file, 'utf8'));
  return fields.flatMap((field) => Object.keys(json[field] ?? {}));
};

/** Lines that a source may have, a command's file, which holds flags, help and the call, and a component. */
const MOST_LINES = 400;
const MOST_LINES_OF_COMMAND = 200;
const MOST_LINES_OF_COMPONENT = 200;
/** Longer ones that still wait for their seam, with the lines that they may have until then; none is to be added. */
const LONGER = new Map([
  ['packages/core/src/errors.ts', 760], // a catalogue
  ['packages/lab/src/train/train.ts', 440],
  ['packages/lab/src/model/peers/tganet.ts', 447],
  ['packages/lab/src/parity/peer.ts', 405],
  ['packages/runtime/src/model.ts', 445],
  ['packages/torch/src/archive/pickle-reader.ts', 415],
]);

/** Public besides the packages' main entries. */
const ENTRIES = new Set([`${SCOPE}core/essentials`]);

/** Why a file is too long, or null. */
function tooLong(path, file) {
  if (isTestFile(file) || path.includes('/generated/') || path.includes('/testing/')) return null;
  const isCommand = path.startsWith('packages/cli/src/commands/');
  const usual = path.endsWith('.tsx') ? MOST_LINES_OF_COMPONENT : MOST_LINES;
  const most = LONGER.get(path) ?? (isCommand ? MOST_LINES_OF_COMMAND : usual);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').length;
  return lines <= most ? null : `has ${lines} lines, expected at most ${most}: look for the seam`;
}

/** @returns why `file` of package `name` may not import `specifier`, or null */
function offence(root, file, name, row, known, specifier) {
  const isTest = isTestFile(file);
  const src = join(root, 'packages', name, 'src');
  if (specifier.startsWith('.')) {
    const target = resolve(dirname(file), specifier);
    return target.startsWith(src + sep) ? null : `leaves packages/${name}/src`;
  }
  const outside = packageName(specifier);
  const owner = ONLY[outside];
  if (owner && file !== join(root, owner) && !(isTest && dirname(file) === dirname(join(root, owner))))
    return `only ${owner} may`;
  if (specifier.startsWith(SCOPE)) {
    const other = outside.slice(SCOPE.length);
    if (specifier !== outside && !ENTRIES.has(specifier) && !(isTest && specifier === `${outside}/testing`))
      return `not a public entry point of packages/${other}`;
    return row.allowed.includes(other)
      ? null
      : `packages/${name} may import: ${row.allowed.join(', ') || 'nothing internal'}`;
  }
  const isNode = specifier.startsWith('node:') || builtinModules.includes(outside);
  if (row.pure && !isTest && !BROWSER_SAFE.has(outside))
    return `packages/${name} imports its own files only (browser-safe)`;
  if (isNode) return specifier.startsWith('node:') ? null : `write node:${specifier}`;
  if (known.own.has(outside) || (isTest && known.dev.has(outside))) return null;
  return `not a dependency in packages/${name}/package.json`;
}

/** @returns every offence, a line each, and the number of files */
export function checkBoundaries(root) {
  const offences = [];
  let files = 0;
  const { rows, folders } = readTables(root);
  const dev = new Set(
    existsSync(join(root, 'package.json'))
      ? dependencies(join(root, 'package.json'), ['devDependencies'])
      : [],
  );
  for (const name of readdirSync(join(root, 'packages')).sort()) {
    const src = join(root, 'packages', name, 'src');
    if (!existsSync(src)) continue;
    const row = rows.get(name);
    if (!row) {
      offences.push(`packages/${name}: has no row in the import table of docs/architecture.md`);
      continue;
    }
    const fields = row.bundled ? ['dependencies', 'devDependencies'] : ['dependencies', 'peerDependencies'];
    const own = new Set(dependencies(join(root, 'packages', name, 'package.json'), fields));
    const hasRooms = [...folders.keys()].some((folder) => folder.startsWith(`${name}/`));
    const fileEdges = new Map();
    const roomEdges = new Map();
    for (const file of sourcesOf(root, name)) {
      files += 1;
      const length = tooLong(relative(root, file).split(sep).join('/'), file);
      if (length) offences.push(`${relative(root, file)}: ${length}`);
      const room = roomOf(root, name, file);
      const mayImport = folders.get(`${name}/${room}`);
      if (hasRooms && !mayImport && !room.endsWith('.ts') && !isTestFile(file))
        offences.push(`${relative(root, file)}: its folder has no row in the table of docs/architecture.md`);
      for (const { specifier, line } of importsOf(file)) {
        const report = (reason) =>
          offences.push(`${relative(root, file)}:${line}: imports '${specifier}': ${reason}`);
        const reason = offence(root, file, name, row, { own, dev }, specifier);
        if (reason) report(reason);
        if (reason || isTestFile(file) || !specifier.startsWith('.')) continue;
        const target = targetOf(file, specifier);
        if (ONE_THING.has(`${relative(root, file)} -> ${relative(root, target)}`)) continue;
        connect(fileEdges, relative(root, file), relative(root, target));
        const other = roomOf(root, name, target);
        if (other === room) continue;
        connect(roomEdges, room, other);
        if (mayImport && !other.endsWith('.ts') && !mayImport.includes(other))
          report(`${name}/${room} may import: ${mayImport.join(', ') || 'no other folder'}`);
      }
    }
    const ofFolders = circles(roomEdges).filter((group) => group.some((room) => !room.endsWith('.ts')));
    for (const group of [...circles(fileEdges), ...ofFolders])
      offences.push(`packages/${name}: a circle of imports: ${group.join(', ')}`);
  }
  return { files, offences };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = process.argv.indexOf('--root');
  const root =
    flag >= 0
      ? resolve(process.argv[flag + 1] ?? '.')
      : resolve(dirname(fileURLToPath(import.meta.url)), '..');
  const { files, offences } = checkBoundaries(root);
  for (const text of offences) console.error(text);
  if (offences.length > 0) process.exitCode = 1;
  console.log(`boundaries: ${files} files, ${offences.length} offences`);
}

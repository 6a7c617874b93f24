// Checks the packages as npm publishes them: publint, "are the types wrong?", LICENSE, README, no tests, and sizes against
// the budgets of docs/measurements/size.md; `--write` writes its table. It needs no network: the sizes of others are those
// of node_modules, which the lockfile states.
import { createPackageFromTarballData, checkPackage } from '@arethetypeswrong/core';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll, packages } from './packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(root, 'docs/measurements/size.md');
const HERE = `${process.platform}-${process.arch}`;
/** attw’s complaint about CommonJS callers: from Node 20.19 on, `require` loads ES modules too. */
const IGNORED = new Set(['cjs-resolves-to-esm', 'no-resolution-node10']);
const MB = 1e6;

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Bytes of the files in a folder, without the packages within it. */
function bytesOf(folder) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += bytesOf(path);
    else if (entry.isFile()) sum += statSync(path).size;
  }
  return sum;
}

/** As Node looks for packages. */
function folderOf(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return null;
  }
}

/** What an installation of one of our packages holds: folder or name -> bytes. */
function installationOf(name, ours, found = new Map()) {
  if (found.has(name)) return found;
  const { folder, files, manifest } = ours.get(name);
  found.set(
    name,
    files.reduce((sum, { size }) => sum + size, 0),
  );
  if (name === '@reclmis/onnxruntime') {
    const source = join(root, 'node_modules/onnxruntime-node');
    found.set(
      `${name}-${HERE}`,
      bytesOf(join(source, 'bin/napi-v6', ...HERE.split('-'))) + bytesOf(join(source, 'dist')),
    );
  }
  const needed = (from, dependency, optional) => {
    if (ours.has(dependency)) return void installationOf(dependency, ours, found);
    const at = folderOf(from, dependency);
    if (at === null) {
      if (optional) return; // of another platform
      throw new Error(`${dependency} is not installed: run \`npm run setup\``);
    }
    if (found.has(at)) return;
    found.set(at, bytesOf(at));
    const { dependencies = {}, optionalDependencies = {} } = readJson(join(at, 'package.json'));
    for (const other of Object.keys(dependencies)) needed(at, other, other in optionalDependencies);
    for (const other of Object.keys(optionalDependencies)) needed(at, other, true);
  };
  for (const dependency of Object.keys(manifest.dependencies ?? {})) needed(folder, dependency, false);
  return found;
}

/** Budgets of the page in MB, by package. */
function budgets(page) {
  const rows = [...page.matchAll(/^\| `([^`]+)`\s*\|[^|]*\|[^|]*\|[^|]*\|\s*([\d.]+)\s*\|$/gm)];
  return new Map(rows.map(([, name, budget]) => [name, Number(budget)]));
}

const ours = new Map(packages().map((one) => [one.name, one]));
const scratch = mkdtempSync(join(tmpdir(), 'reclmis-packages-'));
const offences = [];
try {
  const archives = packAll(scratch, { platforms: [] });
  const page = readFileSync(PAGE, 'utf8');
  const budget = budgets(page);
  const rows = [];
  for (const [i, archive] of archives.entries()) {
    const [name, { files, manifest }] = [...ours][i];
    const data = readFileSync(archive);
    const { messages } = await publint({
      pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) },
      strict: true,
    });
    for (const message of messages)
      offences.push(`${name}: publint: ${formatMessage(message, manifest, { color: false })}`);
    const { types, problems = [] } = await checkPackage(createPackageFromTarballData(data));
    if (types === false) offences.push(`${name}: attw: ships no types`);
    for (const { kind, ...about } of problems.filter((one) => !IGNORED.has(resolutionOf(one))))
      offences.push(`${name}: attw: ${kind} ${JSON.stringify(about).slice(0, 200)}`);
    const paths = files.map(({ path }) => path);
    for (const needed of ['LICENSE', 'README.md'])
      if (!paths.includes(needed)) offences.push(`${name}: has no ${needed}`);
    for (const path of paths)
      if (/\.test\.|(?:^|\/)testing(?:\/|\.)/.test(path)) offences.push(`${name}: ships ${path}`);
    for (const field of [
      'repository',
      'homepage',
      'keywords',
      'engines',
      'sideEffects',
      'license',
      'description',
    ])
      if (manifest[field] === undefined) offences.push(`${name}: states no ${field}`);
    if (manifest.publishConfig?.provenance !== true || manifest.publishConfig.access !== 'public')
      offences.push(`${name}: publishConfig: expected access public with provenance`);
    const installed = [...installationOf(name, ours).values()].reduce((sum, bytes) => sum + bytes, 0);
    const most = budget.get(name);
    if (most === undefined) offences.push(`${name}: has no budget in docs/measurements/size.md`);
    else if (installed > most * MB)
      offences.push(
        `${name}: takes ${(installed / MB).toFixed(1)} MB installed, more than its budget of ${most} MB (docs/measurements/size.md)`,
      );
    const own = gunzipSync(data).length;
    rows.push(
      `| \`${name}\` | ${(data.length / MB).toFixed(2)} | ${(own / MB).toFixed(1)} | ${(installed / MB).toFixed(0)} | ${most ?? '?'} |`,
    );
  }
  if (process.argv.includes('--write')) {
    const table = [
      '| package | archive, MB | unpacked, MB | installed with all it needs, MB | budget, MB |',
      '| --- | ---: | ---: | ---: | ---: |',
      ...rows,
    ].join('\n');
    writeFileSync(
      PAGE,
      page.replace(
        /(<!-- sizes -->\n)[^]*?(\n<!-- end -->)/,
        (_, begin, end) => `${begin}\n${table}\n${end}`,
      ),
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const text of offences) console.error(text);
if (offences.length > 0) process.exitCode = 1;
console.log(`packages: ${ours.size} packages, ${offences.length} offences`);

/** What attw calls a problem of a way to resolve that these packages do not offer: node10, and CommonJS. */
function resolutionOf({ kind, resolutionKind }) {
  if (kind === 'NoResolution' && resolutionKind === 'node10') return 'no-resolution-node10';
  return kind === 'CJSResolvesToESM' ? 'cjs-resolves-to-esm' : kind;
}

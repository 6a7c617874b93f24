// Runs the tests of the packages that need no libtorch (core, files, predict, runtime, server) on the oldest Node that package.json states and on the newest
// that there is, each from the npm package `node`. Part of .ci/run; `npm run test:nodes`, or `node scripts/test-nodes.mjs 24` for other versions.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const oldest = /\d+\.\d+\.\d+/.exec(engines.node)?.[0]; // the ranges are in ascending order
const versions = process.argv.length > 2 ? process.argv.slice(2) : [oldest, 'latest'];
const tests = ['core', 'files', 'predict', 'runtime', 'server'].map((name) => `packages/${name}/dist`);

/** What a command of npm prints. Run outside the repository: in it, npx may give the Node that runs. */
function ask(command, args) {
  try {
    return execFileSync(command, args, {
      cwd: tmpdir(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  } catch {
    console.error(`nodes: ${command} ${args.join(' ')} failed, see above: is the registry reachable?`);
    process.exit(1);
  }
}

/** The program of an exact version, which npm downloads (50 MB) and keeps in its cache. */
function nodeOf(version) {
  const node = ask('npx', ['--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath']);
  const actual = ask(node, ['--version']);
  if (actual === `v${version}`) return node;
  console.error(
    `nodes: asked npm for node@${version}, got ${actual} (${node}): an install that was cut off may lie in npm's cache; remove the folder _npx there`,
  );
  process.exit(1);
}

const ascending = (a, b) => a.localeCompare(b, 'en', { numeric: true });
const failed = [];
for (const wanted of versions) {
  const version = JSON.parse(ask('npm', ['view', `node@${wanted}`, 'version', '--json']));
  const newest = Array.isArray(version) ? version.sort(ascending).at(-1) : version; // of a series such as 24
  const node = nodeOf(newest);
  const started = Date.now();
  console.log(
    `nodes: ${tests.join(' ')} on Node ${newest}${newest === oldest ? ', the oldest that package.json states' : ''}`,
  );
  const { status, signal } = spawnSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
    cwd: root,
    stdio: 'inherit',
  });
  const passed = status === 0;
  if (!passed) failed.push(newest);
  console.log(
    `nodes: ${passed ? 'passed' : `FAILED (${signal ?? `status ${status}`})`} on Node ${newest}, ${Math.round((Date.now() - started) / 1000)} s`,
  );
}
if (failed.length > 0) {
  console.error(`nodes: failed on ${failed.join(' and ')}`);
  process.exit(1);
}

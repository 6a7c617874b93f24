/** `reclmis doctor`: what it finds, how it fails, and that a report names nobody. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { VERSION } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { judgeMachine, judgePackages } from './doctor/examine.js';
import { parseCards } from './doctor/machine.js';
import { personal, redact } from './doctor/redact.js';
import { PROBES } from './doctor/probes.js';
import { selfTest } from './doctor/self-test.js';
import { settingsOf, shownValue, unknownSettings, VARIABLES } from './doctor/settings.js';
import { BIN } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-doctor-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Report {
  readonly version: string;
  readonly packages: readonly { readonly name: string; readonly version: string | null }[];
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  readonly unknownSettings: number;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly detail: string }[];
}

const PLANTED = 'zeldaquux';

/** As a user, host and folders with planted names, and without the packages that train. */
function asStranger(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const home = join(root, `${PLANTED} von und`);
  const folders = ['work', 'cache', 'tmp'].map((name) => join(home, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const [work = '', cache = '', temporary = ''] = folders;
  const hooks = join(root, 'hooks.mjs');
  writeFileSync(
    hooks,
    `export const resolve = (name, context, next) => {
      if (!/^@reclmis\\/(torch|lab|export)$/.test(name)) return next(name, context);
      throw Object.assign(new Error("Cannot find package '" + name + "' imported from ${PLANTED}"), { code: 'ERR_MODULE_NOT_FOUND' });
    };`,
  );
  const register = join(root, 'register.mjs');
  writeFileSync(
    register,
    `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(hooks).href)});`,
  );
  return spawnSync(process.execPath, [BIN, 'doctor', ...args], {
    cwd: work,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      USER: PLANTED,
      LOGNAME: PLANTED,
      HOSTNAME: `${PLANTED}-laptop`,
      TMPDIR: temporary,
      RECLMIS_HOME: cache,
      RECLMIS_PACS_TOKEN: `${PLANTED}-secret`,
      RECLMIS_WEIGHTS_URL: `https://${PLANTED}:secret@mirror.example/`,
      [`RECLMIS_${PLANTED.toUpperCase()}`]: PLANTED,
      OMP_NUM_THREADS: '2',
      NODE_OPTIONS: `--import=${pathToFileURL(register).href}`,
    },
  });
}

describe('a machine without the packages that train', () => {
  it('passes, and its report names no user, host, folder or secret', () => {
    const { status, stdout, stderr } = asStranger('--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(stdout) as Report;
    expect(report.version).toBe(VERSION);
    expect(Object.fromEntries(report.checks.map(({ name, state }) => [name, state]))).toMatchObject({
      packages: 'ok',
      'temporary folder': 'ok',
      pictures: 'ok',
      onnxruntime: 'ok',
      libtorch: 'absent',
      settings: 'warning',
    });
    expect(report.packages.find(({ name }) => name === '@reclmis/runtime')?.version).toBe(VERSION);
    expect(report.packages.find(({ name }) => name === 'onnxruntime-common')?.version).toMatch(
      /^\d+\.\d+\.\d+$/,
    );
    expect(report.settings).toContainEqual({ name: 'OMP_NUM_THREADS', value: '2' });
    expect(report.settings).toContainEqual({ name: 'RECLMIS_PACS_TOKEN', value: 'set' });
    expect(report.unknownSettings).toBe(1);
    expect(stdout.toLowerCase()).not.toContain(PLANTED);
    expect(stdout).not.toContain('secret');
    expect(stdout).not.toContain(root);
    expect(stdout).not.toContain(tmpdir());
    expect(stdout).not.toContain(hostname());
    if (userInfo().username !== 'root') expect(stdout).not.toContain(userInfo().username);
  });

  it('tells a terminal its paths and slips, but no secret, in 80 columns', () => {
    const { status, stdout } = asStranger();
    expect(status).toBe(0);
    expect(stdout).toMatch(/libtorch +not installed/);
    expect(stdout).toContain(`RECLMIS_${PLANTED.toUpperCase()}`);
    expect(stdout).not.toContain('secret');
    const long = stdout.split('\n').filter((line) => line.length > 80 && !line.includes(root));
    expect(long).toEqual([]);
  });
});

describe('a probe', () => {
  const script = (text: string): URL => {
    const path = join(root, `probe-${Math.random()}.mjs`);
    writeFileSync(path, text);
    return pathToFileURL(path);
  };

  it('that native code ends is a failed check with a remedy', async () => {
    const checks = await selfTest({ process: script('process.kill(process.pid, "SIGILL");') });
    expect(checks.map(({ name }) => name)).toEqual(Object.keys(PROBES));
    for (const { state, detail, remedy } of checks) {
      expect(state).toBe('failed');
      expect(detail).toBe('its process ended with SIGILL');
      expect(remedy).toMatch(/another processor/);
    }
  });

  it('that hangs ends with the time limit, and so do those behind it', async () => {
    const checks = await selfTest({ process: script('setInterval(() => {}, 1000);'), seconds: 0.5 });
    expect(checks.map(({ detail }) => detail)).toEqual(
      Object.keys(PROBES).map(() => 'not done within the self-test’s 0.5 s'),
    );
  });

  it('passes on its error', async () => {
    const failed = { state: 'failed', code: 'DISK_FULL', message: 'no room', remedy: 'Free some.' };
    const [check] = await selfTest({ process: script(`process.send(${JSON.stringify(failed)});`) });
    expect(check).toMatchObject({ state: 'failed', detail: 'DISK_FULL: no room', remedy: 'Free some.' });
  });
});

describe('judgement', () => {
  it('refuses missing packages and other versions', () => {
    expect(
      judgePackages([
        { name: '@reclmis/core', version: '9.0.0', needed: true },
        { name: '@reclmis/lab', version: null, needed: false },
        { name: 'sharp', version: null, needed: true },
      ]).map(({ state, detail }) => [state, detail]),
    ).toEqual([
      ['failed', 'missing: sharp'],
      ['failed', `expected ${VERSION} of every @reclmis package, got @reclmis/core 9.0.0`],
    ]);
  });

  it('warns of what is scarce, and of a card that libtorch cannot use', () => {
    const machine = {
      platform: 'linux',
      release: '6.1',
      arch: 'x64',
      node: '24.0.0',
      cpu: { model: 'x', cores: 1, vectors: ['avx'] },
      memory: { totalBytes: 1e9, freeBytes: 1 },
      disks: [
        { what: 'cache', freeBytes: 5 },
        { what: 'this folder', freeBytes: 1e12 },
      ],
      gpus: parseCards('NVIDIA H200, 143771, 580.95.05\n\n'),
    };
    expect(machine.gpus).toEqual([
      { name: 'NVIDIA H200', memoryBytes: 150_754_820_096, driver: '580.95.05' },
    ]);
    const torch = {
      name: 'libtorch',
      state: 'ok',
      detail: '1.13.0 with AVX2, no CUDA',
      remedy: null,
    } as const;
    expect(judgeMachine(machine, [torch]).map(({ name }) => name)).toEqual([
      'processor',
      'memory',
      'disk',
      'CUDA',
    ]);
  });
});

describe('redact', () => {
  const known = {
    folders: ['/home/Ann Onym', '/home/Ann Onym/work'],
    names: ['annonym', 'Bert.Lab', 'root'],
  };

  it.each([
    ['/home/Ann Onym/work/ct of Max.dcm: gone', '<path>: gone'],
    ['cannot open /opt/annonym/lib/libtorch_cpu.so.1: no', 'cannot open <path>/libtorch_cpu.so.1: no'],
    ["'C:\\Users\\Eve\\x.png' is missing", "'<path>' is missing"],
    ['\\\\server\\share\\x failed', '<path> failed'],
    ['file:///srv/eve/dist/main.js:3', '<path>/main.js:3'],
    ['/data/Max Muster/a b/x.dcm: gone', '<path>: gone'],
    ['read 3/4 of it and/or more', 'read 3/4 of it and/or more'],
    ['user Annonym on bert.lab, root of 3/4', 'user <name> on <name>, root of 3/4'],
    ['annonymous stays', 'annonymous stays'],
  ])('%s', (text, expected) => {
    expect(redact(text, known)).toBe(expected);
  });

  it('knows this process’s user, host and folders', () => {
    const { folders, names } = personal({ HOME: '/h/z', USER: 'zed' });
    expect(folders).toEqual(expect.arrayContaining(['/h/z', process.cwd(), tmpdir()]));
    expect(names).toEqual(expect.arrayContaining(['zed', hostname()]));
  });
});

describe('settings', () => {
  it('are all that the sources read', () => {
    const packages = fileURLToPath(new URL('../../', import.meta.url));
    const read = new Set<string>();
    for (const name of readdirSync(packages, { recursive: true, encoding: 'utf8' })) {
      if (!/^[^/\\]+[/\\]src[/\\].*\.ts$/.test(name) || /\.test\.ts$|[/\\]testing[/\\]/.test(name)) continue;
      const text = readFileSync(join(packages, name), 'utf8');
      for (const [, variable = ''] of text.matchAll(/\benv\[['"](\w+)['"]\]/g)) read.add(variable);
      for (const [variable] of text.matchAll(/\bRECLMIS_[A-Z_]+\b/g)) read.add(variable);
    }
    const internal = [
      'RECLMIS_SLOW',
      'RECLMIS_CHROMIUM',
      'RECLMIS_VIEWER_PICTURE',
      'RECLMIS_CUDA',
      'RECLMIS_LIFELINE_FD',
    ];
    expect([...read].filter((name) => !Object.hasOwn(VARIABLES, name) && !internal.includes(name))).toEqual(
      [],
    );
    expect(read.size).toBeGreaterThan(8);
  });

  it('tell no secret, and no path in a report', () => {
    const env = {
      RECLMIS_PACS_TOKEN: 'abc',
      RECLMIS_HOME: '/x/y',
      RECLMIS_DEBUG: '1',
      OMP_NUM_THREADS: 'a b',
      RECLMIS_HOEM: '/x',
    };
    const told = (forReport: boolean): Record<string, string> =>
      Object.fromEntries(settingsOf(env).map((setting) => [setting.name, shownValue(setting, forReport)]));
    expect(told(false)).toEqual({
      OMP_NUM_THREADS: 'set',
      RECLMIS_DEBUG: '1',
      RECLMIS_HOME: '/x/y',
      RECLMIS_PACS_TOKEN: 'set',
    });
    expect(told(true)['RECLMIS_HOME']).toBe('set');
    expect(unknownSettings(env)).toEqual(['RECLMIS_HOEM']);
  });
});

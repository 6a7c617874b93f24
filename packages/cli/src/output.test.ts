/** Output is whole, harmless for a terminal, or reported as incomplete by the status. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from './commands.js';
import { main } from './main.js';
import { BIN, reclmisIn } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-output-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisIn(root);
const EVIL = 'a\u001b]0;PWNED\u0007\u001b[31m\u009b2J\u202eb';
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/; // eslint-disable-line no-control-regex

describe('a full standard output', () => {
  const full = existsSync('/dev/full');
  const into = (...args: string[]): { status: number | null; stderr: string } => {
    const device = openSync('/dev/full', 'w');
    try {
      return spawnSync(process.execPath, [BIN, ...args], {
        encoding: 'utf8',
        cwd: root,
        stdio: ['ignore', device, 'pipe'],
      });
    } finally {
      closeSync(device);
    }
  };

  it.skipIf(!full).each([['--help'], ['runs', '.', '--json'], ['runs', '.']])(
    '%s: DISK_FULL, status 7',
    (...args) => {
      const { status, stderr } = into(...args);
      expect(stderr).toMatch(/^error DISK_FULL: standard output: no room left \(ENOSPC\)/);
      expect(status).toBe(7);
    },
  );

  it('that takes only a part of the text counts as full', () => {
    const limit = ['ulimit -f 1', `"${process.execPath}" "${BIN}" train --help > cut.txt`, 'exit $?'];
    const { status, stderr } = spawnSync('sh', ['-c', limit.join('; ')], { encoding: 'utf8', cwd: root });
    expect(stderr).toMatch(/^error DISK_FULL: standard output: no room left \(EFBIG\)/);
    expect(status).toBe(7);
  });

  it.skipIf(!full)("keeps an error's status if standard error is full", () => {
    const device = openSync('/dev/full', 'w');
    const { status } = spawnSync(process.execPath, [BIN, 'runs', 'nowhere'], {
      cwd: root,
      stdio: ['ignore', 'pipe', device],
    });
    closeSync(device);
    expect(status).toBe(4);
  });

  it('whose reader went away ends quietly, with the status of the command', () => {
    const text = execFileSync(
      'bash',
      ['-c', `"${process.execPath}" "${BIN}" train --help 2>err.txt | head -c 1; echo " \${PIPESTATUS[0]}"`],
      { encoding: 'utf8', cwd: root },
    );
    expect(text).toBe('U 0\n');
    expect(readFileSync(join(root, 'err.txt'), 'utf8')).toBe('');
  });
});

describe('a name with terminal escapes', () => {
  it('is escaped in tables, in JSON and in messages', () => {
    const runs = join(root, 'evil');
    mkdirSync(join(runs, EVIL), { recursive: true });
    writeFileSync(join(runs, EVIL, 'run.json'), '{}');
    const table = reclmis('runs', runs);
    const json = reclmis('runs', runs, '--json');
    const error = reclmis('evaluate', join(runs, EVIL));
    for (const text of [table.stdout, json.stdout, error.stderr]) {
      expect(text).toContain('\\u001b]0;PWNED\\u0007');
      expect(text).not.toMatch(OBEYED);
    }
    expect((JSON.parse(json.stdout) as { dir: string }[])[0]?.dir).toBe(join(runs, EVIL));
  });
});

describe('an option that does not exist', () => {
  it('is told before one that is missing', () => {
    const { status, stderr } = reclmis('predict', 'run', '--imag', 'x', '-o', 'out');
    expect(stderr).toBe("error OPTION_UNKNOWN: unknown option '--imag'\nremedy: Did you mean --image?\n");
    expect(status).toBe(2);
    expect(reclmis('predict', 'run', '-o', 'out').stderr).toMatch(
      /^error OPTION_INVALID: required option '--image <path>' not specified/,
    );
  });
});

describe('the sources', () => {
  it('write to the terminal in one place', () => {
    const packages = fileURLToPath(new URL('../../', import.meta.url));
    const writers: string[] = [];
    for (const name of readdirSync(packages, { recursive: true, encoding: 'utf8' })) {
      if (!/^[^/]+\/src\/.*\.ts$/.test(name) || /\.test\.ts$|\/testing\//.test(name)) continue;
      const text = readFileSync(join(packages, name), 'utf8');
      if (/process\.std(?:out|err)\.write|console\.(?:log|error|warn|info)/.test(text)) writers.push(name);
    }
    // The launcher escapes what its workers' native code prints.
    expect(writers.sort()).toEqual(['cli/src/terminal.ts', 'lab/src/launch/local.ts']);
  });
});

describe('paths', () => {
  it('of the sources name no folder of one system', () => {
    const packages = fileURLToPath(new URL('../../', import.meta.url));
    const found = readdirSync(packages, { recursive: true, encoding: 'utf8' })
      .filter(
        (name) => /^[^/\\]+[/\\]src[/\\].*\.tsx?$/.test(name) && !/\.test\.ts$|[/\\]testing[/\\]/.test(name),
      )
      .filter((name) =>
        /['"`]\/(?:tmp|var|usr|home|dev|etc|opt)\b/.test(readFileSync(join(packages, name), 'utf8')),
      );
    expect(found).toEqual([]);
  });
});

describe('a stop signal', () => {
  it('a signal that a command throws as it is counts as an interruption', async () => {
    const written: string[] = [];
    vi.spyOn(process, 'on').mockReturnThis(); // the test runner's handlers stay
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const program = {
      register: (to: Command) =>
        void to.command('runs').action(() => AbortSignal.abort('SIGTERM').throwIfAborted()),
    };
    const before = COMMANDS['runs'];
    Object.assign(COMMANDS, { runs: { description: '', load: () => Promise.resolve(program) } });
    try {
      expect(await main(['runs'])).toBe(130);
      expect(written.join('')).toMatch(/^error INTERRUPTED: stopped by SIGTERM\nremedy: .+\n$/);
    } finally {
      Object.assign(COMMANDS, { runs: before });
      vi.restoreAllMocks();
    }
  });
});

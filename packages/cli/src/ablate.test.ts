/** `reclmis ablate`: the list, phantoms from start to end, parts, Ctrl-C, refusals. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findStudy, loadStudy, type StudyResult, studyTasks } from '@reclmis/lab';
import { distributed } from '@reclmis/torch';
import { afterAll, describe, expect, it } from 'vitest';
import { StudyClock } from './ablating.js';
import { casesOf } from '@reclmis/predict';
import { BIN, reclmisHere, reclmisIn } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-ablate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MINUTE = 60_000;

const reclmis = reclmisHere(root);

writeFileSync(
  join(root, 'tiny.yaml'),
  `title: Tiny
source: S
base: { model: { baseWidth: 4, imageSize: 32 }, text: { encoder: words }, data: { workers: 0 }, train: { epochs: 2, batchSize: 4, threads: 1 } }
phantom: { count: 12 }
grid: { model.layers: [1, 2] }
`,
);

describe('ablate', () => {
  it(
    'draws phantoms, stops cleanly, goes on, writes tables, and does nothing twice',
    async () => {
      const child = spawn(process.execPath, [BIN, 'ablate', 'tiny.yaml', '-o', 'out', '--epochs', '60'], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise((resolve) => child.once('close', resolve));
      const first = join(root, 'out', 'runs', 'layers-1', 'seed-1');
      while (child.exitCode === null && !existsSync(join(first, 'metrics.jsonl'))) await sleep(20);
      child.kill('SIGINT');
      expect([await ended, said]).toEqual([
        130,
        expect.stringMatching(/error INTERRUPTED: out: stopped by Ctrl-C/),
      ]);
      const states = async (): Promise<string[]> =>
        (
          JSON.parse(
            (await reclmis('ablate', 'tiny.yaml', '-o', 'out', '--epochs', '60', '--list', '--json')).stdout,
          ) as { state: string }[]
        ).map(({ state }) => state);
      expect(await states()).toEqual(['begun', 'absent']);
      rmSync(join(root, 'out', 'runs'), { recursive: true }); // needed only for the signal

      const part = (text: string, ...more: string[]) =>
        reclmis('ablate', 'tiny.yaml', '-o', 'out', '--part', text, ...more);
      const half = await part('1/2', '--json');
      expect(half.status).toBe(0);
      expect(half.stderr).toMatch(/\[1\/1\] layers-1, seed 1: .*test Dice/);
      const figures = (stdout: string): number[] =>
        (JSON.parse(stdout) as StudyResult).cells.map(
          ({ runs }) => runs.filter(({ score }) => score !== null).length,
        );
      expect(figures(half.stdout)).toEqual([1, 0]);
      expect((await part('2/2')).stderr).toMatch(/\[1\/1\] layers-2, seed 1/);

      const again = await reclmis('ablate', 'tiny.yaml', '-o', 'out');
      expect([again.status, again.stderr]).toEqual([0, '']);
      expect(again.stdout).toMatch(/^2 runs: 2 done, 0 to train, 0 to resume, 0 to evaluate\n/);
      expect(again.stdout).toMatch(/^model\.layers +seeds +Dice +95 % +mIoU +95 %$/m);
      const files = [
        'data',
        'plot.png',
        'plot.svg',
        'report.html',
        'results.json',
        'results.md',
        'results.tex',
        'runs',
      ];
      expect(readdirSync(join(root, 'out')).sort()).toEqual(files);
      const report = (await reclmis('ablate', 'tiny.yaml', '-o', 'out', '--report', '--json')).stdout;
      expect(JSON.parse(report)).toEqual(JSON.parse(readFileSync(join(root, 'out', 'results.json'), 'utf8')));

      const other = await reclmis('ablate', 'tiny.yaml', '-o', 'out', '--epochs', '3');
      expect([other.status, other.stderr]).toEqual([
        7,
        expect.stringMatching(/OUTPUT_EXISTS: .*train\.epochs 2, expected 3/),
      ]);
    },
    4 * MINUTE,
  );

  it.skipIf(!distributed.distributedBackends().includes('gloo'))(
    'trains a cell in two processes as in one',
    () => {
      const inProcesses = reclmisIn(root); // the workers run what the launcher ran
      const losses = (out: string, ...more: string[]): number[] => {
        const cell = ['ablate', 'tiny.yaml', '-o', out, '--cells', 'layers-1', '-q'];
        const { status } = inProcesses(...cell, ...more);
        expect(status).toBe(0);
        const log = readFileSync(join(root, out, 'runs', 'layers-1', 'seed-1', 'metrics.jsonl'), 'utf8');
        return log
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { losses: { dice: number } }).losses.dice);
      };
      const one = losses('one');
      const two = losses('two', '--nproc', '2');
      expect(two).toHaveLength(2);
      // Each process draws its own dropout and masks, as another seed would.
      two.forEach((dice, i) => expect(Math.abs(dice - (one[i] ?? Number.NaN))).toBeLessThan(0.01));
      expect(two).not.toEqual(one);
    },
    4 * MINUTE,
  );

  it('lists the cells of a study by its name', async () => {
    const { status, stdout } = await reclmis(
      'ablate',
      'components',
      '--list',
      '--cells',
      'none,all',
      '--seeds',
      '7',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^none +7 +model\.components\.ci=false /m);
    expect(stdout).not.toContain('no-clr');
  });

  it.each([
    [['components'], 'OPTION_INVALID', /expected --out DIR/],
    [['components', '-o', 'x'], 'OPTION_INVALID', /no data set: expected --data DIR/],
    [['phantom-smoke', '-o', 'x', '--cells', 'al'], 'OPTION_INVALID', /--cells: .* got al$/m],
    [['components', '-o', 'x', '--data', 'd', '--cells', 'al'], 'OPTION_INVALID', /--cells: .* got al$/m],
    [
      ['components', '-o', 'x', '--seeds', '1,1'],
      'OPTION_INVALID',
      /--seeds: expected different whole numbers/,
    ],
    [['components', '-o', 'x', '--part', '3/2'], 'OPTION_INVALID', /--part/],
    [['components', '-o', 'x', '--seed', '3'], 'OPTION_UNKNOWN', /--seed/],
    [['layers', '-o', 'x', '--model.layers', '3'], 'OPTION_INVALID', /the cells of .*layers\.yaml set it/],
  ])('refuses %j', async (args, code, message) => {
    const { status, stderr } = await reclmis('ablate', ...args);
    expect([status, stderr]).toEqual([
      code === 'RUN_MISSING' ? 4 : 2,
      expect.stringContaining(`error ${code}`),
    ]);
    expect(stderr).toMatch(message);
    expect(existsSync(join(root, 'x'))).toBe(false);
  });
});

describe('parts', () => {
  it('are disjoint and together everything', () => {
    const tasks = studyTasks(loadStudy(findStudy('ratios')), 'out', { seeds: [1, 2] });
    for (const of of [1, 2, 4, 7]) {
      const parts = Array.from({ length: of }, (_, i) => [...casesOf(tasks, { index: i + 1, of })]);
      expect(parts.flat().length).toBe(50);
      expect(new Set(parts.flat().map(({ dir }) => dir)).size).toBe(50);
      expect(
        Math.max(...parts.map(({ length }) => length)) - Math.min(...parts.map(({ length }) => length)),
      ).toBeLessThan(2);
    }
  });
});

describe('StudyClock', () => {
  it('estimates the time left from this session', () => {
    let now = 100;
    const clock = new StudyClock(3, () => now);
    expect(clock.left).toBeNull();
    clock.start();
    now = 110;
    clock.progress(0.5); // 10 s for half a run; 2.5 runs left
    expect(clock.left).toBeCloseTo(50, 9);
    clock.end(1);
    now = 120;
    expect(clock.left).toBeCloseTo(40, 9);
    clock.end(2);
    expect(clock.left).toBe(0);
  });
});

/** `npm run bench:campaign` on phantoms: stopped, killed, repeated, with a cell that fails, against `evaluate`. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reclmisHere } from '#reclmis-here';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from './markdown.js';

const MINUTES = 60_000;
const root = mkdtempSync(join(tmpdir(), 'reclmis-campaign-'));
const out = join(root, 'out');
const reclmis = reclmisHere(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}
interface Run {
  readonly seed: number;
  readonly dir: string;
  readonly state: string;
  readonly figures: Readonly<Record<string, Figure>> | null;
  readonly flips: Readonly<Record<string, Figure>> | null;
}
interface Result {
  readonly studies: readonly {
    readonly name: string;
    readonly cells: readonly { readonly name: string; readonly runs: readonly Run[] }[];
  }[];
  readonly left: readonly { readonly id: string; readonly seconds: number | null }[];
  readonly failures: readonly { readonly id: string; readonly code: string }[];
  readonly sessions: readonly object[];
}

/** @param killAt kills the process when it says this */
function campaign(
  args: readonly string[],
  killAt?: string,
): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  const child = spawn(process.execPath, ['bench/dist/campaign.js', ...args], { cwd: ROOT });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (killAt !== undefined && stderr.includes(killAt)) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

const figuresOf = (dir: string): Result =>
  JSON.parse(readFileSync(join(dir, 'figures', 'campaign.json'), 'utf8')) as Result;

describe.skipIf(!process.env['RECLMIS_SLOW'])('a campaign', () => {
  const args = ['--phantoms', '-o', out];

  it(
    'stops before a step that its minutes do not hold, and says what is left',
    async () => {
      const { code, stderr } = await campaign([...args, '--minutes', '0.001']);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/recipes\/plain\/seed-1 needs about \d+\.\d minutes, more than are left/);
      const { left, failures } = figuresOf(out);
      // 2 cells and 2 seeds with flips, and Table 2's second cell: its first is the plain one.
      expect(left).toHaveLength(9);
      for (const { seconds } of left) expect(seconds).toBeGreaterThan(0);
      expect(failures).toEqual([]);
      expect(existsSync(join(out, 'studies'))).toBe(false);
    },
    5 * MINUTES,
  );

  it(
    'goes on after a kill without repeating what was finished, and its figures are those of evaluate',
    async () => {
      const killed = await campaign(args, '[3/9] recipes/unet/seed-1\n  epoch 1 of 2');
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const first = join(out, 'studies/recipes/runs/plain/seed-1');
      const finished = ['run.json', 'evaluation/ablation-test.json', 'evaluation/ablation-test-flips.json'];
      const times = finished.map((name) => statSync(join(first, name)).mtimeMs);

      const resumed = await campaign(args);
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(resumed.stderr).toContain('9 steps, 2 done');
      expect(resumed.stderr).not.toContain('recipes/plain/seed-1\n');
      expect(finished.map((name) => statSync(join(first, name)).mtimeMs)).toEqual(times);

      const result = figuresOf(out);
      expect(result).toMatchObject({ left: [], failures: [] });
      expect(result.sessions).toHaveLength(3); // the killed one kept its finished steps
      const runs = result.studies.flatMap(({ cells }) => cells.flatMap((cell) => cell.runs));
      expect(new Set(runs.map(({ dir }) => dir)).size).toBe(5);
      expect(runs.every(({ state }) => state === 'done')).toBe(true);
      const unet = runs.find(({ dir, seed }) => dir.includes('unet') && seed === 1);
      for (const [flags, figures] of [
        [[], unet?.figures],
        [['--flips'], unet?.flips],
      ] as const) {
        const { stdout } = await reclmis('evaluate', join(out, unet?.dir ?? ''), '--json', ...flags);
        const own = (JSON.parse(stdout) as { figures: (Figure & { key: string })[] }).figures;
        for (const key of ['dice', 'iou', 'pooledDice', 'pooledIou']) {
          const { value, low, high } = own.find((one) => one.key === key)!;
          // The same sums and the same draws.
          expect(figures?.[key]).toMatchObject({ value, low, high });
        }
      }
      const page = readFileSync(join(out, 'figures', 'campaign.md'), 'utf8');
      expect(page).toContain((100 * (unet?.figures?.['pooledDice']?.value ?? Number.NaN)).toFixed(2));

      const again = await campaign(args);
      expect(again).toMatchObject({ code: 0 });
      expect(again.stderr).not.toMatch(/^\[/m);
      expect(figuresOf(out).studies).toEqual(result.studies);
    },
    10 * MINUTES,
  );

  it(
    'runs the other cells if one fails, and ends with a status that says so',
    async () => {
      const missing = join(root, 'missing.pth');
      writeFileSync(
        join(root, 'study.yaml'),
        'title: T\nsource: S\nbase: { preset: phantom }\ncells:\n' +
          `  - { name: bad, set: { model.init: ${missing} } }\n  - { name: good, set: {} }\n`,
      );
      const file = join(root, 'campaign.yaml');
      writeFileSync(
        file,
        'title: T\nseeds: [1]\nphantom: { count: 30 }\nset: { model.baseWidth: 8, model.imageSize: 32, train.epochs: 1, train.warmupSteps: 0, data.workers: 0 }\n' +
          'studies: [{ study: study.yaml, flips: true }]\n',
      );
      const other = join(root, 'other');
      const { code, stderr } = await campaign(['--phantoms', '-o', other, '--campaign', file]);
      expect(code, stderr).toBe(6); // STUDY_INCOMPLETE
      const { failures, left, studies } = figuresOf(other);
      expect(failures).toMatchObject([{ id: 'study/bad/seed-1' }]);
      expect(left.map(({ id }) => id)).toEqual(['study/bad/seed-1-flips']);
      const good = studies[0]?.cells.find(({ name }) => name === 'good')?.runs[0];
      expect(good?.state).toBe('done');
      expect(good?.flips?.['dice']?.value).toBeGreaterThanOrEqual(0);
      const refused = await campaign([
        '--phantoms',
        '-o',
        other,
        '--campaign',
        file,
        '--set',
        'train.lr=0.01',
      ]);
      expect(refused.code).toBe(7);
      expect(refused.stderr).toContain('error OUTPUT_EXISTS');
    },
    5 * MINUTES,
  );
});

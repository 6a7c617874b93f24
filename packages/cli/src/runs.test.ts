import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunOverview } from '@reclmis/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-runs-'));
const all = join(root, 'all');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const reclmis = reclmisHere(root);

interface Made {
  readonly status: string;
  readonly started: string;
  readonly dice: readonly number[];
  readonly settings?: string;
}

/** Makes a run folder without checkpoints. */
function make(name: string, { status, started, dice, settings = '' }: Made): void {
  const dir = join(all, name);
  mkdirSync(dir, { recursive: true });
  const best = dice.indexOf(Math.max(...dice)) + 1;
  writeFileSync(join(dir, 'config.yaml'), `text: { encoder: words }\ntrain: { epochs: 3${settings} }\n`);
  writeFileSync(
    join(dir, 'run.json'),
    JSON.stringify({
      format: 'reclmis-run/1',
      status,
      data: { train: { name: 'QaTa' }, val: { name: 'QaTa' } },
      startedAt: started,
      seconds: 3600,
      epochs: dice.length,
      best: dice.length > 0 ? { epoch: best, dice: dice[best - 1] } : null,
    }),
  );
  const lines = dice.map((value, i) =>
    JSON.stringify({
      epoch: i + 1,
      losses: { total: 3 - i, dice: 0.5, bce: 0.5 },
      validation: { images: 5, dice: value, iou: value - 0.1, pooledDice: value + 0.05, pooledIou: value },
      best: true,
      secondsPerImage: 0.5 + i,
      seconds: 60 * (i + 1),
    }),
  );
  writeFileSync(join(dir, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
}

beforeAll(() => {
  make('old', { status: 'finished', started: '2026-01-01T10:00:00Z', dice: [0.5, 0.75, 0.625] });
  make('new', {
    status: 'running',
    started: '2026-02-01T10:00:00Z',
    dice: [0.25],
    settings: ', lr: 0.001, betas: [0.5, 0.9]',
  });
  make('bad', { status: 'finished', started: '2026-03-01T10:00:00Z', dice: [0.5] });
  writeFileSync(join(all, 'bad', 'run.json'), '{');
  mkdirSync(join(all, 'no-run'));
});

describe('runs', () => {
  it('lists runs, newest first, tells dead from running ones, and says what is wrong with a damaged one', async () => {
    const { status, stdout, stderr } = await reclmis('runs', all);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[2]).toMatch(/^new +died +QaTa +words +1\/3 +1 +25\.00 +15\.00 +30\.00 +0\.500 /);
    expect(lines[3]).toMatch(
      /^old +finished +QaTa +words +3\/3 +2 +75\.00 +65\.00 +80\.00 +1\.500 +1 h 00 min +2026-01-01 10:00$/,
    );
    expect(lines[4]).toMatch(/^bad +damaged/);
    expect(stdout).toMatch(/^bad: .*run\.json: not JSON$/m);
    expect(stdout).not.toContain('no-run');
  });

  it('finds the runs of a study in its folders, by their paths, and nothing within a run', async () => {
    const study = join(root, 'study');
    for (const run of ['all', 'none'])
      cpSync(join(all, 'old'), join(study, 'runs', run, 'seed-1'), { recursive: true });
    cpSync(join(all, 'new'), join(study, 'runs', 'all', 'seed-1', 'within'), { recursive: true });
    const lines = (await reclmis('runs', study)).stdout.split('\n');
    expect(lines.slice(2, 5)).toEqual([
      expect.stringMatching(/^runs\/all\/seed-1 +finished/),
      expect.stringMatching(/^runs\/none\/seed-1 +finished/),
      '',
    ]);
  });

  it('gives the same as JSON, and takes a single run', async () => {
    const list = JSON.parse((await reclmis('runs', all, '--json')).stdout) as RunOverview[];
    expect(list.map(({ state }) => state)).toEqual(['died', 'finished', 'damaged']);
    expect(list[1]?.best).toEqual({
      epoch: 2,
      images: 5,
      dice: 0.75,
      iou: 0.65,
      pooledDice: 0.8,
      pooledIou: 0.75,
    });
    const one = JSON.parse((await reclmis('runs', join(all, 'old'), '--json')).stdout) as RunOverview[];
    expect(one).toHaveLength(1);
  });

  it('says if there are none, and fails without a folder', async () => {
    expect((await reclmis('runs', join(all, 'no-run'))).stdout).toContain('contains no runs');
    const { status, stderr } = await reclmis('runs', join(root, 'nonesuch'));
    expect(status).toBe(4);
    expect(stderr).toContain('error RUN_MISSING');
    const file = await reclmis('runs', join(all, 'bad', 'run.json'));
    expect(file.status).toBe(4);
    expect(file.stderr).toMatch(/^error RUN_MISSING: .*run\.json: cannot be read as a folder \(ENOTDIR\)$/m);
  });
});

describe('runs compare', () => {
  it('shows figures side by side and differing settings, and draws them', async () => {
    const picture = join(root, 'compare.png');
    const { status, stdout, stderr } = await reclmis(
      'runs',
      'compare',
      join(all, 'old'),
      join(all, 'new'),
      '-o',
      picture,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ +old +new$/m);
    expect(stdout).toMatch(/^Dice, mean over images +75\.00 +25\.00$/m);
    expect(stdout).toMatch(/^last training loss +1\.000 +3\.000$/m);
    expect(stdout).toMatch(/^train\.lr +0\.0003 +0\.001$/m);
    expect(stdout).toMatch(/^train\.betas +\[0\.9,0\.999\] +\[0\.5,0\.9\]$/m);
    expect(stdout).not.toContain('train.epochs');
    const bytes = readFileSync(picture);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1180, 460]);
  });

  it('names figures that are no file, alone and in a list', async () => {
    const odd = join(root, 'odd');
    cpSync(join(all, 'old'), odd, { recursive: true });
    rmSync(join(odd, 'metrics.jsonl'));
    mkdirSync(join(odd, 'metrics.jsonl'));
    const compared = await reclmis('runs', 'compare', join(all, 'old'), odd);
    expect(compared.status).toBe(4);
    expect(compared.stderr).toMatch(
      /^error RUN_INVALID: .*metrics\.jsonl: cannot be read \(is a folder, not a file\)$/m,
    );
    const listed = await reclmis('runs', odd);
    expect([listed.status, listed.stdout]).toEqual([0, expect.stringMatching(/^odd +damaged/m)]);
  });

  it('refuses a single run and other folders', async () => {
    const one = await reclmis('runs', 'compare', join(all, 'old'));
    expect([one.status, one.stderr]).toEqual([2, expect.stringContaining('OPTION_INVALID')]);
    const none = await reclmis('runs', 'compare', join(all, 'old'), join(all, 'no-run'));
    expect([none.status, none.stderr]).toEqual([4, expect.stringContaining('RUN_INVALID')]);
    const bad = await reclmis('runs', 'compare', join(all, 'old'), join(all, 'bad'));
    expect([bad.status, bad.stderr]).toEqual([4, expect.stringContaining('RUN_INVALID')]);
  });
});

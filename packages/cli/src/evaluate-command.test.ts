/** `reclmis evaluate`: a report, a comparison of runs, refusals. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-evaluate-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

/** Trains a small model on the data; the status. */
async function train(out: string, ...more: readonly string[]): Promise<number | null> {
  const settings =
    '--batch 4 --threads 1 --workers 0 --model.baseWidth 8 --model.imageSize 32 --model.layers 1 --text.encoder words -q';
  return (await reclmis('train', '--data', 'data', '-o', out, ...settings.split(' '), ...more)).status;
}

beforeAll(async () => {
  const drawn = '--out data --count 24 --seed 3 --size 32 -q'.split(' ');
  expect(await reclmis('data', 'phantom', ...drawn)).toMatchObject({ status: 0, stderr: '' });
  // Fifteen epochs: after one every pixel is foreground, whatever is averaged.
  expect(await train('run', '--epochs', '15', '--lr', '3e-3')).toBe(0);
  cpSync(join(root, 'run'), join(root, 'twin'), { recursive: true });
});

interface Averaged {
  readonly ensemble?: { flips: boolean; members: unknown[] };
  readonly csv: string;
  readonly rows: readonly { predicted: number }[];
  readonly summary: { count: number };
}

describe('reclmis evaluate', () => {
  it('scores each class of a table next to the overall figures, in text, CSV, JSON and the report', async () => {
    expect((await reclmis('data', 'convert', 'data', 'table', '-q')).status).toBe(0);
    const [head = '', ...lines] = readFileSync(join(root, 'table', 'cases.csv'), 'utf8').trimEnd().split('\r\n'); // prettier-ignore
    // The first test case has no class; the others by the side that their notes name.
    const nameOf = (line: string, i: number): string =>
      i === lines.findIndex((one) => one.endsWith(',test'))
        ? ''
        : /\bleft\b/u.test(line)
          ? 'left_side'
          : 'right';
    const rows = [`${head},class`, ...lines.map((line, i) => `${line},${nameOf(line, i)}`)];
    writeFileSync(join(root, 'table', 'classes.csv'), `${rows.join('\n')}\n`);
    const plain = await reclmis('evaluate', 'run', '--data', 'table/cases.csv', '-q', '--json');
    const given = ['evaluate', 'run', '--data', 'table/classes.csv', '--split', 'test'];
    const { status, stdout } = await reclmis(...given, '-q', '--json', '--report', 'by-class');
    expect(status).toBe(0);
    interface Classed {
      readonly summary: unknown;
      readonly csv: string;
      readonly classesCsv: string;
      readonly withoutClass: number;
      readonly rows: readonly { readonly id: string; readonly class?: string; readonly dice: number }[];
      readonly classes: readonly { name: string; rows: number; figures: { key: string; value: number }[] }[];
    }
    const found = JSON.parse(stdout) as Classed;
    const before = JSON.parse(plain.stdout) as Classed;
    expect(found.summary).toEqual(before.summary); // what it was
    expect([before.classes, before.classesCsv]).toEqual([undefined, undefined]);
    expect(found.rows.filter((row) => row.class === undefined)).toHaveLength(1);
    expect(found.withoutClass).toBe(1);
    for (const { name, rows: count, figures } of found.classes) {
      const own = found.rows.filter((row) => row.class === name);
      expect(count).toBe(own.length);
      const mean = own.reduce((sum, { dice }) => sum + dice, 0) / own.length;
      expect(figures.find(({ key }) => key === 'dice')?.value).toBeCloseTo(mean, 12);
    }
    expect(found.rows.length).toBe(1 + found.classes.reduce((sum, one) => sum + one.rows, 0));
    const shown = await reclmis(...given);
    expect(shown.stdout).toMatch(/\nclass +rows +empty +Dice +IoU +pooled Dice +pooled IoU\n/u);
    expect(shown.stdout).toContain('1 row has no class.');
    expect(readFileSync(join(root, found.csv), 'utf8')).toMatch(/^id,group,class,dice,/u);
    const own = readFileSync(join(root, found.classesCsv), 'utf8');
    expect(own.split('\r\n').slice(1, -1).map((line) => line.split(',')[0])).toEqual(found.classes.map(({ name }) => name)); // prettier-ignore
    expect(readFileSync(join(root, 'by-class', 'classes.csv'), 'utf8')).toBe(own);
    expect(readFileSync(join(root, 'by-class', 'report.html'), 'utf8')).toContain('By class');
    const report = JSON.parse(readFileSync(join(root, 'by-class', 'report.json'), 'utf8')) as {
      runs: Classed[];
    };
    expect(report.runs[0]?.classes).toEqual(found.classes);
    expect(existsSync(join(root, 'by-class', 'figures', 'classes.png'))).toBe(true);
  });

  it('compares runs on the same cases and writes the report', async () => {
    const { status, stdout } = await reclmis(
      ...['evaluate', 'run', 'twin', '--report', 'report', '--spacing', '0.5', '--group', '^(phantom)_'],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/twin less run {2}Dice, mean +0\.00 {2}0\.00 {2}0\.00 {2}1\.0000/);
    for (const name of [
      'report.html',
      'report.json',
      'cases-run.csv',
      'cases-twin.csv',
      'figures/comparison.png',
    ])
      expect(existsSync(join(root, 'report', name)), name).toBe(true);
    const json = JSON.parse(readFileSync(join(root, 'report', 'report.json'), 'utf8')) as {
      runs: { groups: unknown; figures: { key: string }[]; overlap: { checked: boolean } }[];
    };
    expect(json.runs[0]?.groups).toEqual({
      pattern: '^(phantom)_',
      count: 1,
      named: expect.any(Number) as number,
    });
    expect(json.runs[0]?.overlap).toMatchObject({
      checked: true,
      train: { samePatients: ['patient phantom'] },
    });
  });

  it('validates on a fold’s own cases, and refuses to compare runs with others', async () => {
    expect(await train('fold', '--epochs', '1', '--folds', '2', '--fold', '1')).toBe(0);
    const { status, stdout } = await reclmis('evaluate', 'fold', '--split', 'val');
    expect(status).toBe(0);
    const run = JSON.parse(readFileSync(join(root, 'fold', 'run.json'), 'utf8')) as {
      data: { val: { cases: number } };
    };
    expect(stdout).toContain(`data, val (fold 1 of 2): ${run.data.val.cases} images at 32 x 32`);
    const both = await reclmis('evaluate', 'fold', 'run', '--split', 'val');
    expect([both.status, both.stdout]).toEqual([2, '']);
    expect(both.stderr).toContain('run: its val has other cases than fold’s val (fold 1 of 2)');
    expect(both.stderr).toContain('--split test');
  });

  it('says if it is tested on training data', async () => {
    const { status, stderr } = await reclmis('evaluate', 'run', '--split', 'train', '--csv', 'train.csv');
    expect(status).toBe(0);
    expect(stderr).toMatch(/run: The run has trained on (\d+) of the \1 images, byte by byte the same/);
    expect(existsSync(join(root, 'train.csv'))).toBe(true);
  });

  it('averages runs, and what a model says of the mirror image', async () => {
    const evaluate = async (...more: string[]): Promise<Averaged> => {
      const { status, stdout } = await reclmis('evaluate', 'run', ...more, '--json');
      expect(status).toBe(0);
      return JSON.parse(stdout) as Averaged;
    };
    const alone = await evaluate();
    expect(alone.ensemble).toBeUndefined();
    const both = await evaluate('twin', '--ensemble');
    expect(both.ensemble).toMatchObject({ flips: false, members: [expect.anything()] });
    expect(both.csv).toMatch(/^run.evaluation.data-test-ensemble-[0-9a-f]{8}\.csv$/); // which runs, says the number
    expect(both.summary).toEqual(alone.summary); // the twin's probabilities are the same, and so is their mean
    const flipped = await evaluate('--flips');
    await evaluate('twin', '--ensemble', '--flips', '--report', 'mean');
    const page = readFileSync(join(root, 'mean', 'report.html'), 'utf8');
    expect(page).toContain('Evaluation of mean of run + twin with flips');
    expect(flipped.ensemble).toMatchObject({ flips: true, members: [] });
    expect(flipped.summary.count).toBe(alone.summary.count);
    const areas = ({ rows }: Averaged): number[] => rows.map(({ predicted }) => predicted);
    expect(areas(flipped)).not.toEqual(areas(alone));
    const last = await evaluate('--checkpoint', 'last');
    expect(last.csv).toBe(join('run', 'evaluation', 'data-test-last.csv')); // not in the place of the best weights' scores
    for (const { csv } of [alone, both, flipped, last]) expect(existsSync(join(root, csv)), csv).toBe(true);
  });

  it('keeps the scores of another folder of the same name, and of notes of other sides', async () => {
    const drawn = '--out other/data --count 24 --seed 9 --size 32 -q'.split(' ');
    expect((await reclmis('data', 'phantom', ...drawn)).status).toBe(0);
    const csvOf = async (...more: string[]): Promise<string> => {
      const { status, stdout } = await reclmis('evaluate', 'run', ...more, '--json');
      expect(status).toBe(0);
      return (JSON.parse(stdout) as Averaged).csv;
    };
    const files = [await csvOf(), await csvOf('--data', 'other/data'), await csvOf('--sides', 'image')];
    expect(new Set(files).size).toBe(3);
    expect(files[0]).toBe(join('run', 'evaluation', 'data-test.csv'));
    const own = readFileSync(join(root, files[0] ?? ''), 'utf8');
    expect(readFileSync(join(root, files[1] ?? ''), 'utf8')).not.toBe(own);
    expect((await reclmis('evaluate', 'run')).stderr).not.toContain('replaced'); // the same scores again
    writeFileSync(join(root, files[0] ?? ''), 'scores of an older checkpoint');
    expect((await reclmis('evaluate', 'run')).stderr).toContain(
      `${files[0]}: replaced the scores of an earlier evaluation`,
    );
    expect(readFileSync(join(root, files[0] ?? ''), 'utf8')).toBe(own);
  });

  it.each(['--csv', '--report'])('finds before it begins that %s cannot be written', async (flag) => {
    const { status, stdout, stderr } = await reclmis(
      'evaluate',
      'run',
      flag,
      join('run', 'run.json', 'x', 'y.csv'),
    );
    expect([status, stdout]).toEqual([7, '']);
    expect(stderr).toMatch(/^error OUTPUT_UNWRITABLE: /); // and no progress of evaluating before it
  });

  it.each([
    [['evaluate', 'run', './run'], /expected different runs/],
    [['evaluate', 'run', 'twin', '--csv', 'a.csv'], /--csv: expected one run, got 2/],
    [['evaluate', 'run', '--group', 's\\d+'], /group pattern .*: expected one capture group, got 0/],
    [['evaluate', 'run', '--spacing', '0'], /--spacing: expected the pixel size/],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await reclmis(...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});

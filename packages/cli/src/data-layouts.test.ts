/** `reclmis data split` and `convert`, and a run on a table: training and evaluation read the same cases. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRun } from '@reclmis/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-data-layouts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

const SMALL = '--preset phantom --model.baseWidth 4 --model.imageSize 32 --epochs 1 --batch 4 --threads 1 --workers 0 --train.warmupSteps 0 -q'.split(' '); // prettier-ignore

beforeAll(async () => {
  const made = await reclmis('data', 'phantom', '-o', 'lvit', '--count', '20', '--size', '32', '-q');
  expect(made.status).toBe(0);
  const { status, stdout } = await reclmis('data', 'convert', 'lvit', 'table');
  expect([status, stdout]).toEqual([0, 'table: 14 train, 3 val, 3 test cases as table\n']);
  const table = readFileSync(join(root, 'table', 'cases.csv'), 'utf8');
  expect(table.split('\r\n')[0]).toBe('image,mask,note,split');
  writeFileSync(
    join(root, 'table', 'other.csv'),
    table.replace('image,mask,note,split', 'File,Mask,Report,Part'),
  );
  writeFileSync(join(root, 'table', 'unsplit.csv'), table.replaceAll(/,(?:train|val|test)(?=\r\n)/gu, ',').replace('note,split', 'note,more')); // prettier-ignore
});

describe('a run on a table', () => {
  it('remembers how it was read, so evaluation finds the same cases', async () => {
    const columns = 'image=File,note=Report,split=Part';
    const { status } = await reclmis('train', '--data', 'table/other.csv', '--columns', columns, '-o', 'run', ...SMALL); // prettier-ignore
    expect(status).toBe(0);
    const { config, info } = openRun(join(root, 'run'));
    expect([config.data.columns, info.data?.train.cases]).toEqual([columns, 14]);
    const own = await reclmis('evaluate', 'run', '-q', '--json');
    const folder = await reclmis('evaluate', 'run', '--data', 'lvit', '-q', '--json');
    const scoresOf = (text: string): unknown => (JSON.parse(text) as { rows: readonly { id: string; dice: number }[] }).rows; // prettier-ignore
    expect(scoresOf(own.stdout)).toEqual(scoresOf(folder.stdout));
    const listed = await reclmis('data', 'list', 'table/other.csv', '--columns', columns, '--split', 'test');
    expect(listed.stdout).toMatch(/\n3 cases of other, test; fingerprint /);
  }, 120_000);

  it('needs a split, which `data split` makes', async () => {
    const without = await reclmis('train', '--data', 'table/unsplit.csv', '-o', 'none', ...SMALL);
    expect([without.status, without.stderr]).toEqual([3, expect.stringMatching(/^error DATA_SPLIT_EMPTY: .*unsplit\.csv: unsplit\.csv: holds no case of the split val\n.*reclmis data split/u) as unknown]); // prettier-ignore
    const { status, stdout, stderr } = await reclmis('data', 'split', 'table/unsplit.csv', '-o', 'splits.csv', '--val', '0.2', '--test', '0.2'); // prettier-ignore
    expect(status).toBe(0);
    expect(stdout).toMatch(/^split +cases +patients +foreground +empty masks\n─+\ntrain +12 +12 /u);
    expect(stderr).toContain('The patients of 20 of 20 cases are not known');
    expect((await reclmis('data', 'split', 'lvit', '-o', 'splits.csv')).stderr).toMatch(
      /^error OUTPUT_EXISTS/u,
    );
    const trained = await reclmis('train', '--data', 'table/unsplit.csv', '--splits', 'splits.csv', '-o', 'split-run', ...SMALL); // prettier-ignore
    expect(trained.status).toBe(0);
    const evaluated = await reclmis('evaluate', 'split-run', '-q', '--json');
    const ids = (JSON.parse(evaluated.stdout) as { rows: readonly { id: string }[] }).rows.map(
      ({ id }) => id,
    );
    const test = readFileSync(join(root, 'splits.csv'), 'utf8').split('\r\n').filter((line) => line.includes(',test,')); // prettier-ignore
    expect(ids).toEqual(test.map((line) => line.split(',')[0]));
  }, 120_000);
});

it('names its files, and refuses what does not exist', async () => {
  const missing = await reclmis('data', 'check', 'nowhere.csv');
  expect(missing.stderr).toMatch(/^error DATA_FOLDER_MISSING: nowhere\.csv: no such folder or file/u);
  const layout = await reclmis('data', 'check', 'lvit', '--layout', 'dicom');
  expect(layout.stderr).toMatch(/^error OPTION_INVALID: layout "dicom": expected one of lvit, table, huggingface, nnunet, coco/u); // prettier-ignore
  const convert = await reclmis('data', 'convert', 'lvit', 'table');
  expect(convert.stderr).toMatch(/^error OUTPUT_EXISTS: .*table: the folder is not empty/u);
});

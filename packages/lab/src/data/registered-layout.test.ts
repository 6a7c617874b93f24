/** A program's own layout: checking, planning, training and evaluation take its folders. */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluateRun } from '../evaluate/evaluate.js';
import { takeFingerprint } from '../plan/fingerprint.js';
import { openRun } from '../run/run.js';
import {
  checkDataset,
  openDataset,
  type Case,
  SPLITS,
  type DataLayout,
  type Problem,
  layoutNames,
  registerLayout,
} from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { TINY_RUN_SIZE, tinyConfig } from '../testing/tiny-run.js';
import { train } from '../train/train.js';
import { openFitted } from './folds.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-layout-'));
const data = join(root, 'data');
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** One folder: `train-0.scan.png`, `train-0.mask.png` and its note in `train-0.txt`. */
const triples: DataLayout = {
  expects: 'files named *.scan.png',
  detect: (names) => names.some((name) => name.endsWith('.scan.png')),
  splits: async (dir) => {
    const names = await readdir(dir);
    return SPLITS.filter((split) => names.some((name) => name.startsWith(`${split}-`)));
  },
  scan: async (dir, split, stems) => {
    const names = (await readdir(dir)).filter((name) => name.startsWith(`${split}-`)).sort();
    const has = (ending: string): string[] => names.filter((name) => name.endsWith(ending));
    const cases: Case[] = [];
    const problems: Problem[] = [];
    for (const image of has('.scan.png')) {
      const id = image.slice(0, -'.scan.png'.length);
      if (stems?.has(id) === false) continue;
      const note = await readFile(join(dir, `${id}.txt`), 'utf8').catch(() => null);
      if (note === null)
        problems.push({ code: 'NOTE_MISSING', split, item: image, message: `${image}: has no ${id}.txt` });
      else
        cases.push({
          id,
          imagePath: join(dir, image),
          maskPath: join(dir, `${id}.mask.png`),
          note: note.trim(),
        });
    }
    const [images, masks, notes] = [has('.scan.png'), has('.mask.png'), has('.txt')].map(
      (list) => list.length,
    ) as [number, number, number];
    return { split, notesPath: null, cases, problems, images, masks, notes };
  },
};

beforeAll(async () => {
  const made = join(root, 'lvit');
  await writeTinyData(made, TINY_RUN_SIZE, { train: 10, val: 6, test: 4 });
  await mkdir(data);
  for (const split of ['Train', 'Val', 'Test']) {
    const folder = join(made, `${split}_Folder`);
    const table = await readFile(join(folder, `${split}_text.csv`), 'utf8');
    for (const [, id, note] of table.matchAll(/^(.*)\.png,"(.*)"$/gm)) {
      await rename(join(folder, 'img', `${id}.png`), join(data, `${id}.scan.png`));
      await rename(join(folder, 'labelcol', `${id}.png`), join(data, `${id}.mask.png`));
      await writeFile(join(data, `${id}.txt`), `${note}\n`);
    }
  }
});

it('is not known before it is registered, and its name is its own', async () => {
  await expect(openDataset(data, 'train')).rejects.toMatchObject({
    code: 'DATA_FOLDER_MISSING',
    message: `${data}: expected Train_Folder, Val_Folder or Test_Folder; or a table of cases (.csv, .tsv, .jsonl or .xlsx); or metadata.csv or metadata.jsonl (Hugging Face’s image folder); or dataset.json with imagesTr and labelsTr (nnU-Net); or annotations/*.json or a .json file (COCO), got none of them`,
  });
  registerLayout('triples', triples);
  expect(layoutNames()).toEqual(['lvit', 'table', 'huggingface', 'nnunet', 'coco', 'triples']);
  expect(() => registerLayout('lvit', triples)).toThrow(ReclmisError);
  await expect(openDataset(root, 'train')).rejects.toThrow('; or files named *.scan.png, got none of them');
});

it('is checked, measured for a plan and cut into folds', async () => {
  const report = await checkDataset(data);
  expect(report.ok).toBe(true);
  expect(
    report.splits.map(({ split, images, masks, notes, cases }) => [split, images, masks, notes, cases]),
  ).toEqual([
    ['train', 10, 10, 10, 10],
    ['val', 6, 6, 6, 6],
    ['test', 4, 4, 4, 4],
  ]);
  expect((await openDataset(data, 'val', { stems: ['val-003.png'] })).cases).toEqual([
    {
      id: 'val-003',
      imagePath: join(data, 'val-003.scan.png'),
      maskPath: join(data, 'val-003.mask.png'),
      note: 'Unilateral pulmonary infection, one infected area, lower right lung.',
    },
  ]);
  const { train: fitted, val } = await openFitted(tinyConfig(data, { 'data.folds': 4, 'data.fold': 1 }).data);
  expect(fitted.cases.length + val.cases.length).toBe(16);
  expect((await takeFingerprint(data)).cases).toEqual({ train: 10, val: 6, test: 4 });

  await rename(join(data, 'test-001.txt'), join(root, 'note'));
  expect((await checkDataset(data)).problems).toEqual([
    {
      code: 'NOTE_MISSING',
      split: 'test',
      item: 'test-001.scan.png',
      message: 'test-001.scan.png: has no test-001.txt',
    },
  ]);
  await rename(join(root, 'note'), join(data, 'test-001.txt'));
});

it('trains and is evaluated', async () => {
  const run = join(root, 'run');
  await train(tinyConfig(data), { out: run });
  expect(openRun(run).info.status).toBe('finished');
  expect((await evaluateRun(run)).summary.count).toBe(4);
  await rm(join(data, 'test-000.mask.png'));
  await expect(evaluateRun(run)).rejects.toBeInstanceOf(ReclmisError);
});

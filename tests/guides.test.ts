/**
 * Runs the commands of the README and the first guides as written, in order, in a folder like a clone, with
 * options that make them small.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reclmisHere } from '#reclmis-here';
import { encodeWorkbook } from '@reclmis/files';
import { afterAll, describe, expect, it } from 'vitest';
import { commandsOf, readPage, ROOT } from './markdown.js';

const clone = mkdtempSync(join(tmpdir(), 'reclmis-guides-'));
afterAll(() => rmSync(clone, { recursive: true, force: true }));
symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));

/** Options that make a command small; the last one counts. */
const SMALL: readonly (readonly [command: string, options: readonly string[]])[] = [
  ['demo', ['--count', '24', '--epochs', '1']],
  ['notes read', []],
  ['notes', ['--overwrite']], // phantoms have notes
  ['data phantom', ['--count', '40', '--size', '32']],
  ['train', ['--model.baseWidth', '4', '--model.imageSize', '32', '--model.layers', '1', '--epochs', '1', '--train.warmupSteps', '0', '--text.encoder', 'words', '--threads', '1', '--workers', '0']], // prettier-ignore
  ['evaluate', ['--threads', '1']],
  ['export', ['--threads', '1']],
];

const reclmis = reclmisHere(clone);

/** @returns standard output */
async function run(words: readonly string[]): Promise<string> {
  const small = SMALL.find(([command]) => words.slice(1).join(' ').startsWith(command));
  const args = [...words.slice(1), ...(small?.[1] ?? [])];
  const { status, stdout, stderr } = await reclmis(...args);
  if (status !== 0) throw new Error(`reclmis ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Runs commands one after another. @returns their standard outputs */
async function runAll(commands: readonly (readonly string[])[]): Promise<string[]> {
  const said: string[] = [];
  for (const words of commands) said.push(await run(words));
  return said;
}

/** A page's commands, except those that need what no clone has. */
function commands(path: string, without: RegExp = /^$/): string[][] {
  return commandsOf(readPage(path), 'reclmis').filter((words) => !without.test(words.join(' ')));
}

const bytes = (path: string): number => readFileSync(join(clone, path)).length;
const holds = (path: string): boolean => existsSync(join(clone, path));

describe('docs/guide/own-data.md', () => {
  it('leads from phantoms to masks', async () => {
    const all = commands('docs/guide/own-data.md', /photos|QaTa-COV19|lungs|polyps|reclmis notes masks/);
    const names = all.map((words) => words.slice(1, 3).join(' '));
    const said = await runAll(all);
    const of = (command: string): string => said[names.indexOf(command)] ?? '';
    expect(names).toEqual([
      'data phantom',
      'data check',
      'data list',
      'data split',
      'data check',
      'data convert',
      'data convert',
      'notes data/mine',
      'plan data/mine',
      'train --config',
      'evaluate runs/mine',
      'predict runs/mine',
    ]);
    expect(of('data phantom')).toContain('28 train, 6 val and 6 test cases of 32 x 32 pixels');
    expect(of('data check')).toContain('No problems found.');
    expect(of('data list')).toContain('6 cases of mine, test');
    expect(said[6]).toMatch(/^data\/mine-coco: \d+ train, \d+ val, \d+ test cases as coco\n$/u);
    expect(of('plan data/mine')).toContain('note.sides');
    expect(of('evaluate runs/mine')).toContain('mean over images');
    expect(bytes('check.html')).toBeGreaterThan(1000);
    expect(holds('runs/mine/checkpoints/best.safetensors')).toBe(true);
    expect(holds('report/report.html')).toBe(true);
    const masks = readdirSync(join(clone, 'masks')).filter((name) => name.endsWith('_mask.png'));
    expect(masks).toHaveLength(6);
  });
});

describe('docs/guide/own-data.md, in ten lines', () => {
  it('leads from pictures and a sheet to masks', async () => {
    await preparePhotos();
    const page = readFileSync(join(ROOT, 'docs/guide/own-data.md'), 'utf8');
    const [, classes = ''] = /^printf '(.*)' > classes\.yaml$/mu.exec(page) ?? [];
    writeFileSync(join(clone, 'classes.yaml'), classes.replaceAll('\\n', '\n'));
    const ten = commands('docs/guide/own-data.md').filter((words) => words.join(' ').includes('photos'));
    const [check = '', split = '', ...others] = await runAll(
      ten.filter((words) => !words.includes('--columns')),
    );
    expect(check).toContain('No problems found.');
    expect(split).toMatch(/train +14 +14 /u);
    expect(others).toHaveLength(6);
    const made = (folder: string, end: string): string[] =>
      readdirSync(join(clone, folder)).filter((name) => name.endsWith(end));
    expect(made('masks', '_mask.png')).toHaveLength(20);
    expect(made('classes', '_labels.png')).toHaveLength(20);
  });
});

/** Phantoms as a person would keep them: pictures, masks and a workbook. */
async function preparePhotos(): Promise<void> {
  await run(['reclmis', 'data', 'phantom', '--out', 'made']);
  await run(['reclmis', 'data', 'convert', 'made', 'photos']);
  const table = readFileSync(join(clone, 'photos/cases.csv'), 'utf8');
  const rows = [...table.matchAll(/^images\/(.*?),.*?,"(.*)",/gmu)].map(([, image = '', note = '']) => [
    image,
    note,
  ]);
  writeFileSync(
    join(clone, 'photos/cases.xlsx'),
    await encodeWorkbook([['image', 'note'], ...rows.slice(0, 20)]),
  );
  rmSync(join(clone, 'photos/cases.csv'));
  for (const [image = ''] of rows.slice(20))
    for (const folder of ['images', 'masks']) rmSync(join(clone, 'photos', folder, image));
  for (const folder of ['masks', 'report', 'splits.csv'])
    rmSync(join(clone, folder), { recursive: true, force: true });
}

describe('docs/guide/notes.md', () => {
  it('shows how notes are read', async () => {
    const all = commands('docs/guide/notes.md', /^reclmis (?:predict|explain|serve)/);
    const [english = '', german, clear = ''] = await runAll(all);
    expect(readPage('docs/guide/notes.md').blocks[1]?.lines.join('\n').trim()).toBe(english.trim());
    expect(german).toMatch(/upper left lung[^]*nothing in +right lung/);
    expect(JSON.parse(clear)).toMatchObject({ style: 'as-is', canonical: null });
  });
});

describe('docs/guide/first-run.md', () => {
  it('leads from the demo to a report', async () => {
    expect(commandsOf(readPage('docs/guide/first-run.md'), 'npm')).toEqual([
      ['npm', 'run', 'setup'],
      ['npm', 'run', 'demo'],
    ]);
    expect(await run(['reclmis', 'demo'])).toContain('left and right swapped');
    for (const file of ['overview.png', 'run', 'model/manifest.json', 'phantoms'])
      expect(holds(join('outputs/demo', file))).toBe(true);
    const said = await runAll(commands('docs/guide/first-run.md', /^reclmis studio/)); // which serves until stopped
    expect(said).toHaveLength(5);
    expect(said[1]).toContain('finished');
    expect(holds('outputs/report/report.html')).toBe(true);
    expect(readdirSync(join(clone, 'outputs/masks'))).toContain('statistics.json');
  });
});

describe('README.md', () => {
  it('leads from training to a mask in TypeScript', async () => {
    await prepareReadme();
    const said = await runAll(commands('README.md', /^reclmis studio/));
    expect(said).toHaveLength(4);
    expect(said[3]).toContain('same side of the threshold: 100.000 % of the pixels');
    const program = readPage('README.md').blocks.find(({ language }) => language === 'ts');
    expect(program?.lines.filter((line) => line !== '').length).toBeLessThanOrEqual(10);
    writeFileSync(join(clone, 'program.mjs'), program?.lines.join('\n') ?? '');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
      cwd: clone,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^96 x 96, \d+ pixels in the mask\n/);
  });
});

async function prepareReadme(): Promise<void> {
  const data = join(clone, 'data/QaTa-COV19');
  await run(['reclmis', 'data', 'phantom', '--out', data]);
  rmSync(join(clone, 'report'), { recursive: true, force: true });
  rmSync(join(clone, 'masks'), { recursive: true, force: true });
  const images = join(data, 'Test_Folder/img');
  const [first = '', ...others] = readdirSync(images);
  mkdirSync(join(clone, 'scans'));
  for (const name of others) copyFileSync(join(images, name), join(clone, 'scans', name));
  copyFileSync(join(images, first), join(clone, 'chest.png'));
  const rows = others.map(
    (name) => `${name},"Unilateral pulmonary infection, one infected area, upper left lung."`,
  );
  writeFileSync(join(clone, 'notes.csv'), ['Image,Description', ...rows, ''].join('\n'));
}

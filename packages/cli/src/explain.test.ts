import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun } from './testing/exported.js';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-explain-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
let first = '';

beforeAll(async () => {
  await smallRun(root);
  mkdirSync(join(root, 'images'));
  const images = join(root, 'data', 'Test_Folder', 'img');
  for (const name of readdirSync(images).slice(0, 1)) cpSync(join(images, name), join(root, 'images', name));
  [first = ''] = readdirSync(join(root, 'images'));
});

describe('reclmis explain', () => {
  it('lists the layers, the default among them', async () => {
    const { status, stdout, stderr } = await reclmis('explain', 'run', '--list-layers', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { layers } = JSON.parse(stdout) as { layers: { path: string }[] };
    expect(layers).toContainEqual({ path: 'up4', channels: 16, side: 4 });
  });

  it('explains one image, at a layer and for a pixel of choice', async () => {
    const choice = ['--layer', 'up3', '--target', '3,4', '-o', 'one', '--json'];
    const image = join('images', first);
    const { status, stdout } = await reclmis('explain', 'run', '--image', image, '--note', NOTE, ...choice);
    expect(status).toBe(0);
    const { files } = JSON.parse(stdout) as { files: string[] };
    expect(readdirSync(join(root, 'one')).sort()).toEqual(
      files.map((file) => file.slice('one/'.length)).sort(),
    );
    const report = JSON.parse(readFileSync(join(root, 'one', 'report.json'), 'utf8')) as object;
    expect(report).toMatchObject({
      about: { run: 'run', device: 'cpu' },
      gradCam: { layer: 'up3', target: 'pixel', targetPixels: 1 },
    });
    const again = await reclmis('explain', 'run', '--image', image, '--note', NOTE, '-o', 'one');
    expect(again.stderr).toMatch(
      /^error OUTPUT_EXISTS: one: expected an empty folder.*\nremedy: .*--overwrite/,
    );
  });

  it('explains a folder with a table of notes, and lists what failed without losing the rest', async () => {
    writeFileSync(join(root, 'images', 'cut.png'), 'no picture');
    const names = readdirSync(join(root, 'images'));
    writeFileSync(
      join(root, 'notes.csv'),
      `Image,Description\n${names.map((name) => `${name},"${NOTE}"`).join('\n')}\n`,
    );
    const { status, stderr } = await reclmis(
      ...[
        'explain',
        'run',
        '--image',
        'images',
        '--notes',
        'notes.csv',
        '-o',
        'many',
        '--target',
        'all',
        '-q',
      ],
    );
    const [warning, ...rest] = stderr.split('\n'); // result warnings are shown even with -q
    expect(warning).toMatch(/^warning [A-Z_]+: 1 of 1 image \(phantom_\d+\): /);
    expect(rest.join('\n')).toMatch(/^error PREDICT_INCOMPLETE: many: 1 of 2 images could not be explained/);
    expect(status).toBe(6);
    const written = readdirSync(join(root, 'many'));
    expect(written).toContain('contact-sheet-1.png');
    const { cases } = JSON.parse(readFileSync(join(root, 'many', 'report.json'), 'utf8')) as {
      cases: { id: string; report?: string; error?: { code: string } }[];
    };
    expect(cases.map(({ id, error }) => [id, error?.code])).toContainEqual(['cut', 'IMAGE_UNREADABLE']);
    for (const { report } of cases)
      if (report) expect(readFileSync(join(root, 'many', report), 'utf8')).toContain('"up4"');
  });

  it('writes only numbers on request', async () => {
    const asked = ['--note', NOTE, '-o', 'numbers', '--numbers', '--json'];
    const { status, stdout } = await reclmis('explain', 'run', '--image', 'data/Test_Folder/img', ...asked);
    expect(status).toBe(0);
    const { cases, files } = JSON.parse(stdout) as { cases: number; files: string[] };
    const images = readdirSync(join(root, 'data', 'Test_Folder', 'img')).length;
    expect([cases, files]).toEqual([images, ['numbers/report.json']]);
    const written = readdirSync(join(root, 'numbers'), { recursive: true, withFileTypes: true });
    const names = written.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(names).toEqual(new Array(images + 1).fill('report.json'));
  });

  it('reads notes by a vocabulary that is given', async () => {
    const vocabulary = fileURLToPath(new URL('../../../examples/vocabularies/polyps.yaml', import.meta.url));
    const asked = ['--image', join('data', 'Test_Folder', 'img', first), '--note', 'a polyp at the top left'];
    const out = ['-o', 'polyps', '--numbers'];
    const told = await reclmis('explain', 'run', ...asked, ...out, '--note-vocabulary', vocabulary);
    expect(told.status, told.stderr).toBe(0);
    expect(JSON.parse(readFileSync(join(root, 'polyps', 'report.json'), 'utf8'))).toMatchObject({
      note: { text: 'polyp, upper left.', style: 'free' },
    });
    const none = await reclmis('explain', 'run', ...asked, '-o', 'none', '--note-vocabulary', 'none.yaml');
    expect([none.status, none.stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/^error NOTE_VOCABULARY_INVALID: none\.yaml: cannot be read/),
    ]);
    expect(existsSync(join(root, 'none'))).toBe(false);
  });

  it('explains what the model was given: free text in its words, or as written', async () => {
    const given = async (...style: string[]): Promise<unknown> => {
      const image = join('data', 'Test_Folder', 'img', first);
      const asked = ['--image', image, '--note', 'Infecton, LUL', '-o', 'style', '--numbers', '--overwrite'];
      const { status, stderr } = await reclmis('explain', 'run', ...asked, ...style);
      expect(status, stderr).toBe(0);
      const { note } = JSON.parse(readFileSync(join(root, 'style', 'report.json'), 'utf8')) as {
        note: { text: string; style: string; words: { label: string; kind: string }[] };
      };
      const [word] = note.words;
      return [note.text, note.style, word?.label, word?.kind];
    };
    const written = ['Infecton, LUL', 'as-is', 'infecton', 'slip'];
    const free = ['Unilateral pulmonary infection, upper left lung.', 'free', 'unilateral', 'word'];
    expect(await given()).toEqual(free);
    expect(await given('--note-style', 'free')).toEqual(free);
    expect(await given('--note-style', 'as-is')).toEqual(written);
    const wrong = await reclmis('explain', 'run', '--image', 'images', '-o', 'x', '--note-style', 'loose');
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/Allowed choices are free, as-is/),
    ]);
  });

  it('shows two runs on the same images next to each other', async () => {
    cpSync(join(root, 'run'), join(root, 'second'), { recursive: true });
    const image = join('data', 'Test_Folder', 'img', first);
    const asked = ['--image', image, '--note', NOTE, '-o', 'both', '--target', 'all'];
    const { status, stdout, stderr } = await reclmis('explain', 'run', 'second', ...asked);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(
      /^run +RecLMIS +up4 +read .*\nsecond +RecLMIS +up4 +read .*\n1 image\nReport: both\/report\.html\n$/m,
    );
    expect(readdirSync(join(root, 'both')).sort()).toEqual([
      'contact-sheet-1.png',
      'contact-sheet-1.svg',
      'report.html',
      'report.json',
    ]);
    const again = await reclmis('explain', 'run', 'second', ...asked, '--overwrite', '--numbers', '--json');
    const { runs } = JSON.parse(again.stdout) as { runs: { name: string; dice: number; unread: null }[] };
    expect(runs.map(({ name, unread }) => [name, unread])).toEqual([
      ['run', null],
      ['second', null],
    ]);
    expect(runs[0]?.dice).toBe(runs[1]?.dice); // the same weights
    expect(runs[0]?.dice).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [['run', './run'], [], /OPTION_INVALID: \.\/run: expected different runs, but this one is listed twice/],
    [['run', 'second'], ['--list-layers'], /OPTION_INVALID: --list-layers: expected one run, got 2/],
    [['run'], ['--masks', 'images'], /OPTION_INVALID: --masks: expected several runs, got one/],
    [['run', 'second'], ['--layer', 'up9'], /OPTION_INVALID: layer up9: expected a layer of every model/],
  ])('refuses %j with %j', async (dirs, args, message) => {
    const common = ['--image', join('images', first), '--note', NOTE, '-o', 'x'];
    const { status, stderr } = await reclmis('explain', ...dirs, ...common, ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(readdirSync(root)).not.toContain('x');
  });

  it.each([
    [['--image', 'images', '--note', NOTE], /OPTION_INVALID: no output folder: expected --out DIR/],
    [['--note', NOTE, '-o', 'x'], /OPTION_INVALID: no image: expected --image PATH/],
    [
      ['--image', 'images', '--note', NOTE, '-o', 'x', '--target', '3,4'],
      /OPTION_INVALID: --target 3,4: a pixel or mask file applies to one image, got 2 images/,
    ],
    [
      ['--image', 'images', '--note', NOTE, '-o', 'x', '--layer', 'up9'],
      /OPTION_INVALID: layer up9: is not part of the model\nremedy: .*--list-layers/,
    ],
  ])('refuses %j and writes nothing', async (args, message) => {
    const { status, stderr } = await reclmis('explain', 'run', ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(readdirSync(root)).not.toContain('x');
  });
});

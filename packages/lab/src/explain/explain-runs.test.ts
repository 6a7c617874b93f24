/** Several runs on the same images, against what evaluation and one run's explanation say of them. */
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
import type { RgbImage } from '@reclmis/core';
import { decodeImage, readImage, readMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset, caseRows } from '@reclmis/data';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun } from '../run/run.js';
import { makeTinyRun, tinyConfig } from '../testing/tiny-run.js';
import { train } from '../train/train.js';
import { type CaseToExplain, explainImages } from './explain-images.js';
import { type ComparedExplanations, explainRuns, type ExplainRunsOptions } from './explain-runs.js';
import { mapLayers } from './layers.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-explain-runs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const data = join(root, 'data');
const unet = join(root, 'unet');
const ALL = { target: { kind: 'all' } } as const;
let runs: readonly [string, string];
let cases: CaseToExplain[];

beforeAll(async () => {
  // Long enough to predict something.
  const reclmis = await makeTinyRun(root, { 'train.epochs': 12, 'train.lr': 1e-2 });
  await train(tinyConfig(data, { 'model.name': 'unet', 'train.epochs': 12, 'train.lr': 1e-2 }), {
    out: unet,
  });
  runs = [reclmis, unet];
  const test = await openDataset(data, 'test');
  cases = test.cases.map(({ id, imagePath, note }) => ({ id, imagePath, note }));
});

const compare = (
  name: string,
  options: Partial<ExplainRunsOptions> = {},
  images = cases,
): Promise<ComparedExplanations> => explainRuns(runs, images, join(root, name), { ...ALL, ...options });

const pixels = ({ data: bytes, width }: RgbImage, x: number, y: number): number[] => [
  ...bytes.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

describe('explainRuns', () => {
  it('says of each run what evaluation and its own explanation say', async () => {
    const { runs: compared, cases: found, files } = await compare('all');
    expect(compared.map(({ name, title, layer, unread }) => [name, title, layer, unread === null])).toEqual([
      ['run', 'RecLMIS', 'up4', true],
      ['unet', 'U-Net', 'up4', false],
    ]);
    expect(found.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
    for (const [at, dir] of runs.entries()) {
      const { rows, summary } = await evaluateRun(dir);
      // The images have the model's size, so both compare the same pixels.
      for (const [i, row] of rows.entries()) expect(found[i]?.results[at]?.dice).toBeCloseTo(row.dice, 12);
      expect(compared[at]?.dice).toBeCloseTo(summary.mean.dice, 12);
    }
    const run = openRun(runs[0]);
    using model = run.loadModel();
    const alone = await explainImages(run, model, cases, join(root, 'alone'), { ...ALL, numbers: true });
    expect(found.map(({ results }) => results[0]?.zones)).toEqual(alone.cases.map(({ zones }) => zones));
    expect(compared[0]?.zones).toEqual(alone.zones);
    expect(compared[0]?.zones?.cases).toBe(4);
    // A model without a note is measured in the zones of the same notes.
    const measured = found.flatMap(({ results: [own, other] }) =>
      other?.zones ? [[own?.zones, other.zones] as const] : [],
    );
    expect(measured.length).toBeGreaterThan(0); // none where its map is 0 everywhere
    for (const [own, other] of measured) {
      expect(other).toMatchObject({ named: own?.named, area: own?.area });
      expect(other.inside).not.toBe(own?.inside);
    }
    const json = JSON.parse(readFileSync(join(root, 'all', 'report.json'), 'utf8')) as {
      format: string;
      runs: object[];
      cases: { results: object[] }[];
    };
    expect(json.format).toBe('reclmis-compared-explanations/1');
    expect(json.runs[1]).toMatchObject({
      name: 'unet',
      gradCamZones: compared[1]?.zones,
      dice: compared[1]?.dice,
    });
    expect(json.cases[2]?.results[1]).toEqual({
      ...{ run: 'unet', share: found[2]?.results[1]?.share, dice: found[2]?.results[1]?.dice },
      gradCamZones: found[2]?.results[1]?.zones,
    });
    expect(files.map((file) => file.slice(join(root, 'all/').length)).sort()).toEqual(
      readdirSync(join(root, 'all')).sort(),
    );
  });

  it('shows a row for each case, with the true mask and the words about notes', () => {
    const page = readFileSync(join(root, 'all', 'report.html'), 'utf8');
    expect(page.match(/<article class="case">/g)).toHaveLength(4);
    expect(page.match(/<img /g)).toHaveLength(4 * (2 + 2 * 2));
    expect(page).toContain('found (true positive)');
    expect(page).toContain('unet: U-Net reads no note, so its masks are the same under every note.');
    expect(page).toContain('Unilateral pulmonary infection, one infected area, lower left lung.');
    expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/<script|NaN|undefined|(src|href)="(?!data:|#)/);
  });

  it('draws the sheet at twice its size', async () => {
    const svg = readFileSync(join(root, 'all', 'contact-sheet-1.svg'), 'utf8');
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    const png = await readImage(join(root, 'all', 'contact-sheet-1.png'));
    expect([png.width, png.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    expect(svg.match(/<image /g)).toHaveLength(4 * (2 + 2 * 2));
    expect(/NaN|undefined|<text/.exec(svg.replaceAll(/base64,[^"]*/g, ''))?.[0]).toBeUndefined();
  });

  it('shows the true mask where there is one', async () => {
    const [one] = cases;
    if (!one) throw new Error('expected a case');
    const truth = await readMask(join(data, 'Test_Folder', 'labelcol', `${one.id}.png`));
    const first = truth.data.indexOf(1); // the square's upper left corner
    const [x, y] = [first % truth.width, Math.floor(first / truth.width)].map((at) => 8 * at + 1); // 256 / 32
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    cpSync(one.imagePath, join(elsewhere, `${one.id}.png`));
    const moved = [{ ...one, imagePath: join(elsewhere, `${one.id}.png`) }];
    const folder = join(data, 'Test_Folder', 'labelcol');
    for (const [name, images, options, known] of [
      ['by-layout', [one], {}, true],
      ['without', moved, {}, false],
      ['by-folder', moved, { masks: folder }, true],
    ] as const) {
      const { cases: found } = await compare(name, options, [...images]);
      const tiles = (found[0]?.groups[0]?.tiles ?? []).flatMap((tile) => ('png' in tile ? [tile] : []));
      expect(
        tiles.map(({ caption }) => caption),
        name,
      ).toEqual(known ? ['image', 'true mask'] : ['image']);
      const [plain = [], red] = await Promise.all(
        tiles.map(async ({ png }) => pixels(await decodeImage(png, 'tile'), x ?? 0, y ?? 0)),
      );
      expect(new Set(plain).size, name).toBe(1); // grey
      if (red) expect(red[2], name).toBeGreaterThan((red[0] ?? 0) + 50); // sky blue
      const page = readFileSync(join(root, name, 'report.html'), 'utf8');
      expect(page.includes('true positive'), name).toBe(known);
      expect(found[0]?.results[0]?.dice === null).toBe(!known);
    }
    await expect(compare('x', { masks: join(root, 'nowhere') })).rejects.toMatchObject({
      code: 'DATA_FOLDER_MISSING',
    });
  });

  it('refuses a layer that one of the models lacks, and writes nothing', async () => {
    const layersOf = (dir: string): string[] => {
      using model = openRun(dir).loadModel();
      return mapLayers(model).map(({ path }) => path);
    };
    const [own, other] = runs.map(layersOf);
    const layer = own?.find((path) => !other?.includes(path)) ?? '';
    await expect(compare('refused', { layer })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: `layer ${layer}: expected a layer of every model that gives a map, ${unet} (U-Net) has none of this name`,
    });
    expect(existsSync(join(root, 'refused'))).toBe(false);
    const { runs: compared } = await compare('layer', { layer: 'up3', numbers: true });
    expect(compared.map((run) => run.layer)).toEqual(['up3', 'up3']);
    expect(readdirSync(join(root, 'layer'))).toEqual(['report.json']);
  });

  it('names an image that cannot be read, and explains the others', async () => {
    const bad = join(root, 'bad.png');
    writeFileSync(bad, 'no picture');
    const { cases: found } = await compare('partly', {}, [
      ...cases.slice(0, 1),
      { id: 'bad', imagePath: bad, note: 'left lung' },
    ]);
    expect(found.map(({ error, results }) => [error?.code, results.length])).toEqual([
      [undefined, 2],
      ['IMAGE_UNREADABLE', 0],
    ]);
    const page = readFileSync(join(root, 'partly', 'report.html'), 'utf8');
    expect(page).toContain('<section id="failed">');
    expect(page.match(/<article class="case">/g)).toHaveLength(1);
  });
});

describe('caseRows', () => {
  it('gives the reason in the place of a picture, escaped', () => {
    const tile = { png: Uint8Array.from([1]), width: 1, height: 1, alt: 'a', caption: 'c' };
    const html = caseRows(
      [{ title: 'A<b>', about: '', tiles: 2 }],
      [{ heading: 'h', note: '', groups: [{ tiles: [{ missing: 'none <here>' }, tile] }] }],
    ).toString();
    expect(html).toContain('<p class="missing">none &#60;here&#62;</p>');
    expect(html).toContain('A&#60;b&#62;');
    expect(html).toContain('(empty note)');
    expect(html).toContain('style="--n: 2"');
  });
});

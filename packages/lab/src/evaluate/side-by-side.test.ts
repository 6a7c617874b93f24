/** Runs on the same cases: which are chosen, that pictures show what was scored, and what a report says of models that read no note. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mask } from '@reclmis/core';
import { decodeImage, readMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset, type CaseTile } from '@reclmis/data';
import { makeTinyRun, tinyConfig } from '../testing/tiny-run.js';
import { train } from '../train/train.js';
import { evaluateRun } from './evaluate.js';
import { evaluateRuns } from './evaluate-runs.js';
import type { CaseMeasure } from './measure.js';
import { type NoteProbes, probeNotes, probesSection, verdictOf } from './probes/index.js';
import { chooseByDifference, drawSideBySide, KeptMasks, type ShownRun } from './side-by-side.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-side-by-side-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const data = join(root, 'data');
const unet = join(root, 'unet');
let reclmis = '';

beforeAll(async () => {
  reclmis = await makeTinyRun(root, { 'train.epochs': 12, 'train.lr': 1e-2 });
  await train(tinyConfig(data, { 'model.name': 'unet', 'train.epochs': 6, 'train.lr': 1e-2 }), { out: unet });
});

const kept = (id: string, prediction: Mask, note = 'left'): KeptMasks => {
  const masks = new KeptMasks();
  const counts = { dice: 0.5, iou: 0, precision: 0, recall: 0, intersection: 0, predicted: 0, truth: 0 };
  masks.add({ score: { id, ...counts }, prediction, note, size: prediction.width });
  return masks;
};

describe('chooseByDifference', () => {
  it('takes the first run less the mean of the others, worst first, none twice', () => {
    const rows = (...dice: number[]): { id: string; dice: number }[] =>
      dice.map((value, i) => ({ id: String.fromCharCode(97 + i), dice: value }));
    const chosen = chooseByDifference(
      [rows(0.5, 0.5, 0.5, 0.5), rows(0.3, 0.9, 0.5, 0.2), rows(0.5, 0.7, 0.5, 0.2)],
      1,
    );
    expect(chosen.map(({ kind, id }) => [kind, id])).toEqual([
      ['worst', 'b'],
      ['median', 'c'],
      ['best', 'd'],
    ]);
    expect(chosen[0]?.difference).toBeCloseTo(-0.3, 12);
    expect(chosen[1]?.difference).toBeCloseTo(0, 12);
  });
});

/** The colour of a picture over something grey. */
function dominant([red = 0, green = 0, blue = 0]: readonly number[]): string {
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 8) return 'grey';
  if (red > green && red > blue) return 'vermilion';
  return blue > green ? 'sky blue' : 'green';
}

describe('drawSideBySide', () => {
  it('draws each run’s own mask against the true one, at its place', async () => {
    const { cases } = await openDataset(data, 'test');
    const [one] = cases;
    if (!one) throw new Error('expected a case');
    const half = (left: boolean): Mask => ({
      width: 16,
      height: 16,
      data: Uint8Array.from({ length: 256 }, (_, p) => (p % 16 < 8 === left ? 1 : 0)),
    });
    expect(kept('a', half(true)).of('a')).toEqual({ mask: half(true), note: 'left' });
    expect(kept('a', half(true)).of('b')).toBeNull();
    const rows = [{ id: one.id, dice: 0.5 } as CaseMeasure];
    const run = (left: boolean): ShownRun => ({
      ...{ rows, masks: kept(one.id, half(left)), title: 'T', unread: null },
    });
    const { examples } = await drawSideBySide([run(true), run(false)], cases);
    expect(examples.map(({ kind, id, difference }) => [kind, id, difference])).toEqual([
      ['worst', one.id, 0],
    ]);
    const [images, ...predictions] = examples[0]?.row.groups ?? [];
    expect(images?.tiles.map((tile) => 'png' in tile && tile.caption)).toEqual(['image', 'true mask']);
    const truth = await readMask(one.maskPath);
    const at = truth.data.indexOf(1); // the square's upper left corner
    const [tx, ty] = [at % truth.width, Math.floor(at / truth.width)].map((value) => value * 7 + 3) as [
      number,
      number,
    ];
    const seen = async (
      tile: CaseTile | { missing: string } | undefined,
      x: number,
      y: number,
    ): Promise<string> => {
      const { data: bytes, width } = await decodeImage(
        tile && 'png' in tile ? tile.png : new Uint8Array(),
        'tile',
      );
      return dominant([...bytes.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]);
    };
    const places = async (tile: CaseTile | { missing: string } | undefined): Promise<string[]> => [
      await seen(tile, 2, 2),
      await seen(tile, 221, 2),
      await seen(tile, tx, ty),
    ];
    const inLeft = tx < 112;
    // Masks fill one half of the image each; nothing is true in the upper corners.
    expect(await places(images?.tiles[0])).toEqual(['grey', 'grey', 'grey']);
    expect(await places(images?.tiles[1])).toEqual(['grey', 'grey', 'sky blue']);
    expect(await places(predictions[0]?.tiles[0])).toEqual([
      'vermilion',
      'grey',
      inLeft ? 'green' : 'sky blue',
    ]);
    expect(await places(predictions[1]?.tiles[0])).toEqual([
      'grey',
      'vermilion',
      inLeft ? 'sky blue' : 'green',
    ]);
  });
});

describe('evaluateRuns', () => {
  it('shows the same cases of all runs in its report, and says who reads no note', async () => {
    const report = join(root, 'report');
    const { runs } = await evaluateRuns([reclmis, unet], { report, resamples: 50 });
    const [a = [], b = []] = runs.map((run) => run.report.evaluation.rows);
    const json = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')) as {
      sideBySide: { kind: string; id: string; difference: number }[];
    };
    const differences = a.map(({ id, dice }, i) => ({ id, difference: dice - (b[i]?.dice ?? 0) }));
    differences.sort((x, y) => x.difference - y.difference || (x.id < y.id ? -1 : 1));
    expect(json.sideBySide.map(({ kind }) => kind)).toEqual(['worst', 'median', 'best']);
    for (const [i, at] of [0, 1, 3].entries()) {
      expect(json.sideBySide[i]?.id).toBe(differences[at]?.id);
      expect(json.sideBySide[i]?.difference).toBeCloseTo(differences[at]?.difference ?? NaN, 12);
    }
    const page = readFileSync(join(report, 'report.html'), 'utf8');
    const section = /<section id="side-by-side">[^]*?<\/section>/.exec(page)?.[0] ?? '';
    expect(section.match(/<article class="case">/g)).toHaveLength(3);
    expect(section).toContain('unet: U-Net reads no note, so its masks are the same under every note.');
    const [first] = json.sideBySide;
    const dice = b.find(({ id }) => id === first?.id)?.dice ?? NaN;
    expect(section).toContain(`Dice ${(100 * dice).toFixed(1)} %`);
    expect(existsSync(join(report, 'figures', 'side-by-side.png'))).toBe(true);
    const alone = join(root, 'alone');
    await evaluateRuns([unet], { report: alone, resamples: 50 });
    expect(readFileSync(join(alone, 'report.html'), 'utf8')).not.toContain('side-by-side');
  });
});

describe('probeNotes', () => {
  it('says of a model that reads no note that notes change nothing', async () => {
    const found: NoteProbes[] = [];
    await evaluateRun(unet, {
      afterwards: async (at) => void found.push(await probeNotes(at, { resamples: 50 })),
    });
    const [probed] = found;
    if (!probed) throw new Error('expected probes');
    const said = 'U-Net reads no note, so its masks are the same under every note';
    expect(probed.unread).toBe(said);
    expect(verdictOf(probed)).toMatch(
      new RegExp(`^${said}: other notes were not tried\\. Under the correct notes, `),
    );
    // Its zeros would look like findings.
    expect(probed.probes.map(({ notes }) => notes)).toEqual(['right']);
    expect(probed.example).toBeNull();
    const html = probesSection(probed, null).html.toString();
    expect(html).toContain(said);
    expect(html).not.toMatch(/Another case|moved, %|<img/);
    expect(html.match(/<td class="left">(Predicted|True) masks<\/td>/g)).toHaveLength(2);
  });
});

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { COLOURS, mirror, mirrorNote, type Rgb, type RgbImage } from '@reclmis/core';
import { readImage, renderSvg } from '@reclmis/files';
import { afterAll, describe, expect, it } from 'vitest';
import { drawPhantom } from '@reclmis/data';
import type { EpochRecord } from '../run/metrics-log.js';
import { logTicks, svgChart, tickLabel, ticks } from './chart.js';
import { overviewImage, type OverviewRow } from './overview.js';
import { writeProgress } from './progress.js';
import { fixedText, svgText, textWidth, wrapText } from './text.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-plots-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Pixels of a colour (within 8 per channel) inside a rectangle. */
function count(image: RgbImage, [r, g, b]: Rgb, x0 = 0, y0 = 0, x1 = image.width, y1 = image.height): number {
  let found = 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const p = (y * image.width + x) * 3;
      const off = [r, g, b].map((value, c) => Math.abs(value - (image.data[p + c] ?? 0)));
      if (Math.max(...off) <= 8) found++;
    }
  }
  return found;
}

describe('text', () => {
  it('is as wide as the font says, in proportion to its size', () => {
    // Inter's H advances 1522 of 2048 units.
    expect(textWidth('H', 20)).toBeCloseTo((1522 / 2048) * 20, 6);
    expect(textWidth('Dice', 26)).toBeCloseTo(2 * textWidth('Dice', 13), 6);
  });

  it('draws without any font of the machine, within its box', async () => {
    const width = Math.ceil(textWidth('Dice 0.912', 20));
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 20}" height="40">${svgText('Dice 0.912', 10, 30, { size: 20, colour: 'black' })}</svg>`;
    const image = await renderSvg(svg);
    expect([image.width, image.height]).toEqual([width + 20, 40]);
    expect(count(image, [0, 0, 0])).toBeGreaterThan(100);
    expect(count(image, [0, 0, 0], 0, 0, 9, 40) + count(image, [0, 0, 0], width + 11, 0)).toBe(0);
  });

  it('keeps nothing of what it draws', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const draw = (count: number): void => {
      for (let i = 0; i < count; i++) svgText('0.912', i * Math.PI, i * Math.E, { size: 13 });
    };
    const used = (): number => (collect(), process.memoryUsage().heapUsed);
    draw(100);
    const before = used();
    draw(500); // 100 coordinates each, all different
    expect(used() - before).toBeLessThan(2 << 20);
  });

  it('sets unknown characters as a question mark, and accents it lacks not at all', () => {
    expect(textWidth('中')).toBe(textWidth('?'));
    expect(textWidth('ṩ')).toBe(textWidth('s'));
  });

  it('draws Greek, Cyrillic and accented letters as themselves', () => {
    const drawn = ['?', 'c', 'č', 'Łódź', 'лёгкое', 'πνεύμονας'].map((text) => svgText(text, 0, 0));
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(textWidth('лёгкое')).not.toBe(textWidth('??????'));
    // Two faces side by side: no kerning between them, so the widths add up.
    expect(textWidth('aж')).toBeCloseTo(textWidth('a') + textWidth('ж'), 9);
  });

  it('gives numbers without a negative zero', () => {
    expect([-0.04, 0.04, -0.06, 1.25, -0].map((value) => fixedText(value, 1))).toEqual([
      '0.0',
      '0.0',
      '-0.1',
      '1.3',
      '0.0',
    ]);
  });

  it('wraps between words, breaks what is too long, and cuts with an ellipsis', () => {
    const note = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
    const lines = wrapText(note, 150, 14);
    expect(lines.join(' ')).toBe(note);
    expect(Math.max(...lines.map((line) => textWidth(line, 14)))).toBeLessThanOrEqual(150);
    const broken = wrapText('a'.repeat(100), 150, 14);
    expect(broken.join('')).toBe('a'.repeat(100));
    expect(Math.max(...broken.map((line) => textWidth(line, 14)))).toBeLessThanOrEqual(150);
    const cut = wrapText(note, 150, 14, 400, 2);
    expect(cut).toHaveLength(2);
    expect(cut[1]).toMatch(/…$/);
    expect(wrapText('  ', 150)).toEqual([]);
  });
});

describe('ticks', () => {
  it('are round and inside', () => {
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0, 0.001, 4)).toEqual([0, 0.00025, 0.0005, 0.00075, 0.001]);
    expect(ticks(1, 12, 8)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(logTicks(0.02, 5)).toEqual([0.03, 0.1, 0.3, 1, 3]);
    expect(logTicks(1e-6, 10)).toEqual([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]);
    expect([0, 0.25, 3e-4, 12].map(tickLabel)).toEqual(['0', '0.25', '3e-4', '12']);
  });
});

describe('charts', () => {
  it('survive no data, one point, equal values and gaps', () => {
    for (const points of [
      [],
      [[1, 0.5]],
      [
        [1, 2],
        [2, 2],
      ],
      [
        [1, 1],
        [2, Number.NaN],
        [3, 0],
      ],
    ] as [number, number][][]) {
      for (const scale of ['linear', 'log'] as const) {
        const chart = {
          title: 't',
          xLabel: 'epoch',
          scale,
          series: [{ label: 'a', colour: COLOURS.blue, points }],
        };
        expect(svgChart(chart, { x: 0, y: 0, width: 300, height: 200 })).not.toMatch(
          /NaN|Infinity|undefined/,
        );
      }
    }
  });
});

describe('the label of a mark', () => {
  const label = (values: readonly number[]): string => {
    const chart = {
      title: 't',
      xLabel: 'epoch',
      yMin: 0,
      yMax: 1,
      series: [
        { label: 'a', colour: COLOURS.blue, points: values.map((y, i): [number, number] => [i + 1, y]) },
      ],
    };
    const frame = { x: 0, y: 0, width: 400, height: 300 };
    const mark = { x: values.length, label: 'best: 0.5' };
    const bare = svgChart(chart, frame);
    const found = [...svgChart({ ...chart, mark }, frame).matchAll(/<g[^>]*>.*?<\/g>|<path[^>]*>/g)].map(
      ([text]) => text,
    );
    return found.find((text) => !bare.includes(text) && !text.includes('dasharray="2 3"')) ?? '';
  };

  it('stands at the foot, and moves where a line runs through it there', () => {
    expect(label([0.5, 0.9])).not.toBe('');
    expect(label([0.05, 0.05])).not.toBe(label([0.5, 0.9])); // low: at the head
    expect(label([0.04, 0.04])).toBe(label([0.05, 0.05]));
    expect(label([0.96, 0.96])).toBe(label([0.5, 0.9])); // high: at the foot
  });
});

const epoch = (n: number): EpochRecord => ({
  epoch: n,
  step: n * 10,
  losses: { total: 4 / n, dice: 1 / n, bce: 0.5 / n, ccl: 2 },
  validation: { images: 5, dice: 0.1 * n, iou: 0.07 * n, pooledDice: 0.12 * n, pooledIou: 0.08 * n },
  best: true,
  lr: 1e-3 / n,
  secondsPerImage: 0.1,
  waitShare: 0,
  peakBytes: 1,
  seconds: n,
});

describe('progress.png', () => {
  it('draws every loss that there is and both forms of the scores', async () => {
    const file = join(folder, 'progress.png');
    await writeProgress(file, [1, 2, 3].map(epoch));
    const image = await readImage(file);
    expect([image.width, image.height]).toEqual([1640, 460]);
    const third = 500;
    expect(count(image, COLOURS.orange, 0, 90, third)).toBeGreaterThan(200); // CCL
    expect(count(image, COLOURS.purple)).toBe(0); // CVR is off
    expect(count(image, COLOURS.vermilion, third, 100, 1000)).toBeGreaterThan(200); // IoU
    expect(count(image, COLOURS.green, 1000)).toBeGreaterThan(100); // learning rate
  });

  it('is not written before the first epoch', async () => {
    const file = join(folder, 'none.png');
    await writeProgress(file, []);
    expect(existsSync(file)).toBe(false);
  });
});

describe('overview.png', () => {
  it('shows truth in blue and predictions in orange, in their columns', async () => {
    const { image, mask, note } = drawPhantom(3, 0, 64);
    const rgb: RgbImage = {
      width: 64,
      height: 64,
      data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => image.data[Math.floor(i / 3)] ?? 0),
    };
    const row: OverviewRow = {
      id: 'phantom_0001',
      image: rgb,
      truth: mask,
      note,
      prediction: mask,
      dice: 1,
      swappedNote: mirrorNote(note),
      swappedPrediction: mirror(mask),
      swappedDice: 0,
    };
    const sheet = await overviewImage([row, row], {
      title: 'Two notes',
      subtitle: 'of one picture',
      sides: 'patient',
    });
    expect(sheet.height).toBe(112 + 2 * (224 + 22 + 16));
    // Columns: image 16, note 256, truth 520, prediction 760, swapped 1000; each tile is 224 wide. Rows begin at 112.
    const [blue, orange] = [COLOURS.skyBlue, COLOURS.orange];
    expect(count(sheet, blue, 520, 112, 744, 336)).toBeGreaterThan(50);
    expect(count(sheet, orange, 520, 112, 744, 336)).toBe(0);
    expect(count(sheet, orange, 760, 112, 984, 336)).toBe(count(sheet, blue, 520, 112, 744, 336));
    expect(count(sheet, orange, 1000, 112, 1224, 336)).toBeGreaterThan(50);
    expect(count(sheet, orange, 16, 112, 240, 336) + count(sheet, blue, 16, 112, 240, 336)).toBe(0);
    expect(count(sheet, [255, 255, 255], 256, 112, 504, 336)).toBeLessThan(248 * 224 - 500); // the note's letters
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heatColour, type RgbImage, sumByGroup, type TokenGroup } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { manualSeed, setThreads } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Segmenter } from '../engine/segmenter.js';
import { NOTE_FREE, type RecLMISOptions } from '../model/options.js';
import { RecLMIS } from '../model/reclmis.js';
import { TINY } from '../model/testing.js';
import { WordEncoder } from '../text/words.js';
import { type ExplainedCase, writeCaseReport } from './case-report.js';
import { sheetRow } from './contact-sheet.js';
import { explain } from './explain.js';
import { percentText } from '../plots/text.js';
import { mapFigure, patchesOver } from './figures.js';
import { writeFolderReport } from './folder-report.js';
import { type CamZones, camZones } from './zones.js';
import { attentionPicker, meanOfRows } from './picker.js';
import { ENGINE } from './testing.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-explain-'));
beforeAll(() => setThreads(1));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NOTE = 'one <area> & left lung';
const encoder = WordEncoder.fromNotes(['one area left lung'], { contextLength: 6, width: TINY.textWidth });
const image: RgbImage = { width: 24, height: 16, data: new Uint8Array(24 * 16 * 3).fill(100) };
const ABOUT = { run: 'tiny', checkpoint: 'best, epoch 1' };

function explained(options: RecLMISOptions, id = 'a<b'): ExplainedCase {
  manualSeed(6);
  using model = new RecLMIS(options);
  const explanation = explain(new Segmenter(model, encoder, ENGINE, 'area'), image, NOTE, {
    target: { kind: 'all' },
  });
  return { id, image, explanation };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('writeCaseReport', () => {
  it('writes figures, a page that needs nothing else, and the numbers', async () => {
    const dir = join(root, 'case');
    const files = await writeCaseReport(dir, explained(TINY), ABOUT);
    const figures = ['grad-cam', 'poi', 'woi', 'attention-words', 'attention-patches'];
    expect(files).toEqual([
      ...figures.flatMap((name) => [`${name}.svg`, `${name}.png`]),
      'report.html',
      'report.json',
    ]);
    for (const name of figures) {
      const svg = readFileSync(join(dir, `${name}.svg`), 'utf8');
      const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
      const png = await readImage(join(dir, `${name}.png`));
      expect([png.width, png.height], name).toEqual([2 * Number(width), 2 * Number(height)]);
      expect(svg).not.toMatch(/<text|NaN|undefined/);
    }

    const html = readFileSync(join(dir, 'report.html'), 'utf8');
    expect(html).not.toMatch(/<script|NaN|undefined|<area>|(src|href)="(?!data:|#)/);
    expect(html).toContain('one &#60;area&#62; &#38; left lung');
    expect(html).toContain('For research only; not for diagnosis.');

    const json = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as {
      format: string;
      note: { words: { label: string; tokens: number[] }[] };
      poi: number[][];
      woi: { tokens: number[]; words: number[] };
      gradCam: { layer: string; map: number[][] };
      attention: Record<'attn_text' | 'attn_img', { from: string; to: string; weights: number[][][] }>;
    };
    expect(json.format).toBe('reclmis-explanation/1');
    expect(json.note.words.map(({ label }) => label)).toEqual(['one', 'area', 'left', 'lung', '‹padding›']);
    expect(json.poi.map((row) => row.length)).toEqual([2, 2]);
    // Six figures each.
    expect(sum(json.poi.flat())).toBeCloseTo(1, 4);
    expect(sum(json.woi.tokens)).toBeCloseTo(1, 4);
    expect(json.woi.words).toEqual([...json.woi.tokens.slice(0, 4), 0]);
    expect(json.gradCam).toMatchObject({ layer: 'up4' });
    const { attn_text: text, attn_img: patches } = json.attention;
    expect([text.weights.length, text.weights[0]?.length, text.weights[0]?.[0]?.length]).toEqual([4, 6, 4]);
    expect([patches.from, patches.to, patches.weights[0]?.[0]?.length]).toEqual(['patches', 'words', 6]);
    for (const row of [...text.weights.flat(), ...patches.weights.flat()]) expect(sum(row)).toBeCloseTo(1, 4);
  });

  it('says what does not apply, and has no figure of it', async () => {
    const dir = join(root, 'free');
    await writeCaseReport(dir, explained({ ...TINY, components: NOTE_FREE }), ABOUT);
    expect(existsSync(join(dir, 'grad-cam.svg'))).toBe(true);
    for (const name of ['poi', 'woi', 'attention-words'])
      expect(existsSync(join(dir, `${name}.svg`))).toBe(false);
    const html = readFileSync(join(dir, 'report.html'), 'utf8');
    expect(
      html.match(/Does not apply: this model reads no note \(model\.components\.ci is off\)/g),
    ).toHaveLength(3);
    expect(JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'))).toMatchObject({
      note: null,
      poi: { missing: expect.stringContaining('reads no note') as unknown },
    });
  });
});

describe('attentionPicker', () => {
  it.each(['cross', 'self'] as const)('has one answer for each choice, with %s-attention', async (ci) => {
    const { explanation } = explained({ ...TINY, attention: { ci, reconstruction: 'cross' } });
    const { attention, note } = explanation;
    if (!('text' in attention) || !note) throw new Error('expected attention');
    const counts = { words: 4, patches: 4 };
    for (const [id, map] of [
      ['t', attention.text],
      ['i', attention.image],
    ] as const) {
      const { html, style } = await attentionPicker(map, { id, image, side: 2, groups: note.groups });
      const page = html.toString();
      const heads = map.from === 'words' && map.to === 'patches' ? 5 : 1;
      expect(page.match(/<input /g)).toHaveLength(counts[map.from] + heads);
      expect(page.match(/ checked>/g)).toHaveLength(2);
      for (let q = 0; q < counts[map.from]; q++) {
        expect(page).toContain(`<label for="${id}q${q}"`);
        for (let h = 0; h < heads; h++) {
          expect(page.match(new RegExp(`class="[^"]* q${q} h${h}"`, 'g'))).toHaveLength(1);
          expect(style).toContain(
            `#${id}q${q}:checked ~ #${id}h${h}:checked ~ * .q${q}.h${h} { display: block; }`,
          );
        }
      }
    }
  });

  it('takes the mean of a word of several tokens as what asks, and their sum as what is asked', () => {
    const plane = Float32Array.from([1, 0, 0, 0.5, 0.25, 0.25, 0, 0, 1]); // [3 tokens, 3 keys]
    expect([...meanOfRows(plane, [0, 1], 3)]).toEqual([0.75, 0.125, 0.125]);
    const group = (tokens: number[]): TokenGroup => ({ kind: 'word', text: 'x', tokens });
    expect(sumByGroup([group([0, 1]), group([2])], [0.5, 0.25, 0.25])).toEqual([0.75, 0.25]);
  });
});

describe('figures', () => {
  it('draw a patch in the colour of its number', () => {
    const { data } = patchesOver(image, { side: 2, values: [0, 0.5, 1, 0] }, 1);
    const pixel = (x: number, y: number): number[] => [
      ...data.subarray(3 * (y * 24 + x), 3 * (y * 24 + x) + 3),
    ];
    const mixed = (value: number): number[] => heatColour(value).map((c) => Math.floor(40 + 0.6 * c + 0.5));
    expect(pixel(11, 7)).toEqual(mixed(0));
    expect(pixel(12, 7)).toEqual(mixed(0.5));
    expect(pixel(0, 8)).toEqual(mixed(1));
  });

  it('have a bar with the scale, also where all is 0', async () => {
    for (const max of [0.5, 0]) {
      const svg = await mapFigure({
        title: 't',
        captions: ['c'],
        panels: [{ label: 'l', image }],
        bar: { max, label: 'b' },
      });
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg.match(/<rect /g)).toHaveLength(64 + 1);
    }
  });

  it('write shares for people', () => {
    expect([0, 0.0004, 0.05, 0.999].map(percentText)).toEqual(['0.0 %', '<0.1 %', '5.0 %', '99.9 %']);
  });
});

describe('camZones', () => {
  // The upper third: 9 on the image's right, 1 on its left; and 2 below.
  const cam = { layer: 'x', channels: 1, side: 6, score: 0, pixels: 1, values: new Float32Array(36) };
  cam.values[5] = 9;
  cam.values[0] = 1;
  cam.values[35] = 2;
  const size = { width: 6, height: 6 };

  it('measures the map in the zones that the note names, by either convention of left and right', () => {
    const note = 'one infected area, upper left lung';
    expect(camZones(cam, note, size, 'patient')).toEqual({
      named: ['upper left'],
      inside: 0.75,
      area: 1 / 6,
    });
    expect(camZones(cam, note, size, 'image')).toEqual({
      named: ['upper left'],
      inside: 1 / 12,
      area: 1 / 6,
    });
  });

  it('has nothing to say of a note without zones or with all, or of a map of zeros', () => {
    expect(camZones(cam, 'all left lung and all right lung', size, 'patient')).toBeNull();
    expect(camZones(cam, 'the nuclei are sparsely distributed', size, 'patient')).toBeNull();
    const none = { ...cam, values: new Float32Array(36) };
    expect(camZones(none, 'upper left lung', size, 'patient')).toBeNull();
  });
});

describe('writeFolderReport', () => {
  it('leads to each case, names the failed ones, and cuts sheets by rows', async () => {
    const dir = join(root, 'folder');
    const row = await sheetRow(explained(TINY));
    // One a third denser than even, one even, the rest without zones.
    const shares = [0.75, 0.25, 0.5];
    const zones = (i: number): CamZones | null =>
      i < 3 ? { named: ['upper left'], inside: shares[i] ?? NaN, area: 0.5 } : null;
    const cases = Array.from({ length: 9 }, (_, i) => ({
      id: `sub/a ${i}`,
      share: 0.25,
      note: 'left',
      zones: zones(i),
      row,
    }));
    const error = { code: 'IMAGE_UNREADABLE', message: 'bad.png: cut short' };
    const all = [...cases, { id: 'bad', share: null, note: null, zones: null, row: null, error }];
    const files = await writeFolderReport(dir, all, { title: 'Why', layer: 'up4', about: ABOUT });
    expect(files).toEqual([
      'contact-sheet-1.svg',
      'contact-sheet-1.png',
      'contact-sheet-2.svg',
      'contact-sheet-2.png',
      'report.html',
      'report.json',
    ]);
    const html = readFileSync(join(dir, 'report.html'), 'utf8');
    expect(html).toContain('<a href="sub/a%204/report.html">sub/a 4</a>');
    expect(html).toContain('IMAGE_UNREADABLE: bad.png: cut short');
    const json = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as {
      cases: unknown[];
      gradCamZones: unknown;
    };
    expect(json.cases).toHaveLength(10);
    expect(json.gradCamZones).toEqual({ cases: 3, inside: 0.5, area: 0.5, denser: 1 / 3 });
    expect(html).toContain('50.0 % of the map lies in the zones that the note names');
    expect(json.cases[9]).toEqual({ id: 'bad', share: null, note: null, gradCamZones: null, error });
  });
});

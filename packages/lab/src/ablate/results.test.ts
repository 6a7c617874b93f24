import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { studyFigure } from './figure.js';
import { writeStudyReport } from './report.js';
import {
  type CellResult,
  describeStarts,
  resultLatex,
  resultMarkdown,
  resultTable,
  type StudyResult,
} from './results.js';

function cell(
  name: string,
  values: Record<string, unknown>,
  dice: readonly (number | null)[],
  paper: CellResult['paper'] = null,
  start = 'from scratch',
): CellResult {
  return {
    name,
    label: `the ${name}`,
    values,
    paper,
    runs: dice.map((value, i) => ({
      seed: i + 1,
      state: value === null ? 'failed' : 'done',
      dir: `runs/${name}/seed-${i + 1}`,
      seconds: 60,
      epochs: 0, // no folder with learning curves
      start,
      score: value === null ? null : score(value),
    })),
    intervals: null,
    test: null,
  };
}

function score(dice: number): NonNullable<CellResult['runs'][number]['score']> {
  const measures = { dice, iou: dice - 0.1, precision: 1, recall: 1 };
  return {
    format: 'reclmis-ablation-score/1',
    checkpoint: { kind: 'best', epoch: 2, step: 4 },
    data: { name: 'made', cases: 3, fingerprint: 'f' },
    size: 32,
    images: 3,
    mean: measures,
    pooled: measures,
  };
}

const made = (cells: readonly CellResult[], more: Partial<StudyResult> = {}): StudyResult => ({
  format: 'reclmis-ablation/1',
  name: 'made',
  title: 'Made',
  source: 'Table 0',
  remark: '',
  best: 'all',
  bestBy: 'paper',
  columns: [{ path: 'model.components.ci', title: 'CI' }],
  axes: null,
  seeds: [1, 2],
  setting: { data: ['made (3 test cases)'], epochs: [2], size: [32] },
  withoutPaper: null,
  cells,
  ...more,
});

const TABLE = made([
  cell('all', { 'model.components.ci': true }, [0.8, 0.84], { dice: 84.84, miou: 76.44 }),
  cell('none', { 'model.components.ci': false }, [0.7, 0.78], { dice: 79.37, miou: 70 }),
  cell('lost', { 'model.components.ci': false }, [0.5, null]),
]);

describe('the table', () => {
  it('has means, deviations, differences seed by seed, and the paper’s figures', () => {
    const { columns, rows } = resultTable(TABLE);
    expect(columns).toEqual([
      'cell',
      'CI',
      'seeds',
      'Dice',
      'mIoU',
      'Δ Dice',
      'paper: Dice',
      'paper: mIoU',
      'paper: Δ Dice',
    ]);
    expect(rows).toEqual([
      // 80 and 84: mean 82, deviation sqrt(2² + 2²) = 2.83
      ['the all (best in the paper)', '✓', '2', '82.00 ± 2.83', '72.00 ± 2.83', '', '84.84', '76.44', ''],
      // 70 and 78: deviation 5.66; differences -10 and -6: mean -8, deviation 2.83
      ['the none', '–', '2', '74.00 ± 5.66', '64.00 ± 5.66', '−8.00 ± 2.83', '79.37', '70.00', '−5.47'],
      ['the lost', '–', '1 of 2, 1 failed', '50.00', '40.00', '−30.00', '', '', ''],
    ]);
  });

  it('calls the cell to compare with the paper’s best only if the paper names it', () => {
    const cells = [cell('all', { 'model.components.ci': true }, [0.8])];
    const own = made(cells, { bestBy: 'study', source: 'Our own question' });
    expect(resultTable(own).rows[0]?.[0]).toBe('the all (reference)');
    for (const text of [resultMarkdown(own, null), resultLatex(own)])
      expect(text).not.toContain('in the paper');
    const axes = [{ path: 'model.components.ci', values: [1] }];
    expect(resultTable({ ...own, axes }).rows[0]?.[0]).toBe('✓ (reference)');
  });

  it('leaves out what the study does not have', () => {
    const { columns, rows } = resultTable(
      made([cell('all', { 'model.components.ci': true }, [])], { best: null }),
    );
    expect(columns).toEqual(['cell', 'CI', 'seeds', 'Dice', 'mIoU']);
    expect(rows).toEqual([['the all', '✓', '0 of 2', '–', '–']]);
  });

  it('says what runs started from, in a column where they differ', () => {
    expect(describeStarts(TABLE)).toBe('All runs trained from scratch.');
    expect(resultMarkdown(TABLE, null)).toContain('All runs trained from scratch.');
    const values = { 'model.components.ci': true };
    const mixed = made([
      cell('all', values, [0.8]),
      cell('tuned', values, [0.9], null, 'swin_small.pth (swin)'),
      cell('absent', values, []),
    ]);
    const { columns, rows } = resultTable(mixed);
    const at = columns.indexOf('starting weights');
    expect(rows.map((row) => row[at])).toEqual(['from scratch', 'swin_small.pth (swin)', '']);
    expect(describeStarts(mixed)).toBe('');
    expect(resultMarkdown(mixed, null)).not.toContain('All runs');
    expect(describeStarts(made([cell('absent', values, [])]))).toBe('');
  });

  it('is the same in Markdown and LaTeX, with what the figures are', () => {
    const markdown = resultMarkdown(TABLE, null);
    expect(markdown).toMatch(/^# Made\n\nTable 0\.\n\n\| cell/);
    expect(markdown).toContain('Test split of made (3 test cases), 32 x 32, at most 2 epochs.');
    expect(markdown).toContain('| −8.00 ± 2.83 |');
    const latex = resultLatex(TABLE);
    expect(latex).toContain('the none & – & 2 & 74.00 $\\pm$ 5.66');
    expect(latex).toContain('$\\Delta$ Dice');
    expect(latex).toContain('\\label{tab:made}');
  });
});

const AXES = [
  { path: 'model.maskRatios.visual', values: [0.1, 0.5] },
  { path: 'model.maskRatios.textual', values: [0.3, 0.9] },
];
const GRID = made(
  AXES[0]!.values.flatMap((x) =>
    AXES[1]!.values.map((y) =>
      cell(
        `visual-${x}-textual-${y}`,
        { [AXES[0]!.path]: x, [AXES[1]!.path]: y },
        x === 0.1 && y === 0.9 ? [] : [x + y / 10],
      ),
    ),
  ),
  { axes: AXES, best: 'visual-0.5-textual-0.3', columns: AXES.map(({ path }) => ({ path, title: path })) },
);

describe('the picture', () => {
  it('of two numbers is a grid: a square for each pair, shaded by its figure, the paper’s best framed', () => {
    const svg = studyFigure(GRID) ?? '';
    const fills = [...svg.matchAll(/<rect [^>]*fill="(rgb\([^"]+\))" stroke="white"/g)].map(
      ([, fill]) => fill,
    );
    // Columns by words, from below: 0.1/0.3 = 13 (lowest, white), 0.5/0.3 = 53, none (white), 0.5/0.9 = 59 (highest,
    // three quarters of blue).
    expect(fills).toEqual(['rgb(255,255,255)', 'rgb(89,163,205)', 'rgb(255,255,255)', 'rgb(64,149,197)']);
    expect(svg.match(/fill="none" stroke="rgb\(213,94,0\)" stroke-width="3"/g)).toHaveLength(2); // the square and its key
  });

  it('of one number is a line with deviations', () => {
    const path = 'model.layers';
    const svg = studyFigure(
      made(
        [1, 2, 3].map((layers) =>
          cell(`layers-${layers}`, { [path]: layers }, [0.5 + layers / 10, 0.52 + layers / 10]),
        ),
        { axes: [{ path, values: [1, 2, 3] }], best: 'layers-2', columns: [{ path, title: 'layers' }] },
      ),
    );
    expect(svg?.match(/<circle/g)).toHaveLength(6);
    const bars = [...(svg ?? '').matchAll(/<path d="((?:M[\d.]+ [\d.]+V[\d.]+)+)" stroke="rgb/g)];
    expect(bars.map(([, path = '']) => path.split('M').length - 1)).toEqual([3, 3]);
  });

  it.each([
    { values: [1, 2, 3], least: 3 },
    { values: [0.1, 0.3, 0.5], least: 5 },
  ])('has numbers along the axis of $values', ({ values, least }) => {
    const path = 'model.value';
    const cells = values.map((value) => cell(`value-${value}`, { [path]: value }, [0.5, 0.6]));
    const svg = studyFigure(made(cells, { axes: [{ path, values }], columns: [{ path, title: 'value' }] }));
    const ticks = [...(svg ?? '').matchAll(/<path d="M([\d.]+) [\d.]+v5"/g)].map(([, x]) => Number(x));
    expect(ticks.length).toBeGreaterThanOrEqual(least);
    expect(Math.max(...ticks) - Math.min(...ticks)).toBeGreaterThan(300); // from one end of the axis to the other
  });

  it('is none for a list of cells, and for a grid without figures', () => {
    expect(studyFigure(TABLE)).toBeNull();
    expect(studyFigure({ ...GRID, cells: GRID.cells.map((one) => ({ ...one, runs: [] })) })).toBeNull();
  });
});

describe('writeStudyReport', () => {
  it('writes what people, papers and programs read', async () => {
    const out = mkdtempSync(join(tmpdir(), 'reclmis-report-'));
    await writeStudyReport(out, GRID);
    expect(readdirSync(out).sort()).toEqual([
      'plot.png',
      'plot.svg',
      'report.html',
      'results.json',
      'results.md',
      'results.tex',
    ]);
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))).toEqual(GRID);
    expect(readFileSync(join(out, 'results.md'), 'utf8')).toContain('](plot.svg)');
    const html = readFileSync(join(out, 'report.html'), 'utf8');
    expect(html).toContain('<td class="right">53.00</td>');
    expect(html).toContain('For research only; not for diagnosis.');
    expect(readFileSync(join(out, 'plot.png')).subarray(1, 4).toString()).toBe('PNG');
    rmSync(out, { recursive: true });
  });
});

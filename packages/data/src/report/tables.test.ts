import { describe, expect, it } from 'vitest';
import { escapeLatex, escapeMarkdown, latexTable, markdownTable, meanAndDeviation } from './tables.js';

describe('markdownTable', () => {
  it('pads columns and aligns figures to the right', () => {
    expect(
      markdownTable(
        ['model', 'Dice'],
        [
          ['RecLMIS', '85.22 ± 0.1'],
          ['U-Net', '79'],
        ],
      ),
    ).toBe(
      [
        '| model   |        Dice |',
        '| ------- | ----------: |',
        '| RecLMIS | 85.22 ± 0.1 |',
        '| U-Net   |          79 |',
        '',
      ].join('\n'),
    );
  });

  it('escapes what would break a cell or become markup', () => {
    expect(escapeMarkdown('a|b_c*d & <e> %')).toBe('a\\|b\\_c\\*d &amp; &lt;e> %');
    expect(escapeMarkdown('two\nlines \\ `code` [x]')).toBe('two lines \\\\ \\`code\\` \\[x\\]');
  });

  it('refuses rows of another length, and a table without columns', () => {
    expect(() => markdownTable(['a', 'b'], [['1', '2'], ['3']])).toThrow('row 2: expected 2 cells, got 1');
    expect(() => markdownTable([], [])).toThrow(RangeError);
  });
});

describe('latexTable', () => {
  it('writes a floating table', () => {
    expect(
      latexTable(['cell', 'Dice'], [['no CLR & CVR', '84.4 ± 0.2']], {
        caption: '5 % of all',
        label: 'tab:x',
      }),
    ).toBe(
      [
        '\\begin{table}',
        '  \\centering',
        '  \\begin{tabular}{lr}',
        '    \\toprule',
        '    cell & Dice \\\\',
        '    \\midrule',
        '    no CLR \\& CVR & 84.4 $\\pm$ 0.2 \\\\',
        '    \\bottomrule',
        '  \\end{tabular}',
        '  \\caption{5 \\% of all}',
        '  \\label{tab:x}',
        '\\end{table}',
        '',
      ].join('\n'),
    );
  });

  it('escapes every character that LaTeX reads, once', () => {
    expect(escapeLatex('a|b % c & d_e ± f')).toBe('a$|$b \\% c \\& d\\_e $\\pm$ f');
    expect(escapeLatex('\\{}$#~^')).toBe(
      '\\textbackslash{}\\{\\}\\$\\#\\textasciitilde{}\\textasciicircum{}',
    );
  });

  it('refuses a label that LaTeX would read', () => {
    expect(() => latexTable(['a'], [], { caption: '', label: 'a_b' })).toThrow('label: expected letters');
    expect(() => latexTable(['a'], [], { caption: '', label: 'a}b' })).toThrow(RangeError);
  });
});

describe('meanAndDeviation', () => {
  it("gives the sample's deviation, none of one value, a dash of none", () => {
    expect(meanAndDeviation([1, 3])).toBe('2.00 ± 1.41'); // sqrt(((1-2)² + (3-2)²) / 1)
    expect(meanAndDeviation([84.5], 1)).toBe('84.5');
    expect(meanAndDeviation([])).toBe('–');
  });
});

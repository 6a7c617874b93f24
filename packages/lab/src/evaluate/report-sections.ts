/** A report's sections (docs/reference/measures.md). */
import {
  type Content,
  details,
  figure,
  gallery,
  heading,
  type Html,
  joined,
  list,
  markup,
  paragraph,
  picture,
  type ReportSection,
  table,
  warning,
} from '@reclmis/data';
import { fixedText } from '../plots/text.js';
import type { Difference } from './compare.js';
import { splitText } from './open.js';
import { EXAMPLE_KINDS, type Example } from './examples.js';
import type { NamedRun } from './figures.js';
import { describeResizing } from './resizing.js';
import type { MeasureDistribution, Figure } from './summary.js';

export interface ExamplePicture {
  readonly example: Example;
  readonly png: Uint8Array;
}

/** `91.23 (90.10 to 92.30)`; shares in percent. */
export function figureText({
  unit,
  value,
  low,
  high,
}: Pick<Figure, 'unit' | 'value' | 'low' | 'high'>): string {
  const text = (x: number | null): string => (x === null ? '–' : fixedText(unit === '%' ? 100 * x : x, 2));
  return value === null ? '–' : `${text(value)} (${text(low)} to ${text(high)})`;
}

/** `Dice, mean over images, %`. */
export function figureName({ label, form, unit }: Pick<Figure, 'label' | 'form' | 'unit'>): string {
  return `${label}, ${form === 'mean' ? 'mean over images' : 'pooled over all pixels'}, ${unit}`;
}

export function warningsOf(runs: readonly NamedRun[]): Html {
  return joined(
    runs.map(({ name, report }) =>
      report.warnings.map((line) => warning(runs.length > 1 ? `${name}: ${line}` : line)),
    ),
  );
}

export function scoresSection(runs: readonly NamedRun[]): ReportSection {
  const keys = [...new Set(runs.flatMap(({ report }) => report.figures.map(({ key }) => key)))];
  const rows = keys.map((key): Content[] => {
    const found = runs.map(({ report }) => report.figures.find((one) => one.key === key));
    const known = found.find((one) => one !== undefined);
    return [known ? figureName(known) : key, ...found.map((one) => (one ? figureText(one) : '–'))];
  });
  const missing = runs.flatMap(({ name, report }) => {
    const total = report.evaluation.rows.length;
    const without = report.evaluation.rows.filter(({ hd95 }) => hd95 === null).length;
    return without === 0
      ? []
      : [
          `${name}: ${without} of ${total} images have no distance, because only one of the two masks is empty.`,
        ];
  });
  return {
    id: 'scores',
    title: 'Scores',
    html: joined(
      table(['figure', ...runs.map(({ name }) => name)], rows),
      paragraph(
        'In brackets: 95 % intervals from a bootstrap over patients (an image whose name does not identify a patient counts as one). Distances are in pixels of the model’s square input and exclude images with only one empty mask.',
      ),
      missing.length > 0 ? list(missing) : '',
    ),
  };
}

export function distributionSection(runs: readonly NamedRun[], svg: string): ReportSection {
  const row = (name: string, one: MeasureDistribution): Content[] => {
    const share = !/^(hd95|assd)/.test(one.key);
    const text = (x: number): string => (share ? (100 * x).toFixed(2) : x.toFixed(2));
    return [
      ...(runs.length > 1 ? [name] : []),
      DISTRIBUTED[one.key],
      one.images,
      ...[one.min, one.quartile1, one.median, one.quartile3, one.max].map(text),
    ];
  };
  return {
    id: 'distribution',
    title: 'Distribution over images',
    html: joined(
      figure(svg, {
        alt: 'Histograms of Dice and HD95 over the images',
        caption: 'Images by Dice and by HD95, in 20 bins.',
      }),
      table(
        [
          ...(runs.length > 1 ? ['run'] : []),
          { title: 'measure', align: 'left' as const },
          'images',
          ...['least', '1st quartile', 'median', '3rd quartile', 'greatest'],
        ],
        runs.flatMap(({ name, report }) => report.distributions.map((one) => row(name, one))),
      ),
    ),
  };
}

const DISTRIBUTED: Readonly<Record<MeasureDistribution['key'], string>> = {
  dice: 'Dice, %',
  iou: 'IoU, %',
  precision: 'precision, %',
  recall: 'recall, %',
  hd95: 'HD95, px',
  assd: 'ASSD, px',
  hd95Mm: 'HD95, mm',
  assdMm: 'ASSD, mm',
};

export function comparisonSection(
  runs: readonly NamedRun[],
  differences: readonly Difference[],
  svg: string,
): ReportSection {
  const several = runs.length > 2;
  const p = (value: number | null): string =>
    value === null ? '–' : value < 0.001 ? '< 0.001' : value.toFixed(3);
  return {
    id: 'comparison',
    title: 'Comparison',
    html: joined(
      figure(svg, {
        alt: 'Differences between runs with their intervals',
        caption: 'To the right of zero, the run that is named first is better.',
      }),
      table(
        [
          'difference',
          { title: 'figure', align: 'left' as const },
          'difference (95 % interval)',
          'p',
          ...(several ? ['p after Holm'] : []),
        ],
        differences.map((one) => [
          `${runs[one.second]?.name ?? ''} less ${runs[one.first]?.name ?? ''}`,
          figureName(one),
          figureText(one),
          p(one.p),
          ...(several ? [p(one.corrected)] : []),
        ]),
      ),
      paragraph(
        'All runs were scored on the same cases; patients were resampled for all at once, so shared difficulty cancels out (paired bootstrap). Differences of shares are in percentage points. p is two-sided',
        several ? '; Holm’s correction covers all pairs of runs, separately for each figure.' : '.',
      ),
    ),
  };
}

export function strataSection(runs: readonly NamedRun[], svg: string): ReportSection {
  const rows = runs.flatMap(({ name, report }) =>
    report.strata.map(({ kind, name: part, images, patients, figures }): Content[] => {
      const of = (key: Figure['key']): string => {
        const found = figures.find((one) => one.key === key);
        return found ? figureText(found) : '–';
      };
      return [
        ...(runs.length > 1 ? [name] : []),
        kind,
        part,
        images,
        patients,
        of('dice'),
        of('iou'),
        of('hd95'),
      ];
    }),
  );
  const left = (title: string): { title: string; align: 'left' } => ({ title, align: 'left' });
  return {
    id: 'parts',
    title: 'By note and lesion size',
    html: joined(
      figure(svg, {
        alt: 'Mean Dice of subsets of the images',
        caption: 'In brackets: number of images.',
      }),
      table(
        [
          ...(runs.length > 1 ? [left('run')] : []),
          ...[left('kind'), left('class')],
          ...['images', 'patients', 'Dice, %', 'IoU, %', 'HD95, px'],
        ],
        rows,
      ),
      paragraph(
        'Classes come from each case’s own note, whichever note the model was given. An image whose note names several zones counts in each. Sizes are quartiles, by true area, of the images that have a lesion.',
      ),
    ),
  };
}

export function probabilitySection(
  runs: readonly NamedRun[],
  thresholds: string,
  reliability: string,
): ReportSection {
  const percent = (value: number): string => (Number.isNaN(value) ? '–' : (100 * value).toFixed(2));
  const rows = runs.map(({ name, report }): Content[] => {
    const { calibration, curve } = report.evaluation.probabilities;
    const best = curve.reduce(
      (a, b) => (b.mean.dice > a.mean.dice ? b : a),
      curve[0] ?? { threshold: Number.NaN, mean: { dice: Number.NaN } },
    );
    return [
      name,
      percent(calibration.expectedError),
      percent(calibration.maximumError),
      calibration.brier.toFixed(4),
      `${percent(best.mean.dice)} at ${best.threshold.toFixed(2)}`,
    ];
  });
  return {
    id: 'probabilities',
    title: 'Thresholds and calibration',
    html: joined(
      figure(thresholds, {
        alt: 'Scores by threshold',
        caption: 'All other figures in this report use threshold 0.5.',
      }),
      figure(reliability, { alt: 'Reliability curve', caption: 'Reliability over all pixels, in 10 bins.' }),
      table(
        [
          'run',
          'expected calibration error, %',
          'largest error in a bin, %',
          'Brier score',
          'best mean Dice, %',
        ],
        rows,
      ),
      paragraph(
        'Most pixels are certain background, so errors over all pixels are small; use them to compare models. Test a threshold chosen on these images on other images.',
      ),
    ),
  };
}

export function examplesSection(
  pictures: readonly (readonly [name: string, pictures: readonly ExamplePicture[]])[],
): ReportSection {
  return {
    id: 'cases',
    title: 'Cases',
    html: joined(
      paragraph('The truth is outlined in sky blue; the prediction is the orange area.'),
      pictures.map(([name, own]) => [
        pictures.length > 1 ? heading(name) : '',
        EXAMPLE_KINDS.map((kind) => {
          const chosen = own.filter(({ example }) => example.kind === kind);
          if (chosen.length === 0) return '';
          return details(
            `The ${chosen.length} ${kind === 'median' ? 'nearest to the median' : kind}, by Dice`,
            gallery(...chosen.map(examplePicture)),
            { open: kind === 'worst' },
          );
        }),
      ]),
    ),
  };
}

function examplePicture({ example, png }: ExamplePicture): Html {
  const { row, note } = example;
  const distance = row.hd95 === null ? 'no distance' : `HD95 ${row.hd95.toFixed(1)} px`;
  return picture(png, {
    alt: `${row.id}: truth and prediction`,
    width: 224,
    caption: markup`<b>${row.id}</b><br>Dice ${(100 * row.dice).toFixed(2)} %, ${distance}<br>${note === '' ? 'no note' : note}`,
  });
}

export function dataSection(runs: readonly NamedRun[]): ReportSection {
  const code = (text: string): Html => markup`<code>${text}</code>`;
  const rows = runs.map(({ name, report }): Content[] => {
    const { evaluation, fit } = report;
    const data = (
      one: { readonly name: string; readonly cases: number; readonly fingerprint: string } | null,
    ): Content =>
      one === null
        ? 'not known'
        : joined(`${one.name}, ${one.cases} cases, `, code(one.fingerprint.slice(0, 16)));
    return [
      name,
      `${evaluation.checkpoint.kind}, epoch ${evaluation.checkpoint.epoch}`,
      evaluation.start,
      data(fit.train),
      data(fit.val),
      joined(data(evaluation.data), `, ${splitText(evaluation.data)}`),
      evaluation.noteStyle === 'free' ? `${evaluation.notes}, free text read` : evaluation.notes,
      [`${evaluation.size} x ${evaluation.size}`, describeResizing(evaluation.resize, evaluation.rows.length)]
        .filter((text) => text !== '')
        .join(', '),
      evaluation.groups.count,
    ];
  });
  const left = (title: string): { title: string; align: 'left' } => ({ title, align: 'left' });
  return {
    id: 'data',
    title: 'Runs and data',
    html: joined(
      table(
        [
          ...[
            left('run'),
            left('checkpoint'),
            left('starting weights'),
            left('trained on'),
            left('best epoch by'),
            left('evaluated on'),
            left('notes'),
          ],
          ...['pixels', 'patients'],
        ],
        rows,
      ),
      paragraph(
        'The fingerprint of a data set is a hash of ids, notes and file sizes. Patients are identified by file name',
        patternText(runs),
        '; an image whose name does not identify a patient counts as one.',
      ),
    ),
  };
}

function patternText(runs: readonly NamedRun[]): Content {
  const patterns = [...new Set(runs.map(({ report }) => report.evaluation.groups.pattern))];
  if (patterns.every((pattern) => pattern === '')) return ' (QaTa-COV19, BIDS, TCGA)';
  return joined(
    ' (',
    patterns.map((pattern, i) => [i > 0 ? ', ' : '', markup`<code>${pattern || 'known names'}</code>`]),
    ')',
  );
}

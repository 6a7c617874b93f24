/**
 * The report of an evaluation, in a folder: its files are in docs/guide/evaluate.md. Replaces another
 * report's files, each whole or not at all.
 */
import { join } from 'node:path';
import { resizeImage, type RgbImage } from '@reclmis/core';
import { encodePng, renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { page, type ReportSection } from '@reclmis/data';
import { names } from '../runs/runs.js';
import type { RunReport } from './collect.js';
import { confidenceSection } from './confidence-section.js';
import type { Difference } from './compare.js';
import { classesToCsv } from './by-class.js';
import { classesSection, hasClasses } from './class-section.js';
import { scoresToCsv } from './evaluate.js';
import { splitText } from './open.js';
import { EXAMPLE_KINDS, type Example } from './examples.js';
import {
  calibrationSvg,
  confidenceSvg,
  classesSvg,
  differencesSvg,
  distributionSvg,
  type NamedRun,
  strataSvg,
  thresholdSvg,
} from './figures.js';
import {
  comparisonSection,
  dataSection,
  distributionSection,
  type ExamplePicture,
  examplesSection,
  probabilitySection,
  scoresSection,
  strataSection,
  warningsOf,
} from './report-sections.js';
import type { SideBySide } from './side-by-side.js';
import { sideBySideSection, sideBySideSheet, sideBySideStyle } from './side-by-side-section.js';

/** In a contact sheet, in pixels. */
const TILE = 224;
const ROW = 5;

export interface EvaluationReport {
  readonly runs: readonly RunReport[];
  /** Empty for one run. */
  readonly differences: readonly Difference[];
  /** The same cases by all runs. */
  readonly sideBySide?: SideBySide;
  /** Shown after the scores. */
  readonly sections?: readonly ReportSection[];
  /** For `report.json`, by name. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface ReportFiles {
  readonly html: string;
  readonly json: string;
  readonly cases: readonly string[];
  readonly figures: readonly string[];
}

/** A run's label; for an ensemble, all members. */
function shownName({ run, ensemble }: RunReport['evaluation'], label: string): string {
  if (!ensemble) return label;
  const all = [run, ...ensemble.members.map((member) => member.run)];
  const mean = all.length === 1 ? label : `mean of ${names(all.map((dir) => ({ dir }))).join(' + ')}`;
  return ensemble.flips ? `${mean} with flips` : mean;
}

/** @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeEvaluationReport(dir: string, report: EvaluationReport): Promise<ReportFiles> {
  const labels = names(report.runs.map(({ evaluation }) => ({ dir: evaluation.run })));
  const runs = report.runs.map((one, i): NamedRun => ({
    name: shownName(one.evaluation, labels[i] ?? one.evaluation.run),
    report: one,
  }));
  const fileName = (stem: string, run: NamedRun): string =>
    runs.length === 1
      ? stem
      : `${stem}-${(labels[runs.indexOf(run)] ?? run.name).replaceAll(/[^A-Za-z0-9._-]+/g, '-')}`;

  const drawings: Record<string, string> = {
    distribution: distributionSvg(runs),
    parts: strataSvg(runs),
    thresholds: thresholdSvg(runs),
    calibration: calibrationSvg(runs),
  };
  const confidence = confidenceSvg(runs);
  if (confidence !== null) drawings['confidence'] = confidence;
  if (runs.some(hasClasses)) drawings['classes'] = classesSvg(runs);
  if (runs.length > 1) drawings['comparison'] = differencesSvg(labels, report.differences);
  const figures: string[] = [];
  const figurePath = (name: string): string => {
    const path = join(dir, 'figures', name);
    figures.push(path);
    return path;
  };
  for (const [name, svg] of Object.entries(drawings)) {
    await writeFileAtomic(figurePath(`${name}.svg`), svg);
    await writePngRgb(figurePath(`${name}.png`), await renderSvg(svg));
  }
  const pictures: (readonly [string, ExamplePicture[]])[] = [];
  for (const run of runs) {
    const own: ExamplePicture[] = [];
    for (const example of run.report.examples)
      own.push({ example, png: await encodePng(example.picture, 3) });
    pictures.push([run.name, own]);
    for (const kind of EXAMPLE_KINDS) {
      const chosen = run.report.examples.filter((example) => example.kind === kind);
      if (chosen.length > 0)
        await writePngRgb(figurePath(`${fileName(kind, run)}.png`), contactSheet(chosen));
    }
  }

  const { sideBySide } = report;
  if (sideBySide && sideBySide.examples.length > 0) {
    const svg = sideBySideSheet(sideBySide, labels);
    await writeFileAtomic(figurePath('side-by-side.svg'), svg);
    await writePngRgb(figurePath('side-by-side.png'), await renderSvg(svg));
  }
  const cases: string[] = [];
  for (const run of runs) {
    const path = join(dir, `${fileName('cases', run)}.csv`);
    await writeFileAtomic(path, scoresToCsv(run.report.evaluation.rows));
    cases.push(path);
    const { classes } = run.report;
    if (classes.length === 0) continue;
    const own = join(dir, `${fileName('classes', run)}.csv`);
    await writeFileAtomic(own, classesToCsv(classes));
    cases.push(own);
  }
  const json = join(dir, 'report.json');
  await writeFileAtomic(json, `${JSON.stringify(reportToJson(runs, report), null, 2)}\n`);
  const html = join(dir, 'report.html');
  await writeFileAtomic(html, reportPage(runs, report, drawings, pictures));
  return { html, json, cases, figures };
}

/** All figures but those of single images. */
export function reportToJson(
  runs: readonly NamedRun[],
  { differences, sideBySide, data }: Pick<EvaluationReport, 'differences' | 'sideBySide' | 'data'>,
): object {
  return {
    format: 'reclmis-evaluation/1',
    purpose: 'For research only; not for diagnosis.',
    runs: runs.map(({ name, report }) => {
      const { evaluation, examples, ...rest } = report;
      const { rows: _, ...scores } = evaluation;
      return {
        name,
        ...scores,
        ...rest,
        examples: examples.map(({ kind, row }) => ({ kind, id: row.id, dice: row.dice })),
      };
    }),
    differences: differences.map(({ first, second, ...figures }) => ({
      first: runs[first]?.name,
      second: runs[second]?.name,
      ...figures,
    })),
    ...(sideBySide && {
      sideBySide: sideBySide.examples.map(({ kind, id, difference }) => ({ kind, id, difference })),
    }),
    ...data,
  };
}

function reportPage(
  runs: readonly NamedRun[],
  { differences, sideBySide, sections = [] }: EvaluationReport,
  drawings: Readonly<Record<string, string>>,
  pictures: readonly (readonly [string, readonly ExamplePicture[]])[],
): string {
  const drawing = (name: string): string => drawings[name] ?? '';
  const { evaluation } = runs[0]?.report ?? {};
  const what = evaluation ? describeCases(evaluation) : '';
  return page({
    title: `Evaluation of ${runs.map(({ name }) => name).join(', ')}`,
    subtitle: what,
    lead: warningsOf(runs),
    sections: [
      scoresSection(runs),
      ...(runs.length > 1 ? [comparisonSection(runs, differences, drawing('comparison'))] : []),
      ...(sideBySide
        ? [
            sideBySideSection(
              sideBySide,
              runs.map(({ name }) => name),
            ),
          ]
        : []),
      ...sections,
      ...('confidence' in drawings ? [confidenceSection(runs, drawing('confidence'))] : []),
      ...(runs.some(hasClasses) ? [classesSection(runs, drawing('classes'))] : []),
      distributionSection(runs, drawing('distribution')),
      strataSection(runs, drawing('parts')),
      probabilitySection(runs, drawing('thresholds'), drawing('calibration')),
      examplesSection(pictures),
      dataSection(runs),
    ],
    ...(sideBySide ? { style: sideBySideStyle(sideBySide) } : {}),
    footer: 'Made by reclmis evaluate. Definitions and conventions: docs/reference/measures.md.',
  });
}

/** `QaTa-COV19, test: 527 images of 299 patients`. */
function describeCases({ data, rows, groups }: RunReport['evaluation']): string {
  const images = `${data.name}, ${splitText(data)}: ${rows.length} image${rows.length === 1 ? '' : 's'}`;
  if (groups.named === 0) return `${images}; file names do not identify patients`;
  return `${images} of ${groups.count} patient${groups.count === 1 ? '' : 's'}`;
}

function contactSheet(examples: readonly Example[]): RgbImage {
  const columns = Math.min(ROW, examples.length);
  const gap = 4;
  const width = columns * (TILE + gap) - gap;
  const height = Math.ceil(examples.length / columns) * (TILE + gap) - gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  examples.forEach(({ picture }, i) => {
    const tile = resizeImage(picture, TILE, TILE);
    const x = (i % columns) * (TILE + gap);
    const y = Math.floor(i / columns) * (TILE + gap);
    for (let row = 0; row < TILE; row++)
      data.set(tile.data.subarray(row * TILE * 3, (row + 1) * TILE * 3), ((y + row) * width + x) * 3);
  });
  return { width, height, data };
}

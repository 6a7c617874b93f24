/**
 * Measures every model at inference next to the paper's Tables 1 and 5: parameters, arithmetic, time, memory.
 *
 * Rows follow from the choices of `model.name`; RecLMIS has a second one without notes. The paper's figures
 * are only given for models of its form (base width 64, 224 x 224). `differences` says what theirs count as
 * far as numbers tell, and each model's descriptor the rest.
 */
import { defined } from '@reclmis/core';
import { type Config, resolveConfig } from '../config/config.js';
import type { Table1Row } from '../model/descriptor.js';
import { modelDescriptor, modelNames } from '../model/registry.js';
import { latexTable, markdownTable, type Rows } from '@reclmis/data';
import { benchInfer } from './infer.js';
import { PAPER_FORM, type PaperSystem, TABLE_1, TABLE_5 } from './paper.js';
import type { BenchOptions, BenchReport } from './report.js';

export interface TableEntry {
  readonly title: string;
  readonly table1?: Table1Row;
  readonly config: Config;
}

export interface TableRow {
  readonly title: string;
  readonly parameters: {
    readonly trained: number;
    /** The note encoder's, if its features are read, and the model's untrained ones. */
    readonly frozen: number;
    /** Those that the inference graph reads. */
    readonly inference: number;
  };
  /** Multiplications of an inference, each with an addition. */
  readonly multiplyAdds: number;
  /** Median per image: the model alone, and from decoded picture to mask at its size. */
  readonly seconds: { readonly model: number; readonly whole: number };
  /** In tensors at once, with parameters that only training needs. */
  readonly peakBytes: number;
  /** Null if the paper has no such row or the model is not of its form. */
  readonly paper: (PaperSystem & { readonly milliseconds: number | null }) | null;
  /** Why the paper's figures differ from ours. */
  readonly reasons: Omit<Table1Row, 'title'>;
}

export interface ModelTable {
  readonly format: 'reclmis-models/1';
  readonly rows: readonly TableRow[];
  readonly engine: BenchReport['engine'];
  readonly versions: BenchReport['versions'];
  readonly batchSize: number;
  readonly steps: number;
  readonly imageSize: number;
  readonly baseWidth: number;
}

const NOTE_FREE_TITLE = 'RecLMIS without notes';

/** RecLMIS is followed by its variant without notes. */
export function tableEntries(config: Config): TableEntry[] {
  const of = (overrides: Record<string, unknown>): Config =>
    resolveConfig(structuredClone(config), overrides);
  const off = { ci: false, ccl: false, clr: false, cvr: false };
  return modelNames().flatMap((name) => [
    { ...titles(name), config: of({ 'model.name': name }) },
    ...(name === 'reclmis'
      ? [{ title: NOTE_FREE_TITLE, config: of({ 'model.name': name, 'model.components': off }) }]
      : []),
  ]);
}

function titles(name: string): Pick<TableEntry, 'title' | 'table1'> {
  const { title, table1 = { title } } = modelDescriptor(name);
  return { title, table1 };
}

/** @throws as `benchInfer` */
export async function benchModels(
  entries: readonly TableEntry[],
  options: Pick<BenchOptions, 'steps' | 'warmup'> & {
    /** Called before each model. */
    readonly onModel?: (title: string, done: number) => void;
  } = {},
): Promise<ModelTable> {
  const measured: { entry: TableEntry; report: BenchReport }[] = [];
  for (const entry of entries) {
    options.onModel?.(entry.title, measured.length);
    measured.push({ entry, report: await benchInfer(entry.config, { ...options, peak: false }) });
  }
  const first = measured[0]?.report;
  if (!first) throw new RangeError('benchModels: expected at least one model');
  const { engine, versions, batchSize, steps, model } = first;
  return {
    format: 'reclmis-models/1',
    rows: measured.map(({ entry, report }) => rowOf(entry, report)),
    engine,
    versions,
    batchSize,
    steps,
    imageSize: model.imageSize,
    baseWidth: model.baseWidth,
  };
}

function rowOf({ title, config, table1 }: TableEntry, report: BenchReport): TableRow {
  const { model, flops, secondsPerImage, secondsPerPhase, batchSize, memory } = report;
  const { baseWidth, imageSize } = config.model;
  const ofPaperForm = baseWidth === PAPER_FORM.baseWidth && imageSize === PAPER_FORM.imageSize;
  const paper = ofPaperForm ? TABLE_1.find((system) => system.title === table1?.title) : undefined;
  const { parameters, flops: arithmetic } = paper ? (table1 ?? {}) : {};
  return {
    title,
    parameters: {
      trained: model.trainableParameters,
      frozen: model.frozenParameters ?? 0,
      inference: model.inferenceParameters ?? 0,
    },
    multiplyAdds: flops.forwardPerImage / 2,
    seconds: { model: (secondsPerPhase['forward'] ?? Number.NaN) / batchSize, whole: secondsPerImage.median },
    peakBytes: memory.peakTensorBytes,
    paper: paper ? { ...paper, milliseconds: TABLE_5[title] ?? null } : null,
    reasons: defined({ parameters, flops: arithmetic }),
  };
}

const millions = (count: number): string => (count / 1e6).toFixed(1);
const giga = (count: number): string => (count / 1e9).toFixed(1);

/** Table 1 with Table 5's columns: our models with the paper's figures, then systems only in the paper. */
export function modelRows({ rows }: ModelTable): {
  readonly columns: readonly string[];
  readonly rows: Rows;
} {
  const withPaper = rows.some(({ paper }) => paper !== null);
  const ours = rows.map(({ title, parameters, multiplyAdds, seconds, peakBytes, paper }) => [
    title,
    millions(parameters.trained),
    parameters.frozen === 0 ? '' : millions(parameters.frozen),
    millions(parameters.inference),
    ...(withPaper ? [paper?.parameters.toFixed(1) ?? ''] : []),
    giga(multiplyAdds),
    giga(2 * multiplyAdds),
    ...(withPaper ? [paper?.flops.toFixed(1) ?? ''] : []),
    (1000 * seconds.model).toFixed(0),
    (1000 * seconds.whole).toFixed(0),
    ...(withPaper ? [paper?.milliseconds?.toFixed(1) ?? ''] : []),
    String(Math.round(peakBytes / 2 ** 20)),
  ]);
  const theirs = withPaper
    ? TABLE_1.filter(({ title }) => !rows.some(({ paper }) => paper?.title === title))
    : [];
  return {
    columns: [
      'model',
      'trained, M',
      'frozen, M',
      'at inference, M',
      ...(withPaper ? ['paper, M'] : []),
      'multiply-adds, G',
      'FLOP, G',
      ...(withPaper ? ['paper, G'] : []),
      'model, ms',
      'whole, ms',
      ...(withPaper ? ['paper, ms'] : []),
      'memory, MiB',
    ],
    rows: [
      ...ours,
      ...theirs.map(({ title, parameters, flops }) => [
        title,
        '',
        '',
        '',
        parameters.toFixed(1),
        '',
        '',
        flops.toFixed(1),
        '',
        '',
        '',
        '',
      ]),
    ],
  };
}

/** For the paper's rounding and other readings of a layer. */
const NEAR = 0.015;
const near = (figure: number, own: number): boolean => Math.abs(figure / own - 1) <= NEAR;
/** The paper's figure, seen from ours. */
const apart = (figure: number, own: number): string => {
  const percent = (100 * Math.abs(figure / own - 1)).toFixed(1);
  return `${percent} % ${figure < own ? 'below' : 'above'}`;
};

/** What the paper's figures count, for each model, as far as numbers tell; and whether its rows compare. */
export function differences({ rows }: ModelTable): string[] {
  const known = rows.filter(({ paper }) => paper !== null);
  const lines = known.map((row) =>
    [`${row.title}: ${parametersIn(row)}`, row.reasons.parameters, arithmeticIn(row), row.reasons.flops]
      .filter(Boolean)
      .join(' '),
  );
  const counting = (times: 1 | 2): TableRow[] =>
    known.filter(({ multiplyAdds, paper }) => near((paper?.flops ?? Number.NaN) * 1e9, times * multiplyAdds));
  const [ones, twos] = [counting(1), counting(2)];
  if (ones.length === 0 || twos.length === 0) return lines;
  const titles = (some: readonly TableRow[]): string => some.map(({ title }) => title).join(', ');
  const alike = [...ones, ...twos]
    .map(({ title, multiplyAdds }) => `${title} ${giga(2 * multiplyAdds)} G`)
    .join(', ');
  return [
    ...lines,
    `So the paper counts ${titles(ones)} differently from ${titles(twos)}; on equal terms, with two FLOP for a multiply-add: ${alike}.`,
  ];
}

function parametersIn({ parameters: { trained, frozen, inference }, paper }: TableRow): string {
  const figure = (paper?.parameters ?? Number.NaN) * 1e6;
  const counts = [
    ['what is trained', trained],
    ['what inference reads', inference],
    ['what is trained and what is frozen', trained + frozen],
    ['what inference reads with the frozen note encoder', inference + frozen],
  ] as const;
  const fits = counts.find(([, own]) => near(figure, own));
  const said = `the paper’s ${millions(figure)} M parameters`;
  if (fits) return `${said} are ${fits[0]} (ours ${millions(fits[1])} M).`;
  const listed = counts
    .filter(([, own], i) => counts.findIndex((other) => millions(other[1]) === millions(own)) === i)
    .map(([name, own]) => `${name}, ${millions(own)} M`);
  return `${said} match none of our counts (${listed.join('; ')}).`;
}

function arithmeticIn({ multiplyAdds, paper }: TableRow): string {
  const figure = (paper?.flops ?? Number.NaN) * 1e9;
  const said = `Its ${giga(figure)} G`;
  const asOne = near(figure, multiplyAdds);
  if (asOne || near(figure, 2 * multiplyAdds)) {
    const own = asOne ? multiplyAdds : 2 * multiplyAdds;
    return `${said} count a multiply-add as ${asOne ? 'one' : 'two'} (ours ${giga(own)} G, the paper’s ${apart(figure, own)}).`;
  }
  const closer = Math.abs(Math.log(figure / multiplyAdds)) < Math.abs(Math.log(figure / (2 * multiplyAdds)));
  const own = closer ? multiplyAdds : 2 * multiplyAdds;
  return `${said} are nearest to ours with a multiply-add as ${closer ? 'one' : 'two'}, but ${apart(figure, own)} them (${giga(own)} G).`;
}

/** One paragraph about the columns. */
export function describeModels({
  engine,
  versions,
  batchSize,
  steps,
  imageSize,
  baseWidth,
}: ModelTable): string {
  return (
    `Base width ${baseWidth}, ${imageSize} x ${imageSize}, batches of ${batchSize}, ${engine.precision} on ${engine.device} (${engine.threads} threads, ` +
    `${versions.vectors}, libtorch ${versions.libtorch}), medians of ${steps} steps. "frozen" is the note encoder, of systems whose training or inference reads its features; they ` +
    'are cached, so its work is not counted. "at inference" is what the inference graph reads; a multiply-add is two FLOP, and only products and convolutions count; ' +
    '"model" is the model alone, "whole" runs from a decoded picture of 512 x 512 to its mask; memory is the peak of all tensors, including the parameters that ' +
    'only training needs. The paper’s milliseconds are from an RTX 3090.'
  );
}

export function modelsMarkdown(table: ModelTable): string {
  const { columns, rows } = modelRows(table);
  const said = differences(table).map((line) => `- ${line}`);
  return `${[markdownTable(columns, rows).trimEnd(), describeModels(table), ...(said.length > 0 ? [said.join('\n')] : [])].join('\n\n')}\n`;
}

export function modelsLatex(table: ModelTable): string {
  const { columns, rows } = modelRows(table);
  return latexTable(columns, rows, {
    caption: [describeModels(table), ...differences(table)].join(' '),
    label: 'tab:models',
  });
}

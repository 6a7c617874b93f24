/**
 * A study varies settings (docs/method.md 11: the paper's Tables 2 to 4 and further ablations). It is a YAML
 * file of `configs/ablation/`: shared settings, and cells that each change some, or a `grid` of values, of
 * which every combination is a cell (docs/guide/ablate.md).
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { z } from 'zod';
import {
  type Config,
  explainValue,
  PRESETS_FOLDER,
  readYaml,
  requireSetting,
  resolveConfig,
  withPreset,
} from '../config/config.js';
import { flatten } from '../runs/runs.js';
import { RESUMABLE_SETTINGS } from '../run/checkpoint.js';

/** Names become folders and labels. */
const name = (): z.ZodString =>
  z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens');
const percentage = (): z.ZodNumber => z.number().min(0).max(100);
const seed = (): z.ZodNumber =>
  z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1);
const value = z.union([z.number(), z.boolean(), z.string()]);

/** Who names the best cell: the paper, or the study, as the cell to compare with. */
const BEST_BY = ['paper', 'study'] as const;

const figuresSchema = z.strictObject({ dice: percentage(), miou: percentage() });

const cellSchema = z.strictObject({
  name: name(),
  label: z.string().min(1).optional(),
  set: z.record(z.string(), value),
  paper: figuresSchema.optional(),
});

const studySchema = z.strictObject({
  name: name().optional(),
  title: z.string().min(1),
  source: z.string().min(1),
  remark: z.string().min(1).optional(),
  base: z.record(z.string(), z.unknown()).default({}),
  seeds: z
    .array(seed())
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'different seeds')
    .default([1]),
  phantom: z
    .strictObject({ count: z.number().int().min(3).max(100_000), seed: seed().default(1) })
    .optional(),
  columns: z.record(z.string(), z.string().min(1)).default({}),
  best: z.string().optional(),
  bestBy: z.enum(BEST_BY).optional(),
  cells: z.array(cellSchema).min(1).optional(),
  grid: z.record(z.string(), z.array(value).min(1)).optional(),
});

export type SettingValue = z.infer<typeof value>;

/** Percent, means over images. */
export type PaperFigures = z.infer<typeof figuresSchema>;

export interface Cell {
  /** Also its folder's name. */
  readonly name: string;
  readonly label: string;
  /** By dotted path. */
  readonly set: Readonly<Record<string, SettingValue>>;
  /** Null if the paper gives no figure. */
  readonly paper: PaperFigures | null;
  /** Seed, device and data folder are the base's. */
  readonly config: Config;
}

/** Cells differ in it. */
export interface StudyColumn {
  readonly path: string;
  readonly title: string;
}

export interface Study {
  readonly name: string;
  readonly title: string;
  /** In the paper, or the question it answers. */
  readonly source: string;
  /** May be empty. */
  readonly remark: string;
  readonly seeds: readonly number[];
  /** Drawn without a data set; null if the study needs one. */
  readonly phantom: { readonly count: number; readonly seed: number } | null;
  readonly columns: readonly StudyColumn[];
  /** The cell to compare with; null: none. */
  readonly best: string | null;
  /** `paper`: the one that the paper finds best. */
  readonly bestBy: (typeof BEST_BY)[number];
  readonly cells: readonly Cell[];
  /** Null for a list of cells. */
  readonly axes: readonly { readonly path: string; readonly values: readonly number[] }[] | null;
}

const STUDIES_FOLDER = join(PRESETS_FOLDER, 'ablation');

/** Sorted. */
export function studyNames(): string[] {
  if (!existsSync(STUDIES_FOLDER)) return [];
  return readdirSync(STUDIES_FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** @param asked name or path. @throws CONFIG_UNREADABLE if it is neither */
export function findStudy(asked: string): string {
  if (studyNames().includes(asked)) return join(STUDIES_FOLDER, `${asked}.yaml`);
  if (!existsSync(asked)) {
    throw new ReclmisError(
      'CONFIG_UNREADABLE',
      `${asked}: expected a file or one of ${studyNames().join(', ')}; no file or study has that name`,
    );
  }
  return asked;
}

/** Where to compute, and what to repeat. */
const NOT_OF_A_CELL: readonly string[] = ['seed', ...RESUMABLE_SETTINGS];

/**
 * @param overrides settings by dotted path, over the base and under the cells
 * @throws CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID; OPTION_INVALID for an override of what the
 * cells set
 */
export function loadStudy(file: string, overrides: Readonly<Record<string, unknown>> = {}): Study {
  const tree = readYaml(file);
  const parsed = studySchema.safeParse(tree);
  if (!parsed.success) throw explainStudy(parsed.error, tree, file);
  const { data } = parsed;
  const drafts = draftCells(data, file);
  const paths = [...new Set(drafts.flatMap(({ set }) => Object.keys(set)))];
  paths.forEach((path) => requireOfACell(path, file));
  requireFree(overrides, paths, file);
  const base = withPreset(data.base, file);
  const cells = drafts.map((draft) => ({
    ...draft,
    config: resolveConfig(base, { ...overrides, ...draft.set }, `${file}: cell ${draft.name}`),
  }));
  requireDistinct(cells, file);
  for (const path of Object.keys(data.columns)) {
    if (!paths.includes(path)) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `${file}: columns: expected settings that the cells set (${paths.join(', ')}), got ${path}`,
      );
    }
  }
  return {
    name: data.name ?? basename(file, extname(file)),
    title: data.title,
    source: data.source,
    remark: data.remark ?? '',
    seeds: data.seeds,
    phantom: data.phantom ?? null,
    columns: paths.map((path) => ({ path, title: data.columns[path] ?? path })),
    best: bestOf(data.best, cells, file),
    bestBy: data.bestBy ?? (cells.some(({ paper }) => paper !== null) ? 'paper' : 'study'),
    cells,
    axes: numericAxes(data.grid),
  };
}

type Draft = Omit<Cell, 'config'>;

/** Listed cells, or a grid's, whose last setting varies fastest. */
function draftCells({ cells, grid }: z.infer<typeof studySchema>, file: string): Draft[] {
  if ((cells === undefined) === (grid === undefined))
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${file}: expected either cells or grid, got ${cells ? 'both' : 'neither'}`,
    );
  if (cells) {
    return cells.map(({ name, label = name, set, paper = null }) => ({ name, label, set, paper }));
  }
  const axes = Object.entries(grid ?? {});
  if (axes.length === 0)
    throw new ReclmisError('CONFIG_INVALID', `${file}: grid: expected at least one setting, got none`);
  const sets = axes.reduce<Record<string, SettingValue>[]>(
    (all, [path, values]) => all.flatMap((set) => values.map((one) => ({ ...set, [path]: one }))),
    [{}],
  );
  return sets.map((set) => {
    const parts = Object.entries(set).map(
      ([path, one]) => `${path.slice(path.lastIndexOf('.') + 1)}-${String(one)}`,
    );
    return { name: parts.join('-'), label: parts.join(', ').replaceAll('-', ' '), set, paper: null };
  });
}

function requireOfACell(path: string, file: string): void {
  requireSetting(path, `${file}: a cell`);
  if (NOT_OF_A_CELL.includes(path)) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${file}: a cell sets ${path}: expected a setting of the model or its training`,
      {
        remedy: 'Put seeds under `seeds`, and pass machine-specific settings as flags.',
      },
    );
  }
}

function requireFree(
  overrides: Readonly<Record<string, unknown>>,
  paths: readonly string[],
  file: string,
): void {
  const taken = paths.find((path) => overrides[path] !== undefined);
  if (taken === undefined) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--${taken}: the cells of ${file} set it, so it cannot have one value for all`,
    {
      remedy: 'Choose cells with --cells, or write a study of your own.',
    },
  );
}

/** Equal names would share a folder; equal configurations would repeat a run. */
function requireDistinct(cells: readonly Cell[], file: string): void {
  const names = new Set<string>();
  const seen = new Map<string, string>();
  for (const { name, config } of cells) {
    if (names.has(name))
      throw new ReclmisError('CONFIG_INVALID', `${file}: cells: expected each name once, got ${name} twice`);
    names.add(name);
    const text = JSON.stringify(config);
    const other = seen.get(text);
    if (other !== undefined)
      throw new ReclmisError(
        'CONFIG_INVALID',
        `${file}: cells: ${name} and ${other} are the same configuration`,
      );
    seen.set(text, name);
  }
}

function bestOf(asked: string | undefined, cells: readonly Cell[], file: string): string | null {
  if (asked === undefined) return null;
  if (cells.some((cell) => cell.name === asked)) return asked;
  throw new ReclmisError(
    'CONFIG_INVALID',
    `${file}: best: expected the name of a cell (${cells.map((cell) => cell.name).join(', ')}), got ${asked}`,
  );
}

function numericAxes(grid: Readonly<Record<string, readonly SettingValue[]>> | undefined): Study['axes'] {
  if (!grid) return null;
  const axes = Object.entries(grid).map(([path, values]) => ({
    path,
    values: values.filter((one) => typeof one === 'number'),
  }));
  return axes.every(({ path, values }) => values.length === grid[path]?.length) ? axes : null;
}

function explainStudy(error: z.ZodError, tree: Record<string, unknown>, file: string): ReclmisError {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys');
  if (!unknown) return explainValue(error, tree, file);
  const key = [...unknown.path.map(String), unknown.keys[0] ?? ''].join('.');
  return new ReclmisError('CONFIG_UNKNOWN_KEY', `${file}: unknown key ${key}`, {
    remedy:
      'Correct the spelling or remove the key; configs/ablation/ of @reclmis/lab holds complete examples.',
  });
}

/** Ignores where and with what a run is computed. */
export function firstDifference(
  stored: Config,
  asked: Config,
): { readonly path: string; readonly stored: unknown; readonly asked: unknown } | null {
  const [before, after] = [flatten(stored), flatten(asked)];
  for (const path of new Set([...after.keys(), ...before.keys()])) {
    if (RESUMABLE_SETTINGS.includes(path)) continue;
    const [found, wanted] = [before.get(path), after.get(path)];
    if (JSON.stringify(found) !== JSON.stringify(wanted)) return { path, stored: found, asked: wanted };
  }
  return null;
}

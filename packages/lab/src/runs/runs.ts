/** Lists a folder's runs with their best figures, and compares runs. A damaged run is listed as such. */
import { accessSync, constants, type Dirent, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { COLOURS, ReclmisError, type Rgb } from '@reclmis/core';
import { isLitter, renderSvg, systemCode, writePngRgb } from '@reclmis/files';
import { median } from '../statistics.js';
import { readsNotes } from '../model/registry.js';
import type { Config } from '../config/config.js';
import { type Chart, svgChart } from '../plots/chart.js';
import { openRun, runFiles, type RunInfo, type RunStatus } from '../run/run.js';
import type { EpochRecord } from '../run/metrics-log.js';
import { isHeld } from '../run/run-lock.js';

/** `died`: it says that it runs, but no process does; `damaged`: its files cannot be read. */
export type RunState = RunStatus | 'died' | 'damaged';

export interface RunOverview {
  readonly dir: string;
  readonly state: RunState;
  /** Null unless damaged or failed. */
  readonly problem: string | null;
  readonly data: string | null;
  readonly epochs: number;
  readonly ofEpochs: number | null;
  /** By per-image validation Dice; figures in [0, 1]. */
  readonly best: (EpochRecord['validation'] & { readonly epoch: number }) | null;
  /** Over the epochs. */
  readonly secondsPerImage: number | null;
  readonly seconds: number;
  readonly encoder: string | null;
  /** ISO 8601; null for damaged runs. */
  readonly startedAt: string | null;
}

/** A study has `runs/CELL/seed-N`. */
const DEPTH = 3;

/** Runs in a folder and below, or the folder itself; newest first, damaged ones last. @throws RUN_MISSING */
export function listRuns(folder: string): RunOverview[] {
  if (!existsSync(folder)) throw new ReclmisError('RUN_MISSING', `${folder}: no such folder`);
  if (looksLikeRun(folder)) return [overview(folder)];
  return runsBelow(folder, DEPTH)
    .map(overview)
    .sort((a, b) => (b.startedAt ?? '').localeCompare(a.startedAt ?? '') || (a.dir < b.dir ? -1 : 1));
}

function runsBelow(folder: string, depth: number): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory() && !isLitter(entry.name))
    .map(({ name }) => join(folder, name))
    .flatMap((dir) =>
      looksLikeRun(dir) ? [dir] : depth > 1 && isReadable(dir) ? runsBelow(dir, depth - 1) : [],
    );
}

function isReadable(dir: string): boolean {
  try {
    accessSync(dir, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new ReclmisError('RUN_MISSING', `${folder}: cannot be read as a folder (${systemCode(cause)})`, {
      cause,
    });
  }
}

function looksLikeRun(dir: string): boolean {
  const { info, config } = runFiles(dir);
  return existsSync(info) || existsSync(config);
}

/** Never fails because of a run's files. */
function overview(dir: string): RunOverview {
  try {
    const run = openRun(dir);
    const { info, config } = run;
    const epochs = run.epochs();
    return {
      dir,
      state: info.status === 'running' && !isHeld(dir) ? 'died' : info.status,
      problem: info.error ? `${info.error.code}: ${info.error.message}` : null,
      data: info.data?.train.name ?? null,
      epochs: info.epochs,
      ofEpochs: info.status === 'imported' ? null : config.train.epochs,
      best: bestOf(info, epochs),
      secondsPerImage:
        epochs.length > 0 ? median(epochs.map(({ secondsPerImage }) => secondsPerImage)) : null,
      seconds: info.seconds,
      encoder: readsNotes(config.model) ? config.text.encoder : null,
      startedAt: info.startedAt,
    };
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    return {
      dir,
      state: 'damaged',
      problem: error.message,
      data: null,
      epochs: 0,
      ofEpochs: null,
      best: null,
      secondsPerImage: null,
      seconds: 0,
      encoder: null,
      startedAt: null,
    };
  }
}

function bestOf({ best }: RunInfo, epochs: readonly EpochRecord[]): RunOverview['best'] {
  const record = epochs.find(({ epoch }) => epoch === best?.epoch);
  return record ? { epoch: record.epoch, ...record.validation } : null;
}

/** By dotted path, with each run's value. */
export interface SettingDifference {
  readonly path: string;
  readonly values: readonly unknown[];
}

export interface RunComparison {
  readonly runs: readonly RunOverview[];
  readonly settings: readonly SettingDifference[];
  readonly epochs: readonly (readonly EpochRecord[])[];
}

/** @throws OPTION_INVALID for fewer than two; RUN_MISSING, RUN_INVALID for a folder that is no run. */
export function compareRuns(dirs: readonly string[]): RunComparison {
  if (dirs.length < 2)
    throw new ReclmisError('OPTION_INVALID', `expected at least two runs to compare, got ${dirs.length}`);
  const runs = dirs.map(openRun);
  const flat = runs.map(({ config }) => flatten(config));
  const paths = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  const settings = paths
    .map((path) => ({ path, values: flat.map((own) => own.get(path)) }))
    .filter(({ values }) => values.some((value) => JSON.stringify(value) !== JSON.stringify(values[0])));
  return { runs: dirs.map(overview), settings, epochs: runs.map((run) => run.epochs()) };
}

/** By dotted path; lists are values. */
export function flatten(config: Config): Map<string, unknown> {
  const all = new Map<string, unknown>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, child] of Object.entries(value)) visit(child, path === '' ? key : `${path}.${key}`);
    } else all.set(path, value);
  };
  visit(config, '');
  return all;
}

const PALETTE: readonly Rgb[] = [
  COLOURS.blue,
  COLOURS.vermilion,
  COLOURS.green,
  COLOURS.orange,
  COLOURS.purple,
  COLOURS.skyBlue,
];
const [WIDTH, HEIGHT, GAP] = [1180, 460, 36];

/** Validation Dice and training loss (1180 x 460, PNG). @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeComparison(file: string, { runs, epochs }: RunComparison): Promise<void> {
  await writePngRgb(file, await renderSvg(comparisonSvg(names(runs), epochs)));
}

/** Dashes tell apart more runs than colours. */
export function comparisonSvg(
  labels: readonly string[],
  epochs: readonly (readonly EpochRecord[])[],
): string {
  const chart = (title: string, value: (record: EpochRecord) => number, limits: Partial<Chart>): Chart => ({
    title,
    xLabel: 'epoch',
    series: labels.map((label, i) => ({
      label,
      colour: PALETTE[i % PALETTE.length] ?? COLOURS.blue,
      dashed: i >= PALETTE.length,
      points: (epochs[i] ?? []).map((record) => [record.epoch, value(record)] as const),
    })),
    ...limits,
  });
  const charts = [
    chart('Validation Dice, mean over images', ({ validation }) => validation.dice, { yMin: 0, yMax: 1 }),
    chart('Training loss, weighted', ({ losses }) => losses.total, { scale: 'log' }),
  ];
  const width = (WIDTH - 3 * GAP) / 2;
  const drawn = charts.map((one, i) =>
    svgChart(one, { x: GAP + i * (width + GAP), y: 20, width, height: HEIGHT - 32 }),
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">` +
    `<rect width="100%" height="100%" fill="white"/>${drawn.join('')}</svg>`
  );
}

/** The shortest endings of paths that tell runs apart. */
export function names(runs: readonly Pick<RunOverview, 'dir'>[]): string[] {
  const parts = runs.map(({ dir }) => dir.split(/[/\\]/).filter((part) => part !== '' && part !== '.'));
  const deepest = Math.max(...parts.map(({ length }) => length));
  for (let depth = 1; depth <= deepest; depth++) {
    const short = parts.map((all) => all.slice(-depth).join('/'));
    if (new Set(short).size === runs.length) return short;
  }
  return runs.map(({ dir }) => dir);
}

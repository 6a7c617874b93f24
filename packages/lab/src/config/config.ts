/**
 * Builds one validated, complete `Config` from a preset, a YAML file and overrides.
 *
 * Weakest first: the schema's defaults, the file's preset (a name or another file, which may build on a further one), the
 * file, the overrides (from flags). Only the result is checked.
 */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { editDistance, ReclmisError } from '@reclmis/core';
import { readTextSync } from '@reclmis/files';
import { parseDocument, stringify } from 'yaml';
import type { z } from 'zod';
import { type Config, configSchema, describeSettings } from './config-schema.js';

export {
  type Config,
  type ModelConfig,
  type Setting,
  type TextConfig,
  type TrainConfig,
  describeSettings,
} from './config-schema.js';

/** Settings by dotted path, e.g. `{ 'train.lr': 1e-3 }`; `undefined` changes nothing. */
export type Overrides = Readonly<Record<string, unknown>>;

type Tree = Record<string, unknown>;

const COMMAND_LINE = 'the command line';

/** What runs did before there was a setting, where its default is another. */
const BEFORE: Overrides = { 'text.unknownWords': 'ignored' };

export const PRESETS_FOLDER = fileURLToPath(new URL('../../configs/', import.meta.url));

export function presetNames(): string[] {
  if (!existsSync(PRESETS_FOLDER)) return [];
  return readdirSync(PRESETS_FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** @param file default: none. @throws CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID */
export function loadConfig(file?: string, overrides: Overrides = {}): Config {
  const tree = file === undefined ? {} : readTree(file, file, []);
  return resolveConfig(tree, overrides, file ?? 'the configuration', COMMAND_LINE);
}

/** @throws as `loadConfig` */
export function loadPreset(name: string, overrides: Overrides = {}): Config {
  const tree = readPreset(name, { source: COMMAND_LINE, folder: null }, []);
  return resolveConfig(tree, overrides, `preset ${name}`, COMMAND_LINE);
}

/** Messages name `source`, and `overrider` for the overrides. A `preset` must be a name here. */
export function resolveConfig(
  settings: Readonly<Tree>,
  overrides: Overrides = {},
  source = 'the configuration',
  overrider = source,
): Config {
  const tree = structuredClone(onPreset(settings, { source, folder: null }, []));
  for (const [path, value] of Object.entries(overrides)) {
    if (value !== undefined) setPath(tree, path, value);
  }
  const result = configSchema.safeParse(tree);
  if (!result.success)
    throw explain(result.error, tree, isOverride(result.error, overrides) ? overrider : source);
  return result.data;
}

/** The settings that a run has stored; what it does not state is as in its time. @throws as `loadConfig` */
export function resolveStored(settings: Readonly<Tree>, source: string): Config {
  const missing = Object.entries(BEFORE).filter(([path]) => getPath(settings, path) === undefined);
  return resolveConfig(settings, Object.fromEntries(missing), source);
}

function isOverride({ issues }: z.ZodError, overrides: Overrides): boolean {
  const path = issues[0]?.path.join('.') ?? '';
  return Object.keys(overrides).some(
    (name) => overrides[name] !== undefined && (name === path || path.startsWith(`${name}.`)),
  );
}

/** A run's configuration must hold wherever the next command runs. An empty path stays empty. */
export function withAbsolutePaths(config: Config): Config {
  const absolute = (path: string): string => (path === '' ? '' : resolve(path));
  const { dir, trainStems, valStems, splits, ...data } = config.data;
  return {
    ...config,
    model: { ...config.model, init: absolute(config.model.init) },
    train: { ...config.train, teacher: teachersIn(config.train.teacher).map(absolute).join(',') },
    note: { ...config.note, vocabulary: absolute(config.note.vocabulary) },
    data: {
      ...data,
      dir: absolute(dir),
      trainStems: absolute(trainStems),
      valStems: absolute(valStems),
      splits: absolute(splits),
    },
  };
}

/** Paths of `train.teacher`, from `RUN[,RUN...]`. */
export function teachersIn(list: string): string[] {
  return list
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '');
}

/** YAML that `loadConfig` reads back to the same values. */
export function configToYaml(config: Config): string {
  return stringify(config, { lineWidth: 0 });
}

/** A file's settings over those of its preset, and that one's. @throws as `loadConfig` */
export function withPreset(settings: Readonly<Tree>, file: string): Tree {
  return onPreset(settings, { source: file, folder: dirname(file) }, [fileLink(file, file)]);
}

/** What names a preset. */
interface Namer {
  /** For messages. */
  readonly source: string;
  /** Paths are relative to it; null: only names. */
  readonly folder: string | null;
}

/** A file on the way to a preset. */
interface Link {
  /** As it was named. */
  readonly label: string;
  readonly path: string;
}

function fileLink(label: string, file: string): Link {
  return { label, path: existsSync(file) ? realpathSync(file) : resolve(file) };
}

function readTree(file: string, label: string, chain: readonly Link[]): Tree {
  const namer = { source: file, folder: dirname(file) };
  return onPreset(readYaml(file), namer, [...chain, fileLink(label, file)]);
}

function onPreset({ preset, ...own }: Readonly<Tree>, namer: Namer, chain: readonly Link[]): Tree {
  if (preset === undefined) return own;
  if (typeof preset !== 'string')
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${namer.source}: preset: expected a preset's name or a path, got ${show(preset)}`,
    );
  return merge(readPreset(preset, namer, chain), own);
}

/** Empty if the file is. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
export function readYaml(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readTextSync(file);
  } catch (cause) {
    throw new ReclmisError('CONFIG_UNREADABLE', `${file}: cannot be read (${reason(cause)})`, { cause });
  }
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) {
    throw new ReclmisError('CONFIG_UNREADABLE', `${file}: not valid YAML: ${firstLine(problem)}`, {
      cause: problem,
    });
  }
  let value: unknown;
  try {
    value = document.toJS() ?? {};
    JSON.stringify(value); // fails for an alias inside what it names
  } catch (cause) {
    throw new ReclmisError(
      'CONFIG_UNREADABLE',
      `${file}: aliases that cannot be resolved: ${firstLine(cause)}`,
      {
        cause,
      },
    );
  }
  if (!isTree(value))
    throw new ReclmisError('CONFIG_INVALID', `${file}: expected settings by name, got ${show(value)}`);
  return value;
}

/** A name of `configs/`, or the path of a YAML file, told apart by a slash or the file's extension. */
function readPreset(preset: string, { source, folder }: Namer, chain: readonly Link[]): Tree {
  const isPath = /[\\/]|\.ya?ml$/i.test(preset);
  if (!isPath && !presetNames().includes(preset)) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${source}: preset: expected one of ${presetNames().join(', ')}, or the path of a YAML file (with / or .yaml), got ${show(preset)}`,
    );
  }
  if (isPath && folder === null) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${source}: preset: expected a preset's name, since there is no file that a path could be relative to; got ${show(preset)}`,
      { remedy: 'Name a preset, or give your file by --config.' },
    );
  }
  const file = folder !== null && isPath ? resolve(folder, preset) : join(PRESETS_FOLDER, `${preset}.yaml`);
  if (!existsSync(file))
    throw new ReclmisError('CONFIG_UNREADABLE', `${source}: preset: ${file}: no such file`);
  const { path } = fileLink(preset, file);
  if (chain.some((link) => link.path === path)) {
    const way = [...chain.map(({ label }) => label), preset];
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${source}: preset: ${way.join(' -> ')} leads back to a file that it came from`,
      { remedy: 'Remove one of these `preset:` lines.' },
    );
  }
  return readTree(file, preset, chain);
}

/** Objects are merged, everything else is replaced. */
function merge(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

function getPath(tree: Tree, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (isTree(node) ? node[key] : undefined), tree);
}

function setPath(tree: Tree, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? path;
  let node = tree;
  for (const key of keys) {
    const child = Object.hasOwn(node, key) ? node[key] : undefined;
    const next: Tree = isTree(child) ? child : {};
    node[key] = next;
    node = next;
  }
  node[last] = value;
}

/** The first problem; unknown keys come first, since they often explain the rest. */
function explain(error: z.ZodError, tree: Tree, source: string): ReclmisError {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown) {
    const key = [...unknown.path.map(String), unknown.keys[0] ?? ''].join('.');
    const closest = closestSetting(key);
    return new ReclmisError(
      'CONFIG_UNKNOWN_KEY',
      `${source}: unknown key ${key}; the closest known one is ${closest}`,
    );
  }
  return explainValue(error, tree, source);
}

export function explainValue(error: z.ZodError, tree: unknown, source: string): ReclmisError {
  const issue = error.issues[0];
  if (!issue) return new ReclmisError('CONFIG_INVALID', `${source}: ${error.message}`, { cause: error });
  let actual: unknown = tree;
  for (const key of issue.path)
    actual = isTree(actual) || Array.isArray(actual) ? (actual as Tree)[String(key)] : undefined;
  const path = issue.path.map(String).join('.');
  return new ReclmisError(
    'CONFIG_INVALID',
    `${source}: ${path}: expected ${expected(issue)}, got ${show(actual)}`,
    { cause: error },
  );
}

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int'
        ? 'a whole number'
        : `${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return isSequence(issue.origin)
        ? `at least ${String(issue.minimum)} values`
        : `a number ${issue.inclusive ? 'of at least' : 'above'} ${String(issue.minimum)}`;
    case 'too_big':
      return isSequence(issue.origin)
        ? `at most ${String(issue.maximum)} values`
        : `a number ${issue.inclusive ? 'of at most' : 'below'} ${String(issue.maximum)}`;
    case 'not_multiple_of':
      return `a multiple of ${String(issue.divisor)}`;
    default:
      return issue.message;
  }
}

function isSequence(origin: string): boolean {
  return origin === 'array' || origin === 'tuple';
}

/** @param where its name in the message. @throws CONFIG_UNKNOWN_KEY */
export function requireSetting(path: string, where: string): void {
  if (describeSettings().some((setting) => setting.path === path)) return;
  throw new ReclmisError(
    'CONFIG_UNKNOWN_KEY',
    `${where}: unknown setting ${path}; the closest known one is ${closestSetting(path)}`,
  );
}

/** Compares by edit distance; a known key in the wrong section counts as close. */
function closestSetting(key: string): string {
  const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  const steps = (a: string, b: string): number => editDistance(a.toLowerCase(), b.toLowerCase());
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  for (const path of new Set(describeSettings().flatMap(({ path }) => withParents(path)))) {
    const distance = Math.min(steps(key, path), steps(lastOf(key), lastOf(path)) + 0.5);
    if (distance < least) [best, least] = [path, distance];
  }
  return best;
}

function withParents(path: string): string[] {
  const keys = path.split('.');
  return keys.map((_, i) => keys.slice(0, i + 1).join('.'));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value); // NaN and infinities too
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]?.replace(/:$/, '') ?? '';
}

function reason(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}

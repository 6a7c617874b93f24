/**
 * Every setting as a flag, `--train.lr 1e-3`, made from the configuration's schema, with some short names.
 * Flags override the file; ranges are checked in the whole configuration.
 */
import { ReclmisError } from '@reclmis/core';
import {
  type Config,
  describeSettings,
  loadConfig,
  loadPreset,
  type Overrides,
  presetNames,
  type Setting,
} from '@reclmis/lab';
import { type Command, Option } from 'commander';

/** Flag, placeholder (none: the flag means true), setting. */
const SHORT = [
  ['--data', 'dir', 'data.dir'],
  ['--epochs', 'n', 'train.epochs'],
  ['--batch', 'n', 'train.batchSize'],
  ['--init', 'file', 'model.init'],
  ['--teacher', 'runs', 'train.teacher'],
  ['--accumulate', 'n', 'train.accumulate'],
  ['--lr', 'rate', 'train.lr'],
  ['--seed', 'n', 'seed'],
  ['--device', 'name', 'device'],
  ['--workers', 'n', 'data.workers'],
  ['--threads', 'n', 'train.threads'],
  ['--precision', 'name', 'train.precision'],
  ['--deterministic', '', 'train.deterministic'],
  ['--stems', 'file', 'data.trainStems'],
  ['--val-stems', 'file', 'data.valStems'],
  ['--folds', 'n', 'data.folds'],
  ['--fold', 'k', 'data.fold'],
  ['--group', 'regex', 'data.group'],
  ['--layout', 'name', 'data.layout'],
  ['--columns', 'names', 'data.columns'],
  ['--splits', 'file', 'data.splits'],
  ['--outside', '', 'data.outside'],
] as const;

const PLACEHOLDER = {
  number: 'number',
  integer: 'n',
  boolean: 'true|false',
  string: 'text',
  choice: 'name',
  numbers: 'numbers',
} as const satisfies Record<Setting['type'], string>;

type Given = Readonly<Record<string, unknown>>;

/** `--config`, `--preset`, short names and, as a group, all settings. */
export function withSettings(command: Command): Command {
  command.option(
    '-c, --config <file>',
    'YAML file of settings; it may build on a preset or another file (preset: NAME or PATH)',
  );
  command.addOption(new Option('-p, --preset <name>', `settings of a preset: ${presetNames().join(', ')}`));
  return withOverrides(command);
}

/** Only short names and settings. @param without settings to leave out. */
export function withOverrides(command: Command, without: readonly string[] = []): Command {
  const settings = new Map(
    describeSettings().flatMap((setting) =>
      without.includes(setting.path) ? [] : [[setting.path, setting]],
    ),
  );
  for (const [flag, placeholder, path] of SHORT) {
    const setting = settings.get(path);
    if (!setting) continue;
    if (placeholder === '') command.addOption(new Option(flag, setting.description));
    else command.addOption(settingOption(setting, `${flag} <${placeholder}>`, setting.description));
  }
  for (const setting of settings.values()) {
    if (!setting.path.includes('.')) continue;
    const flag = `--${setting.path} <${PLACEHOLDER[setting.type]}>`;
    const option = settingOption(setting, flag, describe(setting));
    command.addOption(option.helpGroup('Settings (also as YAML, docs/reference/settings.md):'));
  }
  return command;
}

export function configFrom(given: Given): Config {
  return read(given, overridesFrom(given));
}

/** Only the settings given as flags. */
export function overridesFrom(given: Given): Overrides {
  const overrides: Record<string, unknown> = {};
  for (const { path } of describeSettings()) if (given[path] !== undefined) overrides[path] = given[path];
  for (const [flag, , path] of SHORT) {
    const value = given[camelCase(flag.slice(2))];
    if (value !== undefined) overrides[path] = value;
  }
  return overrides;
}

function read(given: Given, overrides: Overrides): Config {
  const { config, preset } = given;
  if (typeof config === 'string' && typeof preset === 'string') {
    throw new ReclmisError('OPTION_INVALID', '--config and --preset were both given; expected only one', {
      remedy: `Write \`preset: ${preset}\` in ${config}: a file may build on a preset.`,
    });
  }
  return typeof preset === 'string'
    ? loadPreset(preset, overrides)
    : loadConfig(typeof config === 'string' ? config : undefined, overrides);
}

function settingOption(setting: Setting, flag: string, description: string): Option {
  const option = new Option(flag, description);
  if (setting.choices) return option.choices(setting.choices);
  return option.argParser((text: string) => parse(setting, flag.split(' ')[0] ?? flag, text));
}

function parse({ type }: Setting, flag: string, text: string): unknown {
  const number = (part: string): number => {
    const value = part.trim() === '' ? Number.NaN : Number(part);
    if (Number.isNaN(value))
      throw new ReclmisError('OPTION_INVALID', `${flag}: expected a number, got "${text}"`);
    return value;
  };
  switch (type) {
    case 'number':
    case 'integer':
      return number(text);
    case 'numbers':
      return text.split(',').map(number);
    case 'boolean':
      if (text !== 'true' && text !== 'false') {
        throw new ReclmisError('OPTION_INVALID', `${flag}: expected true or false, got "${text}"`);
      }
      return text === 'true';
    case 'string':
    case 'choice':
      return text;
  }
}

function describe({ description, default: value }: Setting): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return description;
  const shown = typeof value === 'string' ? value : JSON.stringify(value).replace(/^\[|\]$/g, '');
  return `${description} (default: ${shown})`;
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** `reclmis plan`: proposes a configuration for a data set, with reasons. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { defined, describeSides, ReclmisError } from '@reclmis/core';
import { requireWritable, writeFileAtomic } from '@reclmis/files';
import type { Config, Fingerprint, Plan, PlanLimits, Precision } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, percent } from '../table.js';

interface PlanFlags extends OutputOptions {
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly memory?: number;
  readonly minutes?: number;
  readonly secondsPerImage?: number;
  readonly precision: Precision;
  readonly encoder: Config['text']['encoder'];
  readonly group?: string;
  readonly workers: number;
}

/** Default share of the memory to use. */
const SHARE_OF_MACHINE = 0.8;

export function register(program: Command): void {
  const command = program
    .command('plan')
    .description('examine a data set and propose a training configuration, with reasons')
    .argument('<dir>', 'folder that contains Train_Folder, Val_Folder and Test_Folder')
    .option('-o, --out <file>', 'write the configuration as YAML for `reclmis train --config`')
    .option('--overwrite', 'replace the file')
    .option(
      '--memory <GiB>',
      'memory for the training process (default: 80 % of the machine’s)',
      positive('--memory'),
    )
    .option('--minutes <m>', 'time limit for the whole training (default: none)', positive('--minutes'))
    .option(
      '--seconds-per-image <s>',
      'time of a training step, from `reclmis bench train` (default: measured if --minutes needs it)',
      positive('--seconds-per-image'),
    )
    .addOption(
      new Option('--precision <name>', 'of matrix products and convolutions')
        .choices(['fp32', 'bf16', 'fp16'])
        .default('fp32'),
    )
    .addOption(
      new Option('--encoder <name>', 'note encoder')
        .choices(['auto', 'clip-vit-b-32', 'clip-vit-b-16', 'clip-vit-l-14', 'words'])
        .default('auto'),
    )
    .option(
      '--group <regex>',
      'regular expression on file names whose capture group is the patient (default: known naming schemes)',
    )
    .option('--workers <n>', 'decoding threads', numberOf('--workers', { min: 0, max: 64 }), 2);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis plan data/QaTa-COV19 -o plan.yaml --memory 8\n' +
        '  $ reclmis plan data/QaTa-COV19 -o plan.yaml --minutes 90\n' +
        '  $ reclmis train --config plan.yaml --data data/QaTa-COV19\n',
    )
    .action(run);
}

/** Reads numbers above 0. @throws OPTION_INVALID */
function positive(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    throw new ReclmisError('OPTION_INVALID', `${flag}: expected a number above 0, got "${text}"`);
  };
}

async function run(dir: string, flags: PlanFlags): Promise<void> {
  const { planToYaml, propose, suspicionsSummary, takeFingerprint } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { out, memory, minutes, precision } = flags;
  if (out !== undefined && existsSync(out) && flags.overwrite !== true) {
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: already exists`, {
      remedy: 'Choose another file, or add --overwrite.',
    });
  }
  if (out !== undefined) await requireWritable(dirname(out)); // before measuring
  let bar: Progress | null = null;
  const fingerprint = await takeFingerprint(dir, {
    encoder: flags.encoder,
    workers: flags.workers,
    signal: interruptSignal(),
    ...defined({ group: flags.group }),
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'measuring', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  const warning = suspicionsSummary(dir, fingerprint.suspicions);
  if (warning !== null) output.notice(warning);
  const limits: PlanLimits = {
    memoryBytes: memory === undefined ? SHARE_OF_MACHINE * machineMemory() : memory * 2 ** 30,
    precision,
  };
  let plan = propose(fingerprint, limits);
  let secondsPerImage = flags.secondsPerImage;
  if (minutes !== undefined) {
    secondsPerImage ??= await measureStep(plan, output);
    plan = propose(fingerprint, { ...limits, minutes, secondsPerImage });
  }
  const asked = [
    ...(memory === undefined ? [] : [`--memory ${memory}`]),
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
  ].join(' ');
  const yaml = planToYaml(plan, [
    `Proposed by \`reclmis plan\` from ${fingerprint.name}: ${casesOf(fingerprint)}${asked && ` (${asked})`}. Change whatever you know better.`,
    `  reclmis train --config ${out ?? 'plan.yaml'} --data ${dir}`,
  ]);
  if (out !== undefined) await writeFileAtomic(out, yaml);
  output.result({
    fingerprint,
    plan,
    ...defined({ secondsPerImage }),
    yaml,
    out: out ?? null,
  });
  output.say(formatFingerprint(fingerprint));
  output.say(`\n${formatPlan(plan)}`);
  for (const line of plan.notices) output.say(`\nNote: ${line}`);
  output.say(
    out === undefined
      ? '\nUse -o FILE to write this as YAML for `reclmis train --config`.'
      : `\nWritten to ${out}. Next: reclmis train --config ${out} --data ${dir}`,
  );
}

/** Memory of the machine or container, bytes. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Seconds per image of a planned step, on made-up images. */
async function measureStep(plan: Plan, output: Output): Promise<number> {
  const { benchTrain, loadConfig } = await import('@reclmis/lab');
  const asked = [
    'model.baseWidth',
    'model.imageSize',
    'model.layers',
    'text.contextLength',
    'train.precision',
  ];
  const overrides = Object.fromEntries(
    plan.settings.filter(({ path }) => asked.includes(path)).map(({ path, value }) => [path, value]),
  );
  const config = loadConfig(undefined, {
    ...overrides,
    'text.encoder': 'words',
    'train.batchSize': Math.min(plan.part, 8),
  });
  let bar: Progress | null = null;
  const report = await benchTrain(config, {
    steps: 2,
    warmup: 1,
    peak: false,
    onStep: (done, total) => {
      bar ??= new Progress({ label: 'timing', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  return report.secondsPerImage.median;
}

function casesOf({ cases }: Fingerprint): string {
  return Object.entries(cases)
    .map(([split, count]) => `${count} ${split}`)
    .join(', ');
}

export function formatFingerprint(fingerprint: Fingerprint): string {
  const { name, images, masks, notes, duplicates, patients } = fingerprint;
  const round = (value: number): string => String(Math.round(10 * value) / 10);
  const total = Object.values(fingerprint.cases).reduce((sum, count) => sum + count, 0);
  const across = (list: Fingerprint['patients']['across']): string =>
    list.map(({ splits, count }) => `; ${count} in both ${splits.join(' and ')}`).join('');
  const sizes = images.sizes.slice(0, 3).map(({ size, count }) => `${size} (${count})`);
  const levels = images.levels.map(
    ({ mean, sd, p1, median, p99 }) => `${round(mean)} ± ${round(sd)} (${p1}, ${median}, ${p99})`,
  );
  const { areaShare } = masks;
  const rows: [string, string][] = [
    ['cases', casesOf(fingerprint)],
    ['sizes', sizes.join(', ') + (images.sizes.length > 3 ? ', ...' : '')],
    ['colour', images.grey === total ? 'all grey' : `${total - images.grey} of ${total}`],
    ['bits', images.bits.join(', ')],
    [
      'pixel',
      images.spacing === null
        ? 'size not known'
        : `${round(images.spacing.median)} mm (median of ${images.spacing.known})`,
    ],
    ['levels', `${levels.join('; ')}: mean ± deviation (1st, 50th, 99th percentile) of 255`],
    [
      'foreground',
      `${percent(masks.foreground.median)} % of an image (median; ${percent(masks.foreground.min)} to ${percent(masks.foreground.max)}), ${masks.empty} empty`,
    ],
    ['areas', `${round(masks.areas.median)} an image (median; at most ${masks.areas.max})`],
    [
      'area',
      areaShare === null
        ? 'none'
        : `${percent(areaShare.median)} % of the image (median; 10th percentile ${percent(areaShare.p10)}, 90th ${percent(areaShare.p90)})`,
    ],
    [
      'tokens',
      `${notes.tokens.min} to ${notes.tokens.max} a note, median ${notes.tokens.median}, by ${notes.encoder}`,
    ],
    [
      'notes',
      `${notes.repeats.distinct} different ones of ${notes.vocabulary} words; ${percent(notes.namingSides)} % name a side`,
    ],
    ['left and right', describeSides(notes.sides)],
    [
      'unknown words',
      notes.unknown.map(({ split, share }) => `${percent(share)} % of ${split}`).join(', ') ||
        'no other split',
    ],
    [
      'pictures',
      `${duplicates.distinct} different ones, ${duplicates.within} repeat one of their split${across(duplicates.across)}`,
    ],
    ['patients', `${patients.count}, ${patients.named} cases name theirs${across(patients.across)}`],
  ];
  return formatTable([{ title: name }, { title: '' }], rows);
}

export function formatPlan({ settings }: Plan): string {
  const shown = (value: Plan['settings'][number]['value']): string =>
    typeof value === 'object' ? value.join(', ') : String(value);
  return formatTable(
    [{ title: 'setting' }, { title: 'value', align: 'right' }, { title: 'reason' }],
    settings.map(({ path, value, reason }) => [path, shown(value), reason]),
  );
}

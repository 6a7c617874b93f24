/** `reclmis plan`: proposes a configuration for a data set, with reasons. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import { requireWritable, writeFileAtomic } from '@reclmis/files';
import { type Config, type Precision, type PlanTarget, PLAN_TARGETS } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { DATA_ARGUMENT, type SourceFlags, sourceOf, withSourceOptions } from '../source-options.js';
import { casesOf, formatFingerprint, formatPlan } from '../tables/plan.js';

interface PlanFlags extends OutputOptions, SourceFlags {
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly memory?: number;
  readonly minutes?: number;
  readonly secondsPerImage?: number;
  readonly target: PlanTarget;
  readonly precision: Precision;
  readonly encoder: Config['text']['encoder'];
  readonly group?: string;
  readonly workers: number;
}

export function register(program: Command): void {
  const command = program
    .command('plan')
    .description('examine a data set and propose a training configuration, with reasons')
    .argument('<data>', DATA_ARGUMENT)
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
      'time of a training step of the target’s widest model, from `reclmis bench train` (default: measured if --minutes needs it)',
      positive('--seconds-per-image'),
    )
    .addOption(
      new Option(
        '--target <name>',
        'where the model will run, which decides its largest width: accuracy 64, server 32, browser 16',
      )
        .choices(PLAN_TARGETS)
        .default('accuracy'),
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
  withSourceOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis plan data/QaTa-COV19 -o plan.yaml --memory 8\n' +
        '  $ reclmis plan data/QaTa-COV19 -o plan.yaml --minutes 90\n' +
        '  $ reclmis plan data/QaTa-COV19 -o plan.yaml --target browser\n' +
        '  $ reclmis train --config plan.yaml --data data/QaTa-COV19\n',
    )
    .action(run);
}

/** A number above 0. @throws OPTION_INVALID */
function positive(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    throw new ReclmisError('OPTION_INVALID', `${flag}: expected a number above 0, got "${text}"`);
  };
}

async function run(dir: string, flags: PlanFlags): Promise<void> {
  const { suspicionsSummary } = await import('@reclmis/data');
  const { planFor, planToYaml, takeFingerprint } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { out, memory, minutes, precision, target } = flags;
  if (out !== undefined && existsSync(out) && flags.overwrite !== true) {
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: already exists`, {
      remedy: 'Choose another file, or add --overwrite.',
    });
  }
  if (out !== undefined) await requireWritable(dirname(out)); // before a data set is measured
  const fingerprint = await takeFingerprint(dir, {
    encoder: flags.encoder,
    workers: flags.workers,
    signal: interruptSignal(),
    ...sourceOf(flags),
    ...defined({ group: flags.group }),
    onProgress: barOf('measuring', output),
  });
  const warning = suspicionsSummary(dir, fingerprint.suspicions);
  if (warning !== null) output.notice(warning);
  const { plan, secondsPerImage } = await planFor(fingerprint, {
    precision,
    target,
    ...defined({
      memoryBytes: memory === undefined ? undefined : memory * 2 ** 30,
      minutes,
      secondsPerImage: flags.secondsPerImage,
    }),
    onStep: barOf('timing', output),
  });
  const asked = [
    ...(memory === undefined ? [] : [`--memory ${memory}`]),
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
    ...(target === 'accuracy' ? [] : [`--target ${target}`]),
  ].join(' ');
  const yaml = planToYaml(plan, [
    `Proposed by \`reclmis plan\` from ${fingerprint.name}: ${casesOf(fingerprint)}${asked && ` (${asked})`}. Change whatever you know better.`,
    `  reclmis train --config ${out ?? 'plan.yaml'} --data ${dir}${sourceText(flags)}`,
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
      : `\nWritten to ${out}. Next: reclmis train --config ${out} --data ${dir}${sourceText(flags)}`,
  );
}

/** The flags again that say how the data set is read. */
function sourceText(flags: SourceFlags): string {
  const quoted = (text: string): string => (/^[\w./=,-]+$/u.test(text) ? text : JSON.stringify(text));
  return Object.entries(sourceOf(flags))
    .map(([name, value]) => (value === true ? ` --${name}` : ` --${name} ${quoted(String(value))}`))
    .join('');
}

/** A listener that shows the course as a bar. */
function barOf(label: string, output: Output): (done: number, total: number) => void {
  let bar: Progress | null = null;
  return (done, total) => {
    bar ??= new Progress({ label, total, quiet: output.quiet });
    bar.update(done);
    if (done === total) bar.stop();
  };
}

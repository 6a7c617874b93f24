/** Options of `evaluate` and `explain` for where and how to compute. */
import { defined } from '@reclmis/core';
import type { Precision } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { threadsOf } from './output.js';

/** Default: the run's own. */
export interface EngineFlags {
  readonly device?: string;
  readonly threads?: number;
  readonly precision?: Precision;
}

/** `--device`, `--threads` and `--precision`. */
export function withEngineOptions(command: Command): Command {
  return command
    .option('--device <name>', 'cpu, cuda or cuda:N (default: the run’s)')
    .option('--threads <n>', 'libtorch threads; 0: all cores', threadsOf)
    .addOption(
      new Option(
        '--precision <name>',
        'precision of matrix products and convolutions (default: the run’s on its kind of device, else fp32)',
      ).choices(['fp32', 'bf16', 'fp16']),
    );
}

export function engineChoice({ device, threads, precision }: EngineFlags): EngineFlags {
  return {
    ...defined({ device, threads, precision }),
  };
}

/** Text on standard output, or with `--json` only the result. Progress, notices, errors: standard error. */
import { ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';
import { writeErr, writeOut } from './terminal.js';

export interface OutputOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `-q` and, if there is a result to print, `--json`. */
export function withOutputOptions(command: Command, { json = true } = {}): Command {
  command.option('-q, --quiet', 'print only errors and warnings about results (and the result with --json)');
  if (json) command.option('--json', 'print the result as JSON instead of text');
  return command;
}

/** Whole numbers. @throws OPTION_INVALID */
export function numberOf(
  flag: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new ReclmisError('OPTION_INVALID', `${flag}: expected a whole number ${range}, got "${text}"`);
  };
}

/** 0 means all cores. @throws OPTION_INVALID */
export const threadsOf = numberOf('--threads', { min: 0, max: 1024 });

export class Output {
  readonly quiet: boolean;
  private readonly json: boolean;

  constructor(options: OutputOptions) {
    this.quiet = options.quiet === true;
    this.json = options.json === true;
  }

  say(text = ''): void {
    if (!this.quiet && !this.json) writeOut(`${text}\n`);
  }

  /** To standard error, though nothing failed. */
  notice(line: string): void {
    if (!this.quiet) writeErr(`${line}\n`);
  }

  /** Why a result may be wrong; to standard error, even with `-q`. */
  warning(line: string): void {
    writeErr(`${line}\n`);
  }

  /** One document, only with `--json`. */
  result(value: unknown): void {
    if (this.json) writeOut(`${JSON.stringify(value, null, 2)}\n`);
  }
}

/** `reclmis doctor`: what is installed and whether it works, for people and for bug reports. */
import { ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { describeExamination, reportOf } from '../tables/doctor.js';

export function register(program: Command): void {
  const command = program
    .command('doctor')
    .description('show what is installed, and test within 20 seconds that it works');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nWith --json the result names no user, host or folder, and holds no value of a secret:\nattach it to bug reports.\n\nExample:\n  $ reclmis doctor\n  $ reclmis doctor --json > doctor.json\n',
    )
    .action(run);
}

async function run(flags: OutputOptions): Promise<void> {
  const { examine } = await import('../doctor/examine.js');
  const output = new Output(flags);
  const found = await examine({ signal: interruptSignal() });
  output.result(reportOf(found));
  output.say(describeExamination(found));
  const failed = found.checks.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return;
  throw new ReclmisError('SELF_TEST_FAILED', `failed: ${failed.map(({ name }) => name).join(', ')}`, {
    ...(failed.length === 1 && failed[0]?.remedy ? { remedy: failed[0].remedy } : {}),
  });
}

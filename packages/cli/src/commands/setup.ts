/** `reclmis setup`: installs the packages for training and builds libtorch's addon. */
import { VERSION } from '@reclmis/core';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { install, missingPackages, planInstallation } from '../training-packages.js';

export function register(program: Command): void {
  const command = program
    .command('setup')
    .description(
      'install what trains, evaluates and exports (@reclmis/lab, @reclmis/torch, @reclmis/export), and build its addon against this machine’s libtorch',
    );
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nlibtorch is looked for in this order: LIBTORCH=/folder with include and lib; with LIBTORCH_USE_PYTORCH=1 the\n' +
        'active Python’s torch, also the way to CUDA; the distribution’s libtorch-dev.\n' +
        '\nExamples:\n  $ reclmis setup\n  $ LIBTORCH_USE_PYTORCH=1 reclmis setup\n',
    )
    .action(run);
}

async function run(flags: OutputOptions): Promise<void> {
  const output = new Output(flags);
  const signal = interruptSignal();
  const missing = missingPackages();
  if (missing.length > 0) {
    const plan = planInstallation(missing);
    output.notice(`installing ${missing.join(', ')} ${VERSION} in ${plan.folder} ...`);
    await install(plan, signal);
  }
  const { buildAddon, version } = await import('@reclmis/torch');
  await buildAddon({ signal, onLine: (line) => output.notice(line) });
  const { torch } = version();
  output.result({ installed: missing, torch });
  output.say(`Ready to train, with libtorch ${torch}.`);
}

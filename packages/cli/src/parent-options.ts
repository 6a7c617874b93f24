/** Options between a command and its subcommand: `notes --overwrite read` would ignore them. */
import { ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';

/** @throws OPTION_UNKNOWN if options of the parent were given before the subcommand `name` */
export function refuseOptionsOf(parent: Command, name: string): void {
  const given = parent.options.find((one) => parent.getOptionValueSource(one.attributeName()) === 'cli');
  if (given === undefined) return;
  throw new ReclmisError('OPTION_UNKNOWN', `${given.long ?? given.flags}: given before \`${name}\``, {
    remedy: `Write the options of \`reclmis ${parent.name()} ${name}\` after \`${name}\`; its --help lists them.`,
  });
}

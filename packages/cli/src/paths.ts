/** Refuses empty paths: a script's unset variable would mean the current folder. */
import { ReclmisError } from '@reclmis/core/essentials';
import type { Command } from 'commander';

/** In help, placeholders of paths; settings may be emptied. */
const PATH = /<(?:dir|dirs|file|path|run|address)(?:\.\.\.)?>/;

/** @throws OPTION_INVALID for empty arguments and paths */
export function refuseEmptyPaths(command: Command): void {
  const empty = (value: unknown): boolean =>
    value === '' || (Array.isArray(value) && value.some((one) => one === ''));
  command.registeredArguments.forEach((argument, i) => {
    if (empty(command.processedArgs[i]))
      throw new ReclmisError('OPTION_INVALID', `${argument.name()}: expected a name, got an empty one`);
  });
  for (const option of command.options) {
    if (option.parseArg || !PATH.test(option.flags) || !empty(command.getOptionValue(option.attributeName())))
      continue;
    throw new ReclmisError(
      'OPTION_INVALID',
      `${option.long ?? option.flags}: expected a path, got an empty one`,
    );
  }
}

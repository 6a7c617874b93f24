/** `--sides`: whose left and right a command's notes mean. */
import type { Sides } from '@reclmis/core';
import { type Command, Option } from 'commander';

export interface SidesFlags {
  readonly sides?: Sides;
}

/** @param rest the default, in words */
export function withSidesOption(command: Command, rest: string): Command {
  return command.addOption(
    new Option(
      '--sides <whose>',
      `whose left and right the notes mean: the patient’s (left is on the image’s right), or the image’s, as in QaTa-COV19’s notes (default: ${rest})`,
    ).choices(['patient', 'image']),
  );
}

/** `--sides` of commands that take notes: whose left and right they mean. */
import type { Sides } from '@reclmis/core';
import { type Command, Option } from 'commander';

/** Present where the user has said it. */
export interface SidesFlags {
  readonly sides?: Sides;
}

/** @param rest what holds where it is not given. */
export function withSidesOption(command: Command, rest: string): Command {
  return command.addOption(
    new Option(
      '--sides <whose>',
      `whose left and right the notes mean: the patient’s (left is on the image’s right), or the image’s, as in QaTa-COV19’s notes (default: ${rest})`,
    ).choices(['patient', 'image']),
  );
}

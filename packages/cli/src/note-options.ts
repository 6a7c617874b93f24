/** `--sides` and `--note-style`: how a command's notes are read for the model. */
import { NOTE_STYLES, type NoteStyle } from '@reclmis/core';
import { type Command, Option } from 'commander';
import { type SidesFlags, withSidesOption } from './sides-options.js';

export interface NoteFlags extends SidesFlags {
  readonly noteStyle?: NoteStyle;
}

/** @param rest the default of `--sides`, in words */
export function withNoteOptions(command: Command, rest: string): Command {
  return withSidesOption(command, rest).addOption(
    new Option(
      '--note-style <style>',
      'free: put free text into the model’s words if it is fully understood; as-is: give it to the model as written (default: free if the model’s training notes follow LViT’s grammar)',
    ).choices(NOTE_STYLES),
  );
}

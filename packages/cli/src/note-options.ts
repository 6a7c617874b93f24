/** `--sides`, `--note-style` and `--note-vocabulary`: how a command's notes are read for the model. */
import { chest, NOTE_STYLES, type NoteStyle, nuclei, type Vocabulary } from '@reclmis/core';
import { type Command, Option } from 'commander';
import { type SidesFlags, withSidesOption } from './sides-options.js';

export interface NoteFlags extends SidesFlags {
  readonly noteStyle?: NoteStyle;
  readonly noteVocabulary?: string;
}

/** @param rest the default of `--sides`, in words */
export function withNoteOptions(command: Command, rest: string): Command {
  return withSidesOption(command, rest)
    .addOption(
      new Option(
        '--note-style <style>',
        'free: put free text into the model’s words if it is fully understood; as-is: give it to the model as written (default: free if the grammar of the model’s training notes is known)',
      ).choices(NOTE_STYLES),
    )
    .addOption(vocabularyOption('as the model records'));
}

/** @param rest the default, in words */
export function vocabularyOption(rest: string): Option {
  return new Option(
    '--note-vocabulary <name>',
    `words and sentences of the notes: chest, nuclei or a YAML file (default: ${rest})`,
  );
}

/** Undefined if none is named. @throws NOTE_VOCABULARY_INVALID */
export async function vocabularyOf(name: string | undefined): Promise<Vocabulary | undefined> {
  if (name === undefined) return undefined;
  if (name === 'chest') return chest();
  if (name === 'nuclei') return nuclei();
  const { readVocabulary } = await import('@reclmis/data');
  return readVocabulary(name);
}

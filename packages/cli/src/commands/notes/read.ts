/** `reclmis notes read`: what is understood of a note in free text, and what a model is given. */
import {
  chest,
  type FreeNote,
  noteForModel,
  type NoteHabits,
  readNote,
  ReclmisError,
  vocabularyFor,
  wordsOf,
} from '@reclmis/core';
import type { Command } from 'commander';
import { vocabularyOf, vocabularyOption } from '../../note-options.js';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { refuseOptionsOf } from '../../parent-options.js';
import { describeReading } from '../../tables/reading.js';

interface ReadFlags extends OutputOptions {
  readonly noteVocabulary?: string;
}

export function registerRead(notes: Command): void {
  const command = notes
    .command('read')
    .description('show how a note in free text is understood, and the sentence that a model gets for it')
    .argument('<text>', 'the note; chest notes in English, German, Spanish, French or Chinese')
    .addOption(vocabularyOption('chest'));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis notes read "Two opacities in the RUL and at the left base, no effusion."\n' +
        '  $ reclmis notes read "Infiltrat im linken Oberlappen" --json\n' +
        '  $ reclmis notes read "Many nuclei top left, few at the bottom" --note-vocabulary nuclei\n',
    )
    .action(async (text: string, flags: ReadFlags) => {
      refuseOptionsOf(notes, 'read');
      await run(text, flags);
    });
}

/** @throws NOTE_EMPTY, NOTE_VOCABULARY_INVALID */
async function run(text: string, flags: ReadFlags): Promise<void> {
  if (wordsOf(text).length === 0) throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
  const own = await vocabularyOf(flags.noteVocabulary);
  // Sides do not matter here: the note is shown in the reader's own.
  const habits: NoteHabits =
    own === undefined || own === chest()
      ? { sides: 'patient', grammar: 'lvit' }
      : { sides: 'patient', grammar: 'vocabulary', vocabulary: own };
  const vocabulary = vocabularyFor(habits);
  const lvit = habits.grammar === 'lvit';
  const output = new Output(flags);
  const sent = noteForModel(text, habits);
  const read = sent.read ?? readNote(text, vocabulary);
  const inGrammar = sent.read === null;
  const canonical = sent.style === 'free' || inGrammar ? sent.text : null;
  const warnings = inGrammar ? [] : sent.warnings;
  output.result({ ...asData(text, read), canonical, style: sent.style, sent: sent.text, warnings });
  output.say(describeReading(text, read, lvit ? 'lung' : ''));
  output.say();
  if (inGrammar)
    output.say(
      `The note is in ${lvit ? 'LViT’s words' : `the sentences of “${vocabulary.name}”`}: a model that learnt them gets it as written.`,
    );
  else if (canonical === null) output.say('A model gets the note as written.');
  else
    output.say(
      `A model that learnt ${lvit ? 'LViT’s notes' : `the sentences of “${vocabulary.name}”`} gets:\n${canonical}`,
    );
  for (const { code, message } of warnings) output.warning(`warning ${code}: ${message}`);
}

/** With the words that were not understood, besides their places in the text. */
function asData(text: string, { warnings: _, ...read }: FreeNote): object {
  return { ...read, notUnderstood: read.unread.map(({ start, end }) => text.slice(start, end)) };
}

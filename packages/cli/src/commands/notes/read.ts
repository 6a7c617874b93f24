/** `reclmis notes read`: what is understood of a note in free text, and what a model is given. */
import { type FreeNote, noteForModel, readNote, ReclmisError, wordsOf } from '@reclmis/core';
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { refuseOptionsOf } from '../../parent-options.js';
import { describeReading } from '../../tables/reading.js';

/** Sides do not matter here: the note is shown in the reader's own. */
const LVIT = { sides: 'patient', grammar: 'lvit' } as const;

export function registerRead(notes: Command): void {
  const command = notes
    .command('read')
    .description('show how a note in free text is understood, and the sentence that a model gets for it')
    .argument('<text>', 'the note, in English, German, Spanish, French or Chinese');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis notes read "Two opacities in the RUL and at the left base, no effusion."\n' +
        '  $ reclmis notes read "Infiltrat im linken Oberlappen" --json\n',
    )
    .action((text: string, flags: OutputOptions) => {
      refuseOptionsOf(notes, 'read');
      run(text, flags);
    });
}

/** @throws NOTE_EMPTY */
function run(text: string, flags: OutputOptions): void {
  if (wordsOf(text).length === 0) throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
  const output = new Output(flags);
  const sent = noteForModel(text, LVIT);
  const read = sent.read ?? readNote(text);
  const inGrammar = sent.read === null;
  const canonical = sent.style === 'free' || inGrammar ? sent.text : null;
  const warnings = inGrammar ? [] : sent.warnings;
  output.result({ ...asData(text, read), canonical, style: sent.style, sent: sent.text, warnings });
  output.say(describeReading(text, read));
  output.say();
  if (inGrammar) output.say('The note is in LViT’s words: a model that learnt them gets it as written.');
  else if (canonical === null) output.say('A model gets the note as written.');
  else output.say(`A model that learnt LViT’s notes gets:\n${canonical}`);
  for (const { code, message } of warnings) output.warning(`warning ${code}: ${message}`);
}

/** With the words that were not understood, besides their places in the text. */
function asData(text: string, { warnings: _, ...read }: FreeNote): object {
  return { ...read, notUnderstood: read.unread.map(({ start, end }) => text.slice(start, end)) };
}

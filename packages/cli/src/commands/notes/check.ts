/** `reclmis notes check`: whether a vocabulary for reading notes is sound, and how much of a data set's notes it reads. */
import {
  canonicalText,
  readNote,
  ReclmisError,
  type Vocabulary,
  vocabularyConflicts,
  wordingTest,
} from '@reclmis/core';
import { readNotes } from '@reclmis/files';
import type { VocabularyProblem } from '@reclmis/data';
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { refuseOptionsOf } from '../../parent-options.js';
import { type SourceFlags, sourceOf, withSourceOptions } from '../../source-options.js';
import { describeCoverage, type NotesCoverage } from '../../tables/vocabulary.js';

/** Words and notes that are listed. */
const SHOWN = 10;

interface CheckFlags extends OutputOptions, SourceFlags {
  readonly notes?: string;
  readonly data?: string;
}

export function registerCheck(notes: Command): void {
  const command = notes
    .command('check')
    .description('check a vocabulary for reading notes, and how much of a data set’s notes it reads')
    .argument('<vocabulary>', 'YAML file (docs/guide/own-vocabulary.md)')
    .option('--notes <file>', 'notes to read with it: .xlsx, .csv or .jsonl')
    .option('--data <data>', 'data set whose notes to read with it');
  withSourceOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis notes check polyps.yaml\n  $ reclmis notes check polyps.yaml --data data/polyps\n',
    )
    .action(async (file: string, flags: CheckFlags) => {
      refuseOptionsOf(notes, 'check');
      await run(file, flags);
    });
}

/** @throws NOTE_VOCABULARY_INVALID after all problems have been printed */
async function run(file: string, flags: CheckFlags): Promise<void> {
  const { checkVocabularyFile, describeProblem } = await import('@reclmis/data');
  const output = new Output(flags);
  const { vocabulary, problems, lineOf } = checkVocabularyFile(file);
  if (vocabulary === null) {
    output.result({ problems });
    for (const problem of problems) output.say(`${file}${describeProblem(problem)}`);
    throw new ReclmisError(
      'NOTE_VOCABULARY_INVALID',
      `${file}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
      { remedy: 'Correct the lines listed (docs/guide/own-vocabulary.md).' },
    );
  }
  const conflicts = vocabularyConflicts(vocabulary).map(({ path, message }): VocabularyProblem => ({
    line: lineOf(path),
    key: path.join('.'),
    message,
  }));
  const texts = await textsOf(flags);
  const coverage = texts === null ? null : coverageOf(texts, vocabulary);
  output.result({ name: vocabulary.name, problems: [], conflicts, notes: coverage });
  const languages = Object.keys(vocabulary.languages);
  output.say(`${file}: vocabulary “${vocabulary.name}” (${languages.join(', ')}), no problems found.`);
  for (const conflict of conflicts) output.warning(`warning: ${file}${describeProblem(conflict)}`);
  if (coverage !== null) output.say(`\n${describeCoverage(coverage)}`);
}

/** Notes of all splits that exist; null if none are asked for. */
async function textsOf({ notes, data, ...flags }: CheckFlags): Promise<string[] | null> {
  const texts = notes === undefined ? [] : [...(await readNotes(notes)).notes.values()];
  if (data !== undefined) {
    const { openDataset, presentSplits } = await import('@reclmis/data');
    for (const split of await presentSplits(data, sourceOf(flags)))
      texts.push(...(await openDataset(data, split, sourceOf(flags))).cases.map(({ note }) => note));
  }
  return notes === undefined && data === undefined ? null : texts;
}

function coverageOf(texts: readonly string[], vocabulary: Vocabulary): NotesCoverage {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const isOwn = wordingTest(vocabulary);
  const words = new Map<string, number>();
  const unread: string[] = [];
  const reworded: { note: string; text: string }[] = [];
  let complete = 0;
  let written = 0;
  let own = 0;
  for (const [note, times] of counts) {
    const read = readNote(note, vocabulary);
    for (const { start, end } of read.unread) {
      const word = note.slice(start, end).toLowerCase();
      words.set(word, (words.get(word) ?? 0) + times);
    }
    const text = canonicalText(read, vocabulary);
    if (read.complete) complete++;
    else unread.push(note);
    if (text === null) continue;
    written++;
    if (isOwn(note)) own++;
    else reworded.push({ note, text });
  }
  return {
    ...{ notes: texts.length, different: counts.size, complete, written, own },
    unknownWords: [...words]
      .sort((a, b) => b[1] - a[1])
      .slice(0, SHOWN)
      .map(([word, times]) => ({ word, times })),
    unread: unread.slice(0, SHOWN),
    reworded: reworded.slice(0, SHOWN),
  };
}

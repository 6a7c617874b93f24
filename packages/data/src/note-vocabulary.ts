/** Vocabularies for reading notes in YAML files (docs/guide/own-vocabulary.md). */
import { parseVocabulary, ReclmisError, type Vocabulary, vocabularyFlaws } from '@reclmis/core';
import {
  describeProblem,
  describeProblems,
  type LineOf,
  readPlainYaml,
  type YamlProblem,
} from './plain-yaml.js';

export { describeProblem };
export type VocabularyProblem = YamlProblem;

/** A file that was read as YAML. */
export interface VocabularyFile {
  /** Null if there are problems. */
  readonly vocabulary: Vocabulary | null;
  readonly problems: readonly VocabularyProblem[];
  readonly lineOf: LineOf;
}

/** Reads a file and lists all its problems. @throws NOTE_VOCABULARY_INVALID if it cannot be read at all */
export function checkVocabularyFile(file: string): VocabularyFile {
  const { value, problems: found, lineOf } = readPlainYaml(file, invalid);
  if (found.length > 0) return { vocabulary: null, problems: found, lineOf };
  const problems = vocabularyFlaws(value).map(({ path, message }) => ({
    line: lineOf(path),
    key: path.join('.'),
    message,
  }));
  return { vocabulary: problems.length === 0 ? parseVocabulary(value) : null, problems, lineOf };
}

/** @throws NOTE_VOCABULARY_INVALID with the first problem */
export function readVocabulary(file: string): Vocabulary {
  const { vocabulary, problems } = checkVocabularyFile(file);
  if (vocabulary !== null) return vocabulary;
  throw invalid(`${file}${describeProblems(problems)}`);
}

function invalid(message: string, cause?: unknown): ReclmisError {
  return new ReclmisError('NOTE_VOCABULARY_INVALID', message, cause === undefined ? {} : { cause });
}

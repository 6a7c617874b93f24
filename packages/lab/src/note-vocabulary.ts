/**
 * Vocabularies for reading notes in YAML files (docs/guide/own-vocabulary.md). A file may be a stranger's: it is
 * limited in size and depth, and has no aliases.
 */
import { oneLine, parseVocabulary, ReclmisError, type Vocabulary, vocabularyFlaws } from '@reclmis/core';
import { readTextSync } from '@reclmis/files';
import { isAlias, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';

const MOST_BYTES = 2 ** 20;

/** What is wrong in a file, and where. */
export interface VocabularyProblem {
  /** From 1; null if it has none, as what is missing. */
  readonly line: number | null;
  /** Keys from the root: `languages.en.sides`; empty for the whole. */
  readonly key: string;
  readonly message: string;
}

/** A file that was read as YAML. */
export interface VocabularyFile {
  /** Null if there are problems. */
  readonly vocabulary: Vocabulary | null;
  readonly problems: readonly VocabularyProblem[];
  /** Where a key is, from 1; null for none. */
  readonly lineOf: (path: readonly (string | number)[]) => number | null;
}

/** Reads a file and lists all its problems. @throws NOTE_VOCABULARY_INVALID if it cannot be read at all */
export function checkVocabularyFile(file: string): VocabularyFile {
  const lines = new LineCounter();
  const document = parse(textOf(file), lines);
  if (document === null)
    return { vocabulary: null, problems: [whole('is nested too deeply')], lineOf: () => null };
  const lineOf = (path: readonly (string | number)[]): number | null => lineIn(document, path, lines);
  const found = yamlProblems(document, lines);
  if (found.length > 0) return { vocabulary: null, problems: found, lineOf };
  const value: unknown = document.toJS({ maxAliasCount: 0 });
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
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw invalid(`${file}${first ? describeProblem(first) : ''}${more}`);
}

/** ":12: languages.en: ..." */
export function describeProblem({ line, key, message }: VocabularyProblem): string {
  return `${line === null ? '' : `:${line}`}: ${key === '' ? '' : `${key}: `}${message}`;
}

function textOf(file: string): string {
  try {
    return readTextSync(file, { limit: MOST_BYTES });
  } catch (cause) {
    throw invalid(`${file}: cannot be read (${oneLine(cause)})`, cause);
  }
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(text, { lineCounter, logLevel: 'silent' });
  } catch (error) {
    if (error instanceof RangeError) return null; // thousands of brackets
    throw error;
  }
}

function yamlProblems(document: Document.Parsed, lines: LineCounter): VocabularyProblem[] {
  const problems: VocabularyProblem[] = [...document.errors, ...document.warnings].map(
    ({ message, pos }) => ({
      line: lines.linePos(pos[0]).line,
      key: '',
      message: `not valid YAML: ${message.split(/ at line |\n/)[0] ?? ''}`,
    }),
  );
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) problems.push({ ...whole('aliases are not allowed'), line: startOf(node, lines) });
    },
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '__proto__')
        problems.push({ line: startOf(key, lines), key: '__proto__', message: 'there is no such key' });
    },
  });
  return problems;
}

const whole = (message: string): VocabularyProblem => ({ line: null, key: '', message });

/** The line of a key's value, or of the nearest key above that is there. */
function lineIn(document: Document, path: readonly (string | number)[], lines: LineCounter): number | null {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const line = startOf(node, lines);
    if (line !== null) return line;
  }
  return null;
}

function startOf(node: unknown, lines: LineCounter): number | null {
  const start = isNode(node) ? node.range?.[0] : undefined;
  return start === undefined ? null : lines.linePos(start).line;
}

function invalid(message: string, cause?: unknown): ReclmisError {
  return new ReclmisError('NOTE_VOCABULARY_INVALID', message, cause === undefined ? {} : { cause });
}

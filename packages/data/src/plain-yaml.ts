/**
 * YAML files that may be a stranger's, with the lines of what is wrong in them: limited in size and depth, without
 * aliases.
 */
import { oneLine } from '@reclmis/core';
import { readTextSync } from '@reclmis/files';
import { isAlias, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';

const MOST_BYTES = 2 ** 20;

/** What is wrong in a file, and where. */
export interface YamlProblem {
  /** From 1; null if it has none, as what is missing. */
  readonly line: number | null;
  /** Keys from the root: `languages.en.sides`; empty for the whole. */
  readonly key: string;
  readonly message: string;
}

/** Where a key is, from 1; null for none. */
export type LineOf = (path: readonly (string | number)[]) => number | null;

export interface PlainYaml {
  /** Undefined if there are problems. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  readonly lineOf: LineOf;
}

/** ":12: languages.en: ...", to follow the file's name. */
export function describeProblem({ line, key, message }: YamlProblem): string {
  return `${line === null ? '' : `:${line}`}: ${key === '' ? '' : `${key}: `}${message}`;
}

/** The first problem and how many more there are, to follow the file's name. */
export function describeProblems([first, ...others]: readonly YamlProblem[]): string {
  return `${first ? describeProblem(first) : ''}${others.length > 0 ? ` (and ${others.length} more)` : ''}`;
}

/** @param invalid makes the error for a file that cannot be read @throws it */
export function readPlainYaml(file: string, invalid: (message: string, cause: unknown) => Error): PlainYaml {
  const lines = new LineCounter();
  const document = parse(textOf(file, invalid), lines);
  if (document === null)
    return { value: undefined, problems: [whole('is nested too deeply')], lineOf: () => null };
  const lineOf = (path: readonly (string | number)[]): number | null => lineIn(document, path, lines);
  const problems = yamlProblems(document, lines);
  const value: unknown = problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 });
  return { value, problems, lineOf };
}

function textOf(file: string, invalid: (message: string, cause: unknown) => Error): string {
  try {
    return readTextSync(file, { limit: MOST_BYTES });
  } catch (cause) {
    throw invalid(`${file}: cannot be read (${oneLine(cause)})`, cause);
  }
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(text, { lineCounter, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) return null; // thousands of brackets
    throw error;
  }
}

function yamlProblems(document: Document.Parsed, lines: LineCounter): YamlProblem[] {
  const problems: YamlProblem[] = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    key: '',
    message: `not valid YAML: ${message.split(/ at line |\n/)[0] ?? ''}`,
  }));
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

const whole = (message: string): YamlProblem => ({ line: null, key: '', message });

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

/** Classes to segment in YAML files (docs/guide/predict.md). */
import { readClasses, ReclmisError, type SegmentClass } from '@reclmis/core';
import { describeProblems, readPlainYaml } from './plain-yaml.js';

/** @throws CLASSES_INVALID with the first problem, its line and key */
export function readClassesFile(file: string): readonly SegmentClass[] {
  const invalid = (message: string, cause?: unknown): ReclmisError =>
    new ReclmisError('CLASSES_INVALID', message, cause === undefined ? {} : { cause });
  const { value, problems, lineOf } = readPlainYaml(file, invalid);
  const { classes, flaws } = problems.length > 0 ? { classes: [], flaws: [] } : readClasses(value);
  const all = [...problems, ...flaws.map(({ path, message }) => ({ line: lineOf(path), key: path.join('.'), message }))]; // prettier-ignore
  if (all.length > 0) throw invalid(`${file}${describeProblems(all)}`);
  return classes;
}

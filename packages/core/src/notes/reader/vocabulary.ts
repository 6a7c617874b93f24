/** Checks of vocabularies: shape, places, numbers, lists and sentences. */
import { ReclmisError } from '../../errors.js';
import { type Flaw, flawsOf } from './flaws.js';
import { type Vocabulary, type VocabularyInput, vocabularyShape } from './vocabulary-shape.js';

const checkedShape = () =>
  vocabularyShape().superRefine((vocabulary, context) => {
    for (const { path, message } of flawsOf(vocabulary))
      context.addIssue({ code: 'custom', path: [...path], message });
  });

let shape: ReturnType<typeof vocabularyShape> | undefined;
let checked: ReturnType<typeof checkedShape> | undefined;

/** Shape and checks of a vocabulary, for schemas that contain one. */
export const vocabularySchema = (): ReturnType<typeof checkedShape> => (checked ??= checkedShape());

/** One of ours, which a test checks. */
export function builtIn(input: VocabularyInput): Vocabulary {
  return (shape ??= vocabularyShape()).parse(input);
}

/** All that is wrong with a vocabulary, in order; empty if it can be used. */
export function vocabularyFlaws(value: unknown): Flaw[] {
  const { error } = vocabularySchema().safeParse(value);
  return (error?.issues ?? []).flatMap((issue) => {
    const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key], message: 'there is no such key' }));
  });
}

/** Checks a vocabulary and fills in what it leaves out. @throws NOTE_VOCABULARY_INVALID with the first flaw */
export function parseVocabulary(value: unknown): Vocabulary {
  const parsed = vocabularySchema().safeParse(value);
  if (parsed.success) return parsed.data;
  const [flaw] = vocabularyFlaws(value);
  const where = flaw?.path.join('.') || 'the vocabulary';
  throw new ReclmisError('NOTE_VOCABULARY_INVALID', `${where}: ${flaw?.message ?? 'not understood'}`);
}

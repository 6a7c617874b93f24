/** The reader of free notes. */
export { chest } from './chest.js';
export { vocabularyConflicts } from './conflicts.js';
export type { Flaw } from './flaws.js';
export {
  type FreeNote,
  otherSides,
  type ReadItem,
  type ReadPlace,
  type ReadStatement,
  type Span,
} from './free-note.js';
export type { Extent } from './lexicon.js';
export { nuclei } from './nuclei.js';
export { readNote } from './read-note.js';
export type { PlainPlace } from './phrases.js';
export { LVIT_SENTENCES, type Sentences } from './sentences.js';
export { sameWords } from './tokens.js';
export { parseVocabulary, vocabularyFlaws, vocabularySchema } from './vocabulary.js';
export type { LanguageInput, LanguageWords, Vocabulary, VocabularyInput } from './vocabulary-shape.js';
export { canonicalNote, canonicalText } from './writer.js';

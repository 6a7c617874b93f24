/** The reader of free notes. */
export { chest } from './chest.js';
export type { FreeNote, ReadItem, ReadPlace, Span } from './free-note.js';
export type { Extent } from './lexicon.js';
export { nuclei } from './nuclei.js';
export { readNote } from './read-note.js';
export {
  type LanguageInput,
  type LanguageWords,
  parseVocabulary,
  type PlainPlace,
  type Vocabulary,
  type VocabularyInput,
  vocabularySchema,
} from './vocabulary.js';
export { canonicalNote } from './writer.js';

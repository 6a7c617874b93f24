/** Notes in other words. */
export {
  canReword,
  REWORDING_LANGUAGES,
  type Rewording,
  type RewordingLanguage,
  REWORDINGS,
  rewordNote,
  type RewordOptions,
} from './reword.js';
export { WORDING_SETS, type WordingSet } from './wording.js';

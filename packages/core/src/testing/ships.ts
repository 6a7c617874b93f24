/** A vocabulary of another domain, whose sides are port and starboard. */
import { parseVocabulary } from '../notes/reader/index.js';

export const SHIPS = parseVocabulary({
  name: 'ships',
  canonical: {
    paired: false,
    sentences: { note: '(Hole/Holes)[, {places}].', words: { left: 'port', right: 'starboard' } },
  },
  languages: {
    en: {
      sides: { left: 'port', right: 'starboard' },
      zones: { upper: 'bow' },
      findings: { hole: 'hole(/s)' },
      links: 'at',
      filler: 'a',
    },
  },
});

// Prints what the reader of free notes makes of the annotated sentences: expected against read, by field and language.
//   npx tsc -b tests && node scripts/reader-tables.mjs
// With --time: milliseconds for a note, each read five times when warm.
import { performance } from 'node:perf_hooks';
import { readNote } from '@reclmis/core';
import { confusionTables, LANGUAGES, scored, SETS } from '../tests/dist/reader-scores.js';

const all = SETS.flatMap((set) => LANGUAGES.flatMap((language) => scored(language, set)));
if (process.argv.includes('--time')) {
  const times = [];
  for (let pass = 0; pass < 5; pass++) {
    for (const { expected } of all) {
      const start = performance.now();
      readNote(expected.text);
      times.push(performance.now() - start);
    }
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(share * (times.length - 1))].toFixed(3);
  console.log(`ms for a note: median ${at(0.5)}, 95 % ${at(0.95)}, 99 % ${at(0.99)}, longest ${at(1)}`);
} else console.log(confusionTables(all));

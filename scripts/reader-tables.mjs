// Prints what the reader of free notes makes of the annotated sentences: expected against read, by field and language.
//   npx tsc -b tests && node scripts/reader-tables.mjs
// With --rewordings: every note of LViT's grammar in other words, and how many are read completely and correctly.
// With --time: milliseconds for a note, each read five times when warm.
import { performance } from 'node:perf_hooks';
import { readNote } from '@reclmis/core';
import { everyNote, tallyOf, WAYS } from '../tests/dist/rewordings.js';
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
} else if (process.argv.includes('--rewordings')) {
  const notes = everyNote();
  console.log('| rewording | templates | texts | right | not understood | wrong | wrong side |');
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |');
  for (const way of WAYS) {
    const { texts, right, incomplete, wrong, wrongSide } = tallyOf(way, notes, 5);
    const name = way.language === undefined ? way.kind : `${way.kind}, ${way.language}`;
    const share = `${((100 * right) / texts).toFixed(1)} %`;
    console.log(
      `| ${name} | ${way.set} | ${texts} | ${share} | ${incomplete.length} | ${wrong.length} | ${wrongSide.length} |`,
    );
  }
} else console.log(confusionTables(all));

/** `reclmis explain RUN RUN ...`: several runs on the same images, next to each other. */
import { defined, warningLines } from '@reclmis/core';
import type { LoadOptions } from '@reclmis/lab';
import { asked, type ExplainFlags, refuseFailures } from './explain-asked.js';
import { vocabularyOf } from './note-options.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';
import { describeCompared } from './tables/explanations.js';

export async function compare(
  dirs: readonly string[],
  choice: LoadOptions,
  flags: ExplainFlags,
  output: Output,
): Promise<void> {
  const { layer, sides, noteStyle, masks, numbers = false } = flags;
  const { comparedRunToJson, explainRuns, openRun } = await import('@reclmis/lab');
  const vocabulary = await vocabularyOf(flags.noteVocabulary);
  const { out, cases, target } = await asked(dirs.map(openRun), flags, output);
  let bar: Progress | null = null;
  const compared = await explainRuns(dirs, cases, out, {
    ...defined({ layer, sides, noteStyle, vocabulary, masks }),
    ...{ target, numbers, load: choice },
    onRun: (name, notices) => {
      bar?.stop();
      for (const line of notices) output.notice(`${name}: ${line}`);
      bar = new Progress({ label: `explaining by ${name}`, total: cases.length, quiet: output.quiet });
    },
    onProgress: (done) => bar?.update(done),
  }).finally(() => bar?.stop());
  const { runs, files, report } = compared;
  const explained = compared.cases.filter(({ error }) => error === undefined).length;
  for (const { name, warnings } of runs)
    for (const line of warningLines(warnings.byCode, explained, 'image')) output.warning(`${name}: ${line}`);
  output.result({
    ...{ out, cases: cases.length, files },
    runs: runs.map(comparedRunToJson),
  });
  output.say(describeCompared(runs));
  output.say(`${cases.length} image${cases.length === 1 ? '' : 's'}\nReport: ${report}`);
  refuseFailures(out, compared.cases, output);
}

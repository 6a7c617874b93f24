/** The folder of `reclmis demo`, which a second demo replaces, but never other files or later evaluations. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { isLitter, makeFolder } from '@reclmis/files';
import type { Output } from './output.js';

/** In a folder that the demo made and may replace. */
const MARK = '.reclmis-demo';

export type Place = ReturnType<typeof folders>;

export function folders(out: string): Record<'data' | 'run' | 'model' | 'overview', string> {
  return {
    data: join(out, 'phantoms'),
    run: join(out, 'run'),
    model: join(out, 'model'),
    overview: join(out, 'overview.png'),
  };
}

/** Clears what an earlier demo left; leaves a folder with anything else alone. */
export async function prepare(out: string, place: Place, output: Output): Promise<void> {
  const mark = join(out, MARK);
  await makeFolder(out);
  const entries = readdirSync(out).filter((name) => !isLitter(name));
  if (entries.length > 0 && !existsSync(mark)) {
    throw new ReclmisError(
      'OUTPUT_EXISTS',
      `${out}: expected an empty folder or that of an earlier demo, found ${entries.length} entries`,
    );
  }
  refuseForeign(place);
  if (existsSync(place.run)) output.notice(`${out}: replaces the earlier demo's phantoms, run and figures`);
  for (const path of Object.values(place)) rmSync(path, { recursive: true, force: true });
  writeFileSync(mark, 'Made by `reclmis demo`, which replaces the contents of this folder.\n');
}

/** Written into the run's `evaluation/`. */
export const OUTCOMES = { right: 'test-right.csv', mirrored: 'test-mirrored.csv' } as const;
/** Left by training and evaluation. */
const OF_RUN = [
  ...['checkpoints', 'confidence.json', 'config.yaml', 'evaluation', 'metrics.jsonl', 'progress.png'],
  ...['reference.json', 'run.json', 'tensorboard'],
];

/** @throws OUTPUT_EXISTS if the run holds evaluations or other files not from the demo */
function refuseForeign({ run }: Place): void {
  const beyond = (dir: string, own: readonly string[]): string[] =>
    existsSync(dir)
      ? readdirSync(dir)
          .filter((name) => !own.includes(name) && !name.startsWith('.'))
          .map((name) => join(dir, name))
      : [];
  const foreign = [...beyond(run, OF_RUN), ...beyond(join(run, 'evaluation'), Object.values(OUTCOMES))];
  if (foreign.length === 0) return;
  const more = foreign.length > 3 ? `, and ${foreign.length - 3} more` : '';
  throw new ReclmisError(
    'OUTPUT_EXISTS',
    `a new demo would delete ${foreign.slice(0, 3).join(', ')}${more}, made after the earlier one`,
    { remedy: 'Move or delete what is named, or write into another folder: `reclmis demo --out DIR`.' },
  );
}

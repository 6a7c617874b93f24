/** Repeats findings of `data check` in `train` and `evaluate`. */
import { ReclmisError } from '@reclmis/core';
import type { Dataset, Split } from '@reclmis/data';
import type { Output } from './output.js';

/** Prints what the layout left out, and the line, if any. The command reports unreadable data. @param open opens the parts, by split. */
export async function warnOfData(
  dir: string,
  open: () => Promise<Readonly<Partial<Record<Split, Dataset>>>>,
  output: Output,
  group = '',
): Promise<void> {
  if (output.quiet) return;
  const { dataWarning, SPLITS } = await import('@reclmis/data');
  try {
    const parts = await open();
    const cases = SPLITS.flatMap((split) => (parts[split]?.cases ?? []).map((one) => ({ ...one, split })));
    const notices = SPLITS.flatMap((split) => parts[split]?.notices ?? []);
    for (const line of new Set(notices)) output.notice(line);
    const line = await dataWarning(dir, cases, { group });
    if (line !== null) output.notice(line);
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
  }
}

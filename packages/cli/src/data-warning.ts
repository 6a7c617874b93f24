/** The one line by which `train` and `evaluate` repeat what `data check` found, or what a sample of the cases shows. */
import { ReclmisError } from '@reclmis/core';
import type { Dataset, Split } from '@reclmis/lab';
import type { Output } from './output.js';

/**
 * Prints the line, if there is one. Data that cannot be opened or read are told by the command itself, in its own words.
 * @param open opens the parts; their cases count as of the split by which each is named.
 */
export async function warnOfData(
  dir: string,
  open: () => Promise<Readonly<Partial<Record<Split, Dataset>>>>,
  output: Output,
  group = '',
): Promise<void> {
  if (output.quiet) return;
  const { dataWarning, SPLITS } = await import('@reclmis/lab');
  try {
    const parts = await open();
    const cases = SPLITS.flatMap((split) => (parts[split]?.cases ?? []).map((one) => ({ ...one, split })));
    const line = await dataWarning(dir, cases, { group });
    if (line !== null) output.notice(line);
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
  }
}

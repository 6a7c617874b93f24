/** States whose left and right a run's notes mean, for older and imported runs, or to correct it. */
import type { StatedSides } from '@reclmis/core';
import { writeFileAtomicSync } from '@reclmis/files';
import { configToYaml } from '../config/config.js';
import type { NoteInfo } from '../data/sides.js';
import { readReference, underSides, writeReference } from '../run/reference.js';
import { openRun, runFiles, writeRunInfo } from '../run/run.js';
import { withRunLock } from '../run/run-lock.js';
import { ownCases } from './own-cases.js';

/**
 * Writes `config.yaml` and `run.json`, and updates the mask rules in `reference.json`.
 * @param reason the figure that it follows from @param onNotice for the user, line by line
 * @throws RUN_MISSING, RUN_INVALID, RUN_BUSY while a process trains into it, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function stateSides(
  dir: string,
  sides: StatedSides,
  reason: string | null = null,
  onNotice?: (line: string) => void,
): Promise<NoteInfo> {
  openRun(dir); // no lock in a folder that is no run
  return withRunLock(dir, {}, async () => {
    const run = openRun(dir);
    const { config, info } = run;
    const reference = readReference(dir);
    const remembered =
      reference &&
      (await underSides(reference, sides, run.sides, () => ownCases(run, 'train'), run.habits.vocabulary));
    const note: NoteInfo = { ...info.note, sides, by: reason === null ? 'statement' : 'masks', reason };
    // First, with its sides: if the next write fails, the rule is off (`rulesUnder`).
    if (remembered) writeReference(dir, remembered.reference);
    const yaml = configToYaml({ ...config, note: { ...config.note, sides } });
    writeFileAtomicSync(runFiles(dir).config, yaml, { sync: true });
    writeRunInfo(dir, { ...info, note });
    if (remembered?.notice != null) onNotice?.(remembered.notice);
    return note;
  });
}

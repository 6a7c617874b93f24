/** Stating whose left and right a run's notes mean, for runs that do not say it (older ones, imported ones) or say it wrongly. Nothing is trained again. */
import type { StatedSides } from '@reclmis/core';
import { writeAtomically } from '@reclmis/torch';
import { configToYaml } from '../config/config.js';
import type { NoteInfo } from '../data/sides.js';
import { openRun, runFiles, writeRunInfo } from './run.js';
import { withRunLock } from './run-lock.js';

/**
 * Writes it into a run's `config.yaml` and `run.json`.
 * @param reason the figure behind it, where it was inferred.
 * @throws RUN_MISSING, RUN_INVALID, RUN_BUSY while a process trains into it, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function stateSides(
  dir: string,
  sides: StatedSides,
  reason: string | null = null,
): Promise<NoteInfo> {
  openRun(dir); // before a lock is made in what is no run
  return withRunLock(dir, {}, () => {
    const { config, info } = openRun(dir);
    const note: NoteInfo = { sides, by: reason === null ? 'statement' : 'masks', reason };
    const yaml = configToYaml({ ...config, note: { ...config.note, sides } });
    writeAtomically(runFiles(dir).config, (write) => write(Buffer.from(yaml)));
    writeRunInfo(dir, { ...info, note });
    return Promise.resolve(note);
  });
}

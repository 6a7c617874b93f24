/**
 * A run's figures for TensorBoard: `tensorboard/events.out.tfevents.*` in the run folder, beside `metrics.jsonl`, which holds the same. One file per
 * session, since a session that was killed may have left a broken last record, after which TensorBoard reads no further. The file's name has
 * no host in it. Figures only, no notes and no pictures.
 *
 * A session that goes on begins with the last epoch before it: TensorBoard drops what lies at the step of a session's start too, and a process
 * that was killed between its checkpoint and this file has not written that epoch.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { APPEND_FLAGS, systemCode, writeError } from '@reclmis/files';
import type { EpochRecord } from '../run/metrics-log.js';
import { scalarRecord, sessionRecord, versionRecord } from './event.js';

/** The folder of event files in a run's. */
export const TENSORBOARD_FOLDER = 'tensorboard';

/** Writes the epochs of one session, each as it ends. */
export class TensorBoardLog {
  private readonly folder: string;
  private path: string | null = null;

  /** @param earlier the epochs before this session. Nothing is written before the first of its own ends. */
  constructor(
    runDir: string,
    private readonly earlier: readonly EpochRecord[] = [],
  ) {
    this.folder = join(runDir, TENSORBOARD_FOLDER);
  }

  /** Where the session starts: after this step nothing counts that lies there from before. */
  private get step(): number {
    return this.earlier.at(-1)?.step ?? 0;
  }

  /** Adds an epoch. @throws OUTPUT_UNWRITABLE, DISK_FULL */
  write(record: EpochRecord, previousSeconds: number): void {
    const wallTime = Date.now() / 1000;
    const eventOf = (one: EpochRecord, before: number): Buffer =>
      scalarRecord({ wallTime, step: one.step, scalars: scalarsOf(one, before) });
    const event = eventOf(record, previousSeconds);
    if (this.path) {
      this.append([event]);
      return;
    }
    const last = this.earlier.at(-1);
    const again = last ? [eventOf(last, this.earlier.at(-2)?.seconds ?? 0)] : [];
    this.append([versionRecord(wallTime), sessionRecord(wallTime, this.step), ...again, event]);
  }

  private append(records: readonly Buffer[]): void {
    try {
      this.path ??= this.begin();
      const fd = openSync(this.path, APPEND_FLAGS);
      try {
        writeSync(fd, Buffer.concat(records)); // one call, so that a kill leaves whole records as a rule
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      throw writeError(this.folder, cause);
    }
  }

  /** The file of this session; TensorBoard orders files by name. */
  private begin(): string {
    try {
      mkdirSync(this.folder); // not its parents: a run that was deleted does not come back
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
    const path = join(this.folder, `events.out.tfevents.${seconds}.reclmis.${this.step}.${process.pid}`);
    closeSync(openSync(path, 'wx'));
    return path;
  }
}

/** An epoch's figures by tag; the part before the slash is TensorBoard's group. @param before seconds of the run at the epoch before. */
export function scalarsOf(record: EpochRecord, before: number): Record<string, number | undefined> {
  const { epoch, losses, validation, lr, secondsPerImage, waitShare, peakBytes, seconds } = record;
  const loss = Object.fromEntries(
    Object.entries(losses).map(([name, value]) => [`loss/${name}`, value as number]),
  );
  return {
    ...loss,
    'validation/dice': validation.dice,
    'validation/iou': validation.iou,
    'validation/pooled dice': validation.pooledDice,
    'validation/pooled iou': validation.pooledIou,
    'training/learning rate': lr,
    'training/epoch': epoch,
    'time/seconds per image': secondsPerImage,
    'time/seconds per epoch': seconds - before,
    'time/share of waiting for data': waitShare,
    'time/peak MiB': peakBytes / 2 ** 20,
  };
}

/**
 * A run's figures for TensorBoard: `tensorboard/events.out.tfevents.*` in the run folder, one file per
 * session, since TensorBoard stops at a killed one's broken record. No host in the file's name; no notes, no
 * pictures.
 *
 * A resumed session repeats the last epoch: TensorBoard drops the step at which a session starts.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { APPEND_FLAGS, systemCode, writeError } from '@reclmis/files';
import type { EpochRecord } from '../run/metrics-log.js';
import { scalarRecord, sessionRecord, versionRecord } from './event.js';

export const TENSORBOARD_FOLDER = 'tensorboard';

export class TensorBoardLog {
  private readonly folder: string;
  private path: string | null = null;

  /** @param earlier epochs before this session. Its first epoch creates the file. */
  constructor(
    runDir: string,
    private readonly earlier: readonly EpochRecord[] = [],
  ) {
    this.folder = join(runDir, TENSORBOARD_FOLDER);
  }

  /** Older entries of later steps do not count. */
  private get step(): number {
    return this.earlier.at(-1)?.step ?? 0;
  }

  /** @throws OUTPUT_UNWRITABLE, DISK_FULL */
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
        writeSync(fd, Buffer.concat(records)); // one call, so that a kill usually leaves whole records
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      throw writeError(this.folder, cause);
    }
  }

  /** TensorBoard orders files by name. */
  private begin(): string {
    try {
      mkdirSync(this.folder); // not its parents: never recreate a deleted run
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
    const path = join(this.folder, `events.out.tfevents.${seconds}.reclmis.${this.step}.${process.pid}`);
    closeSync(openSync(path, 'wx'));
    return path;
  }
}

/** By tag, GROUP/NAME. @param before the run's seconds at the previous epoch */
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

/** Training on disks that fill up or become read-only, and in folders that go away. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointPath } from '../run/checkpoint.js';
import { failure } from '../testing/failure.js';
import { writeTinyData } from '@reclmis/data/testing';
import { resumeTraining } from './resume.js';
import { expectSame, fourEpochs } from './testing/resumed.js';
import { train } from './train.js';

const SLOW = Boolean(process.env['RECLMIS_SLOW']);
const root = mkdtempSync(join(tmpdir(), 'reclmis-disk-'));
const { tiny, place } = fourEpochs(root);
const whole = place();

beforeAll(async () => {
  if (!SLOW) return;
  await writeTinyData(join(root, 'data'), 32, { train: 10, val: 6, test: 2 });
  await train(tiny(), { out: whole });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(!SLOW)('faults of the disk', () => {
  const disk = join(root, 'disk');
  mkdirSync(disk);
  const mounts = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status === 0;
  if (mounts) spawnSync('umount', [disk]);
  const onDisk = async (megabytes: string, work: (dir: string) => Promise<void>): Promise<void> => {
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}`, 'tmpfs', disk]).status).toBe(0);
    try {
      await work(join(disk, 'run'));
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  };

  it.skipIf(!mounts)('a disk that fills up: DISK_FULL, and the run resumes elsewhere', async () => {
    const copy = place();
    await onDisk('16m', async (dir) => {
      const error = await failure(() =>
        train(tiny({ 'train.saveSteps': 1 }), {
          out: dir,
          onStep: ({ step }) => {
            if (step === 5) spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'others')}`, 'bs=64k']);
          },
        }),
      );
      expect(error.code).toBe('DISK_FULL');
      expect(readdirSync(join(dir, 'checkpoints')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      cpSync(dir, copy, { recursive: true });
    });
    expect(checkpointPath(copy, 'last')).toContain('00000004');
    await resumeTraining(copy);
    expectSame(copy, whole);
  });

  it.skipIf(!mounts)('a disk that is too small from the start shows before the first step', async () => {
    await onDisk('200k', async (dir) => {
      const steps: number[] = [];
      const error = await failure(() => train(tiny(), { out: dir, onStep: ({ step }) => steps.push(step) }));
      expect(error.code).toBe('DISK_FULL');
      expect(steps).toEqual([]);
    });
  });

  it.skipIf(!mounts)(
    'a disk that becomes read-only: OUTPUT_UNWRITABLE, and the last point is whole',
    async () => {
      const copy = place();
      await onDisk('16m', async (dir) => {
        const error = await failure(() =>
          train(tiny({ 'train.saveSteps': 1 }), {
            out: dir,
            onStep: ({ step }) => {
              if (step === 5) spawnSync('mount', ['-o', 'remount,ro', disk]);
            },
          }),
        );
        expect(error.code).toBe('OUTPUT_UNWRITABLE');
        expect(error.message).toContain('EROFS');
        expect((await failure(() => resumeTraining(dir))).code).toBe('OUTPUT_UNWRITABLE');
        cpSync(dir, copy, { recursive: true });
      });
      expect(checkpointPath(copy, 'last')).toContain('00000004');
      await resumeTraining(copy);
      expectSame(copy, whole);
    },
  );

  it('a run folder that is deleted: OUTPUT_UNWRITABLE, and it does not come back', async () => {
    const dir = place();
    const error = await failure(() =>
      train(tiny(), {
        out: dir,
        onStep: ({ step }) => {
          if (step === 2) rmSync(dir, { recursive: true });
        },
      }),
    );
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
    expect(existsSync(dir)).toBe(false);
    expect((await failure(() => resumeTraining(dir))).code).toBe('RUN_MISSING');
  });

  it('a run folder that is renamed while it is trained into: the same, and the renamed one resumes', async () => {
    const dir = place();
    const away = place();
    const error = await failure(() =>
      train(tiny({ 'train.saveSteps': 2 }), {
        out: dir,
        onStep: ({ step }) => {
          if (step === 5) renameSync(dir, away);
        },
      }),
    );
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
    await resumeTraining(away);
    expectSame(away, whole);
  });
});

/** Checks event files by their specification, with a separate reader, and with TensorBoard if installed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { EpochRecord } from '../run/metrics-log.js';
import { crc32c, maskedCrc32c } from './crc32c.js';
import { scalarRecord, sessionRecord, versionRecord } from './event.js';
import { TensorBoardLog } from './tensorboard.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-watch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Protobuf fields by number; a field may repeat. */
type Fields = Map<number, (number | Buffer)[]>;

function parse(data: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = BigInt(data.readUInt8(at++));
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return Number(value);
      shift += 7n;
    }
  };
  while (at < data.length) {
    const key = varint();
    let value: number | Buffer;
    switch (key & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        value = data.readDoubleLE(at);
        at += 8;
        break;
      case 2: {
        const length = varint();
        value = data.subarray(at, at + length);
        at += length;
        break;
      }
      case 5:
        value = data.readFloatLE(at);
        at += 4;
        break;
      default:
        throw new Error(`wire type ${key & 7}`);
    }
    const field = key >> 3;
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

/** A file's events; checks both checksums of each record. */
function events(bytes: Buffer): Fields[] {
  const all: Fields[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
    all.push(parse(data));
    at += 16 + length;
  }
  return all;
}

const text = (value: number | Buffer | undefined): string => String(value);

function scalars(event: Fields | undefined): Record<string, number> {
  const summary = parse(event?.get(5)?.[0] as Buffer);
  return Object.fromEntries(
    (summary.get(1) ?? []).map((value) => {
      const fields = parse(value as Buffer);
      return [text(fields.get(1)?.[0]), fields.get(2)?.[0] as number];
    }),
  );
}

const record = (epoch: number): EpochRecord => ({
  epoch,
  step: 10 * epoch,
  losses: { total: 4.5 / epoch, dice: 0.5, bce: 0.25, ccl: 2 },
  validation: { images: 3, dice: 0.75, iou: 0.5, pooledDice: 0.875, pooledIou: 0.625 },
  best: true,
  lr: 0.0078125,
  secondsPerImage: 0.125,
  waitShare: 0,
  peakBytes: 2 ** 21,
  seconds: 60 * epoch,
});

describe('CRC-32C', () => {
  it.each([
    ['32 bytes of zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 incrementing bytes', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['32 decrementing bytes', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['"123456789"', Buffer.from('123456789'), 0xe3069283],
  ])('%s, as RFC 3720 and the catalogue of CRCs have it', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('is masked by a turn and a constant', () => {
    // 0xe3069283 rotated right by 15 bits is 0x2507c60d; plus 0xa282ead8.
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe(0xc78ab0e5);
  });
});

describe('events', () => {
  it('begin with the version that TensorBoard looks for', () => {
    const [event] = events(versionRecord(1.5));
    expect(event?.get(1)).toEqual([1.5]);
    expect(text(event?.get(3)?.[0])).toBe('brain.Event:2');
  });

  it('hold steps beyond 32 bits and scalars as float32, without those that are not finite', () => {
    const [event] = events(
      scalarRecord({
        wallTime: 2,
        step: 2 ** 40 + 3,
        scalars: { a: 0.1, b: Number.NaN, 'c/ü': -2, d: undefined },
      }),
    );
    expect(event?.get(2)).toEqual([2 ** 40 + 3]);
    expect(scalars(event)).toEqual({ a: Math.fround(0.1), 'c/ü': -2 });
  });

  it('say where a session starts', () => {
    const [event] = events(sessionRecord(2, 300));
    expect(event?.get(2)).toEqual([300]);
    expect(parse(event?.get(7)?.[0] as Buffer).get(1)).toEqual([1]);
  });
});

describe('the log of a run', () => {
  const run = join(root, 'run');
  mkdirSync(run);

  it('is a file per session with the figures of each epoch', () => {
    const first = new TensorBoardLog(run);
    first.write(record(1), 0);
    first.write(record(2), 60);
    const second = new TensorBoardLog(run, [record(1), record(2)]);
    second.write(record(3), 120);
    const names = readdirSync(join(run, 'tensorboard')).sort();
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.reclmis\.\d+\.\d+$/);
    const [a, b] = names.map((name) => events(readFileSync(join(run, 'tensorboard', name))));
    expect([a?.length, b?.length]).toEqual([4, 4]);
    expect(b?.[1]?.get(2)).toEqual([20]);
    expect(a?.[3]?.get(2)).toEqual([20]);
    expect(scalars(a?.[2])).toEqual({
      'loss/total': 4.5,
      'loss/dice': 0.5,
      'loss/bce': 0.25,
      'loss/ccl': 2,
      'validation/dice': 0.75,
      'validation/iou': 0.5,
      'validation/pooled dice': 0.875,
      'validation/pooled iou': 0.625,
      'training/learning rate': 0.0078125,
      'training/epoch': 1,
      'time/seconds per image': 0.125,
      'time/seconds per epoch': 60,
      'time/share of waiting for data': 0,
      'time/peak MiB': 2,
    });
  });

  /** The steps that TensorBoard shows: a session's start drops its step and later ones. */
  function shown(dir: string): number[] {
    const files = readdirSync(join(dir, 'tensorboard')).sort();
    const all = files.flatMap((name) => events(readFileSync(join(dir, 'tensorboard', name))));
    return all.reduce<number[]>((steps, event) => {
      const step = (event.get(2)?.[0] ?? 0) as number;
      if (event.has(7)) return steps.filter((other) => other < step);
      return event.has(5) ? [...steps, step] : steps;
    }, []);
  }

  it('shows every epoch once, also the last before a session, whether the one before had come to write it or not', () => {
    expect(shown(run)).toEqual([10, 20, 30]);
    const killed = join(root, 'killed');
    mkdirSync(killed);
    new TensorBoardLog(killed).write(record(1), 0); // and the second epoch's checkpoint, no more
    new TensorBoardLog(killed, [record(1), record(2)]).write(record(3), 120);
    expect(shown(killed)).toEqual([10, 20, 30]);
  });

  it('does not bring back a run that was deleted', () => {
    const gone = join(root, 'gone');
    expect(() => new TensorBoardLog(gone).write(record(1), 0)).toThrow(/cannot be written/);
    expect(readdirSync(root)).not.toContain('gone');
  });

  const python = spawnSync('python3', ['-c', 'import tensorboard']).status === 0;
  it.skipIf(!python)('is read by TensorBoard itself (needs python3 with tensorboard)', () => {
    const script =
      'import sys, json\n' +
      'from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n' +
      'a = EventAccumulator(sys.argv[1]); a.Reload()\n' +
      "print(json.dumps([[e.step, e.value] for e in a.Scalars('loss/total')]))";
    const { stdout, stderr } = spawnSync('python3', ['-c', script, join(run, 'tensorboard')], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      [10, 4.5],
      [20, 2.25],
      [30, 1.5],
    ]);
  });
});

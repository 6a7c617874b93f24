/**
 * TensorBoard's scalar events: tensorflow/core/util/event.proto and framework/summary.proto, in TensorFlow's records:
 *
 *     8 bytes  length of the data, little-endian
 *     4 bytes  masked CRC-32C of those 8 bytes
 *     N bytes  data: one Event
 *     4 bytes  masked CRC-32C of the data
 */
import { protobuf } from '@reclmis/files';
import { maskedCrc32c } from './crc32c.js';

const { double, float, integer, message, text } = protobuf;

/** Expected in a file's first event. */
const FILE_VERSION = 'brain.Event:2';

const WALL_TIME = 1;
const STEP = 2;
const VERSION = 3;
const SUMMARY = 5;
const SESSION_LOG = 7;
/** SessionLog.START: drops earlier sessions' values of this step and later. */
const SESSION_START = 1;

export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** By tag; omits values that are not finite. */
  readonly scalars: Readonly<Record<string, number | undefined>>;
}

export function versionRecord(wallTime: number): Buffer {
  return record([double(WALL_TIME, wallTime), text(VERSION, FILE_VERSION)]);
}

export function sessionRecord(wallTime: number, step: number): Buffer {
  return record([
    double(WALL_TIME, wallTime),
    integer(STEP, step),
    message(SESSION_LOG, [integer(1, SESSION_START)]),
  ]);
}

export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Buffer {
  const values = Object.entries(scalars).flatMap(([tag, value]) =>
    value !== undefined && Number.isFinite(value) ? [message(1, [text(1, tag), float(2, value)])] : [],
  );
  return record([double(WALL_TIME, wallTime), integer(STEP, step), message(SUMMARY, values)]);
}

function record(fields: readonly Buffer[]): Buffer {
  const data = Buffer.concat(fields);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

function checksum(bytes: Buffer): Buffer {
  const result = Buffer.alloc(4);
  result.writeUInt32LE(maskedCrc32c(bytes));
  return result;
}

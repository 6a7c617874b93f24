/**
 * TensorBoard's events, written by hand: the few fields of tensorflow/core/util/event.proto and framework/summary.proto that scalars need, in
 * protobuf's wire format, each within a record of TensorFlow's record files:
 *
 *     8 bytes  length of the data, little-endian
 *     4 bytes  masked CRC-32C of those 8 bytes
 *     N bytes  data: one Event
 *     4 bytes  masked CRC-32C of the data
 */
import { protobuf } from '@reclmis/files';
import { maskedCrc32c } from './crc32c.js';

const { double, float, integer, message, text } = protobuf;

/** What TensorBoard looks for in a file's first event. */
const FILE_VERSION = 'brain.Event:2';

/** Fields of Event. */
const WALL_TIME = 1;
const STEP = 2;
const VERSION = 3;
const SUMMARY = 5;
const SESSION_LOG = 7;
/** SessionLog.START: TensorBoard then drops what an earlier session wrote for this step and later ones. */
const SESSION_START = 1;

/** One point in time of a run. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Values by tag; those that are not finite are left out. */
  readonly scalars: Readonly<Record<string, number | undefined>>;
}

/** The first record of a file. */
export function versionRecord(wallTime: number): Buffer {
  return record([double(WALL_TIME, wallTime), text(VERSION, FILE_VERSION)]);
}

/** Says that a session begins at a step. */
export function sessionRecord(wallTime: number, step: number): Buffer {
  return record([
    double(WALL_TIME, wallTime),
    integer(STEP, step),
    message(SESSION_LOG, [integer(1, SESSION_START)]),
  ]);
}

/** Scalars at a step. */
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

/**
 * TensorBoard's events, written by hand: the few fields of tensorflow/core/util/event.proto and framework/summary.proto that scalars need, in
 * protobuf's wire format, each within a record of TensorFlow's record files:
 *
 *     8 bytes  length of the data, little-endian
 *     4 bytes  masked CRC-32C of those 8 bytes
 *     N bytes  data: one Event
 *     4 bytes  masked CRC-32C of the data
 */
import { maskedCrc32c } from './crc32c.js';

/** What TensorBoard looks for in a file's first event. */
const FILE_VERSION = 'brain.Event:2';

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Fields of Event. */
const WALL_TIME = 1;
const STEP = 2;
const VERSION = 3;
const SUMMARY = 5;
const SESSION_LOG = 7;
/** SessionLog.START: TensorBoard then drops what an earlier session wrote for later steps. */
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

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const key = (field: number, wire: number): Buffer => varint(field * 8 + wire);

/** @param value not negative. */
const integer = (field: number, value: number): Buffer => Buffer.concat([key(field, VARINT), varint(value)]);

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}

function message(field: number, fields: readonly Buffer[]): Buffer {
  const data = Buffer.concat(fields);
  return Buffer.concat([key(field, BYTES), varint(data.length), data]);
}

const text = (field: number, value: string): Buffer => message(field, [Buffer.from(value)]);

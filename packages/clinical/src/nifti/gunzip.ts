/**
 * Gzip with a limit and a check of the sums, member by member (RFC 1952): fflate inflates, and checks no sums. The
 * first bytes say how many are wanted, so a small file cannot ask for more memory than its header admits to.
 */
import { Crc32, ReclmisError } from '@reclmis/core';
import { Gunzip } from 'fflate';

/** Deflate's highest ratio. */
const MOST_TIMES = 1032;
/** Bytes of input at a time, each of which can become MOST_TIMES as many; at first only enough for the header. */
const STEP = 16 * 1024;
const FIRST_STEP = 512;
/** Bytes of output between two pauses, in which others get their turn. */
const BREATH = 32 * 1024 * 1024;
/** What follows the wanted bytes is read for its sum, up to this. */
const MOST_REST = 16 * 1024 * 1024;
const TRAILER = 8;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The first bytes of a gzip, or fewer if it is damaged: to recognise what is inside. */
export function gunzipStart(bytes: Uint8Array, length: number): Uint8Array {
  const start = new Uint8Array(length);
  let filled = 0;
  const stream = new Gunzip((chunk) => {
    const taken = chunk.subarray(0, length - filled);
    start.set(taken, filled);
    filled += taken.length;
  });
  try {
    for (let at = 0; at < bytes.length && filled < length && at < STEP; at += 512)
      stream.push(bytes.slice(at, at + 512));
  } catch {
    // what came before the damage is enough
  }
  return start.subarray(0, filled);
}

/**
 * Inflates a gzip file.
 * @param head bytes that `wanted` needs @param wanted how many bytes to keep, by the first `head`; it may throw
 * @throws IMAGE_UNREADABLE for damage and wrong sums, IMAGE_TOO_LARGE if far more follows than wanted
 */
export async function gunzip(
  bytes: Uint8Array,
  head: number,
  wanted: (start: Uint8Array) => number,
): Promise<Uint8Array> {
  const start = new Uint8Array(head);
  let kept = null as Uint8Array | null; // narrowing would not see that `take` sets it
  let length = 0; // of all output
  let member = 0; // of the current member's output
  let sum = new Crc32();
  let sinceBreath = 0;
  const checkMember = (trailerAt: number): void => {
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + trailerAt, TRAILER);
    if (trailer.getUint32(0, true) !== sum.value || trailer.getUint32(4, true) !== member % 2 ** 32)
      throw damaged('its check sum differs from its content');
    sum = new Crc32();
    member = 0;
  };
  const take = (chunk: Uint8Array): void => {
    sum.add(chunk);
    if (length < head) start.set(chunk.subarray(0, head - length), length);
    const before = length;
    length += chunk.length;
    member += chunk.length;
    sinceBreath += chunk.length;
    if (kept === null && length >= head) {
      const size = wanted(start);
      if (size > bytes.length * MOST_TIMES) throw damaged('it is too short for what its header states');
      kept = new Uint8Array(size);
      kept.set(start.subarray(0, size));
      const from = Math.max(0, head - before); // of the chunk, what the start does not hold
      kept.set(chunk.subarray(from, Math.max(from, size - before)), before + from);
    } else if (kept !== null && before < kept.length)
      kept.set(chunk.subarray(0, kept.length - before), before);
    if (kept !== null && length > kept.length + MOST_REST)
      throw new ReclmisError('IMAGE_TOO_LARGE', 'the compressed file holds far more than its header states');
  };
  const stream = new Gunzip(take);
  stream.onmember = (at) => checkMember(at - TRAILER);
  try {
    for (let at = 0, step = FIRST_STEP; at < bytes.length; at += step, step = STEP) {
      stream.push(bytes.slice(at, at + step), at + step >= bytes.length); // a copy: fflate keeps and shifts it
      if (sinceBreath < BREATH) continue;
      sinceBreath = 0;
      await new Promise((resolve) => setTimeout(resolve));
    }
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    throw damaged('it is truncated or damaged', error);
  }
  if (kept === null) throw damaged('it ends within the header');
  checkMember(bytes.length - TRAILER);
  if (length < kept.length) throw damaged('it ends before the last voxel');
  return kept;
}

const damaged = (why: string, cause?: unknown): ReclmisError =>
  new ReclmisError('IMAGE_UNREADABLE', `the gzip-compressed file cannot be read: ${why}`, { cause });

/** UIDs under 2.25, made from UUIDs (PS3.5 B.2): random, or the same again from a seed. */
import { Random } from '@reclmis/core';

/** A source of UIDs. @param purpose tells those of one object apart */
export type UidMaker = (purpose: string) => string;

/** New ones each time, from the platform's secure random numbers. */
export const randomUids: UidMaker = () => uidOf(crypto.getRandomValues(new Uint8Array(16)));

/**
 * The same for the same keys. The keys must hold all that tells one object from another, since two objects may never
 * have one UID.
 */
export function seededUids(...keys: readonly (string | number)[]): UidMaker {
  return (purpose) => {
    const random = Random.from(...keys, purpose);
    return uidOf(Uint8Array.from({ length: 16 }, () => random.int(256)));
  };
}

/** @param bytes 16 of a UUID; version and variant are set to those of a random one (RFC 9562, version 4) */
function uidOf(bytes: Uint8Array): string {
  let value = 0n;
  bytes.forEach((byte, i) => {
    const stamped = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte;
    value = value * 256n + BigInt(stamped);
  });
  return `2.25.${value}`;
}

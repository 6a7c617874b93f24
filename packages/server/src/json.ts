/**
 * JSON from untrusted clients, scanned before parsing: an image of B x 3 x S rows needs a few thousand
 * arrays, but 32 MiB of `[[[[...` would fill the heap with 32 million.
 */
import { ReclmisError } from '@reclmis/core';

const MAX_DEPTH = 16;
/** In total, as the next two. */
const MAX_CONTAINERS = 200_000;
const MAX_KEYS = 1_000;
const MAX_STRINGS = 10_000;

const invalid = (why: string): ReclmisError =>
  new ReclmisError('REQUEST_INVALID', `the JSON of the request ${why}`);

/** Refuses what would unpack to too much; `JSON.parse` checks the grammar. */
function lookOver(bytes: Uint8Array, maxValues: number): void {
  let values = 0;
  let depth = 0;
  let containers = 0;
  let keys = 0;
  let strings = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i] as number) {
      case 0x22: // "
        if (++strings > MAX_STRINGS) throw invalid(`has more than ${MAX_STRINGS} strings`);
        for (i++; i < bytes.length && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c) i++; // \
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH) throw invalid(`is more than ${MAX_DEPTH} levels deep`);
        if (++containers > MAX_CONTAINERS)
          throw invalid(`has more than ${MAX_CONTAINERS} arrays and objects`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        if (++values > maxValues) throw invalid(`has more values than the model accepts`);
        break;
      case 0x3a: // :
        if (++keys > MAX_KEYS) throw invalid(`has more than ${MAX_KEYS} keys`);
        break;
    }
  }
}

/** A JSON value with own keys only: `__proto__` is an ordinary key. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Parses an object from UTF-8 bytes. @throws REQUEST_INVALID */
export function parseObject(bytes: Uint8Array, maxValues: number): JsonObject {
  lookOver(bytes, maxValues);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ReclmisError('REQUEST_INVALID', 'the JSON of the request is not UTF-8', { cause });
  }
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (cause) {
    throw new ReclmisError('REQUEST_INVALID', 'the request is not JSON', { cause });
  }
  return asObject(json, 'the request');
}

/** Describes a value in messages without showing it. */
export function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value)
    ? `an array of ${value.length}`
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;
}

const wrong = (where: string, expected: string, got: Json | undefined): ReclmisError =>
  new ReclmisError('REQUEST_INVALID', `${where}: expected ${expected}, got ${kindOf(got)}`);

export function asObject(value: Json | undefined, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(where, 'an object', value);
  return value as JsonObject;
}

export function asArray(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(where, 'an array', value);
  return value as readonly Json[];
}

export function asString(value: Json | undefined, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'a string', value);
  return value;
}

export function asCount(value: Json | undefined, where: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(where, 'a whole number of at least 0', value);
  return value;
}

export const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** Null counts as omitted, as many clients send it. */
export const optional = (object: JsonObject, key: string): Exclude<Json, null> | undefined =>
  own(object, key) ?? undefined;

export function parametersOf(object: JsonObject, where: string): JsonObject {
  const parameters = optional(object, 'parameters');
  return parameters === undefined ? {} : asObject(parameters, `${where}.parameters`);
}

/** A boolean parameter; default false. */
export function flagOf(parameters: JsonObject, key: string, where: string): boolean {
  const value = optional(parameters, key) ?? false;
  if (typeof value !== 'boolean') throw wrong(`${where}.parameters.${key}`, 'true or false', value);
  return value;
}

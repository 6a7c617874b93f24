/**
 * CLIP's byte-pair vocabulary, read from OpenAI's list of merges or from Hugging Face's tokenizer.json, which hold the same.
 *
 * Ids: 0 to 255 are the bytes in the order of `bytes_to_unicode` of OpenAI's `simple_tokenizer.py`, 256 to 511 the same
 * bytes at the end of a word ("</w>"), 512 + r what merge r yields, and the last two mark start and end of a text. Bytes
 * are written as one printable character each. A pair is merged the earlier the lower its rank, its place in the list.
 */
import { ReclmisError } from '../errors.js';

/** How many merges CLIP has: what 49,152 ids leave after 512 for bytes and the two marks were set aside. */
export const CLIP_MERGES = 49_152 - 256 - 2;
/** The id of the first merge's result. */
export const FIRST_MERGED = 512;
/** The id of the mark before a text. */
export const START_TOKEN = FIRST_MERGED + CLIP_MERGES;
/** The id of the mark after a text. */
export const END_TOKEN = START_TOKEN + 1;
/** All ids. */
export const CLIP_SIZE = END_TOKEN + 1;
/** How the marks are written. */
export const START_MARK = '<|startoftext|>';
/** See `START_MARK`. */
export const END_MARK = '<|endoftext|>';
/** What the last symbol of a word ends in. */
export const END_OF_WORD = '</w>';

const HEADER = '#version: 0.2';
/** A power of two with room for three times the merges, so that chains of the open-addressed table stay short. */
const SLOTS = 2 ** 17;
const NONE = 0xffff;

/** The bytes in the order of their ids. */
const BYTE_OF_ID: readonly number[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...bytes.filter(printable), ...bytes.filter((byte) => !printable(byte))];
})();
/** The id of each byte inside a word. */
const ID_OF_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => BYTE_OF_ID.indexOf(byte));
/** How many of the bytes stand for themselves; the others are written with the characters from U+0100 on. */
const PRINTABLE = 94 + 12 + 82;
const END_OF_WORD_BYTES = Array.from(END_OF_WORD, (character) => character.charCodeAt(0));

/** The merges with a table from pair to rank. It holds numbers alone, about 1 MB, and no part of the text it was read from. */
export class ClipVocabulary {
  private readonly left = new Uint16Array(CLIP_MERGES);
  private readonly right = new Uint16Array(CLIP_MERGES);
  private readonly pairs = new Uint32Array(SLOTS);
  private readonly ranks = new Uint16Array(SLOTS).fill(NONE);

  /**
   * @param pairs Exactly `CLIP_MERGES` pairs of symbols.
   * @param where The name of the source's n-th merge, for messages.
   * @throws VOCABULARY_INVALID if a symbol is not known from the merges before, or is made twice.
   */
  constructor(pairs: readonly (readonly [string, string])[], where: (n: number) => string) {
    if (pairs.length !== CLIP_MERGES) {
      throw invalidVocabulary(`expected ${CLIP_MERGES} merges, got ${pairs.length}`);
    }
    const symbols = baseSymbols();
    const idOf = new Map(symbols.map((symbol, id) => [symbol, id]));
    for (const [rank, [a, b]] of pairs.entries()) {
      const left = idOf.get(a);
      const right = idOf.get(b);
      if (left === undefined || right === undefined) {
        throw invalidVocabulary(
          `${where(rank)}: ${quote(left === undefined ? a : b)} is neither a byte nor made by a merge before`,
        );
      }
      if (a.endsWith(END_OF_WORD)) {
        throw invalidVocabulary(
          `${where(rank)}: nothing can follow ${quote(a)}, which ends a word, got ${quote(b)}`,
        );
      }
      // Joined from our own strings: pieces of the input would keep all of it in memory.
      const merged = symbols[left]! + symbols[right]!;
      if (idOf.has(merged)) throw invalidVocabulary(`${where(rank)}: ${quote(merged)} exists already`);
      idOf.set(merged, symbols.push(merged) - 1);
      this.left[rank] = left;
      this.right[rank] = right;
      const slot = this.slot(left, right);
      this.pairs[slot] = pairKey(left, right);
      this.ranks[slot] = rank;
    }
  }

  /** The rank of the merge of two ids, -1 if there is none. */
  rank(left: number, right: number): number {
    const rank = this.ranks[this.slot(left, right)]!;
    return rank === NONE ? -1 : rank;
  }

  /** Appends an id's bytes; the end of a word is spelt out. The marks have none. */
  appendBytes(id: number, bytes: number[]): void {
    const open = [id]; // a stack: symbols nest deeply where a word is built letter by letter
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next >= START_TOKEN) continue;
      if (next >= FIRST_MERGED) {
        open.push(this.right[next - FIRST_MERGED]!, this.left[next - FIRST_MERGED]!);
      } else {
        bytes.push(BYTE_OF_ID[next & 0xff]!);
        if (next >= 256) bytes.push(...END_OF_WORD_BYTES);
      }
    }
  }

  /** How each id is written, the marks included. */
  symbols(): string[] {
    const symbols = baseSymbols();
    for (let r = 0; r < CLIP_MERGES; r++) symbols.push(symbols[this.left[r]!]! + symbols[this.right[r]!]!);
    symbols.push(START_MARK, END_MARK);
    return symbols;
  }

  /** The list of merges as text: a line with the version, then one merge a line. */
  toMerges(): string {
    const symbols = this.symbols();
    const lines = Array.from(this.left, (left, r) => `${symbols[left]!} ${symbols[this.right[r]!]!}`);
    return `${HEADER}\n${lines.join('\n')}\n`;
  }

  /** The slot that holds the pair, or the empty one where it would be. */
  private slot(left: number, right: number): number {
    const key = pairKey(left, right);
    let slot = Math.imul(key, 0x9e3779b1) >>> 15; // Fibonacci hashing to 17 bits
    while (this.ranks[slot] !== NONE && this.pairs[slot] !== key) slot = (slot + 1) % SLOTS;
    return slot;
  }
}

/** The id of a byte inside a word; 256 more at its end. */
export function idOfByte(byte: number): number {
  return ID_OF_BYTE[byte]!;
}

/**
 * The vocabulary from OpenAI's list: a line with the version, then at least 48,894 merges, of which those are used.
 *
 * @throws VOCABULARY_INVALID
 */
export function vocabularyFromMerges(text: string): ClipVocabulary {
  const end = text.indexOf('\n');
  const header = text.slice(0, end < 0 ? undefined : end);
  if (!header.includes('#version')) {
    throw invalidVocabulary(`line 1: expected the version, as in ${quote(HEADER)}, got ${quote(header)}`);
  }
  const lines = text.split('\n', CLIP_MERGES + 1);
  if (lines.at(-1) === '' && lines.length <= CLIP_MERGES + 1) lines.pop(); // after the last line's end
  const pairs = lines.slice(1).map((line, i): [string, string] => {
    const [, a, b] = /^(\S+) (\S+)\r?$/.exec(line) ?? [];
    if (a === undefined || b === undefined) {
      throw invalidVocabulary(`line ${i + 2}: expected two symbols with a space between, got ${quote(line)}`);
    }
    return [a, b];
  });
  return new ClipVocabulary(pairs, (n) => `line ${n + 2}`);
}

/**
 * The vocabulary from Hugging Face's tokenizer.json. Its list of ids must be the one that its merges give.
 *
 * @throws VOCABULARY_INVALID
 */
export function vocabularyFromTokenizerJson(json: unknown): ClipVocabulary {
  const model = field(json, 'model');
  const expect = (name: string, allowed: readonly unknown[]): void => {
    const got = field(model, name);
    if (!allowed.includes(got)) {
      throw invalidVocabulary(`model.${name}: expected ${quote(allowed[0])}, got ${quote(got)}`);
    }
  };
  if (typeof model !== 'object' || model === null) {
    throw invalidVocabulary('expected the object of a tokenizer.json with "model" in it');
  }
  expect('type', ['BPE', undefined]); // files of 2021 do not have it
  expect('end_of_word_suffix', [END_OF_WORD]);
  expect('continuing_subword_prefix', ['', null, undefined]);
  const merges = field(model, 'merges');
  if (!Array.isArray(merges)) throw invalidVocabulary('model.merges: expected a list');
  const pairs = (merges as readonly unknown[]).map((merge, n): [string, string] => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const [a, b, ...more] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof a !== 'string' || typeof b !== 'string' || more.length > 0) {
      throw invalidVocabulary(`model.merges[${n}]: expected two symbols, got ${quote(merge)}`);
    }
    return [a, b];
  });
  const vocabulary = new ClipVocabulary(pairs, (n) => `model.merges[${n}]`);

  const ids = field(model, 'vocab');
  const count = typeof ids === 'object' && ids !== null ? Object.keys(ids).length : 0;
  if (count !== CLIP_SIZE) throw invalidVocabulary(`model.vocab: expected ${CLIP_SIZE} ids, got ${count}`);
  for (const [id, symbol] of vocabulary.symbols().entries()) {
    const got = field(ids, symbol);
    if (got !== id) {
      throw invalidVocabulary(`model.vocab: expected ${id} as the id of ${quote(symbol)}, got ${quote(got)}`);
    }
  }
  return vocabulary;
}

/** The error of everything in this file. */
export function invalidVocabulary(what: string, cause?: unknown): ReclmisError {
  return new ReclmisError('VOCABULARY_INVALID', `CLIP vocabulary: ${what}`, {
    cause,
    remedy:
      'Give bpe_simple_vocab_16e6.txt.gz of OpenAI’s CLIP, or tokenizer.json of a CLIP model, unchanged.',
  });
}

/** How the bytes are written, then the same at the end of a word. */
function baseSymbols(): string[] {
  const bytes = BYTE_OF_ID.map((byte, id) =>
    String.fromCharCode(id < PRINTABLE ? byte : 0x100 + id - PRINTABLE),
  );
  return [...bytes, ...bytes.map((symbol) => symbol + END_OF_WORD)];
}

function pairKey(left: number, right: number): number {
  return ((left << 16) | right) >>> 0;
}

/** A field that the object itself has. */
function field(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Readonly<Record<string, unknown>>)[name];
}

/** A value in one short line. */
function quote(value: unknown): string {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 40) : value) as string | undefined;
  return (text ?? 'nothing').slice(0, 60);
}

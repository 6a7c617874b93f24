/**
 * CLIP's byte-pair vocabulary, from OpenAI's list of merges or Hugging Face's tokenizer.json.
 *
 * Ids: 0 to 255 are the bytes in the order of `bytes_to_unicode` of OpenAI's `simple_tokenizer.py`, 256 to
 * 511 the same at the end of a word ("</w>"), 512 + r what merge r yields, and the last two mark start and
 * end of a text. A byte is written as one printable character. A pair's rank is its place in the list; the
 * lowest merges first.
 */
import { ReclmisError } from '../errors.js';

/** 49,152 ids minus 512 for bytes, minus the two marks. */
export const CLIP_MERGES = 49_152 - 256 - 2;
export const FIRST_MERGED = 512;
export const START_TOKEN = FIRST_MERGED + CLIP_MERGES;
export const END_TOKEN = START_TOKEN + 1;
export const CLIP_SIZE = END_TOKEN + 1;
export const START_MARK = '<|startoftext|>';
export const END_MARK = '<|endoftext|>';
/** Suffix of a word's last symbol. */
export const END_OF_WORD = '</w>';

const HEADER = '#version: 0.2';
/** Three times the merges: probe chains of the open-addressed table stay short. */
const SLOTS = 2 ** 17;
const NONE = 0xffff;

const BYTE_OF_ID: readonly number[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...bytes.filter(printable), ...bytes.filter((byte) => !printable(byte))];
})();
const ID_OF_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => BYTE_OF_ID.indexOf(byte));
/** Bytes that stand for themselves; the others use U+0100 on. */
const PRINTABLE = 94 + 12 + 82;
const END_OF_WORD_BYTES = Array.from(END_OF_WORD, (character) => character.charCodeAt(0));

/** The merges, with a table from pair to rank: about 1 MB of numbers, nothing of the source text. */
export class ClipVocabulary {
  private readonly left = new Uint16Array(CLIP_MERGES);
  private readonly right = new Uint16Array(CLIP_MERGES);
  private readonly pairs = new Uint32Array(SLOTS);
  private readonly ranks = new Uint16Array(SLOTS).fill(NONE);

  /**
   * @param pairs exactly `CLIP_MERGES` pairs of symbols.
   * @param where names the source's n-th merge, for messages. @throws VOCABULARY_INVALID if a symbol is
   * unknown at its merge or created twice.
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
          `${where(rank)}: ${quote(left === undefined ? a : b)} is neither a byte nor the result of an earlier merge`,
        );
      }
      if (a.endsWith(END_OF_WORD)) {
        throw invalidVocabulary(
          `${where(rank)}: nothing can follow ${quote(a)}, which ends a word, got ${quote(b)}`,
        );
      }
      // From our own strings: slices would keep the whole input alive.
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

  /** Rank of the merge of two ids; -1 for none. */
  rank(left: number, right: number): number {
    const rank = this.ranks[this.slot(left, right)]!;
    return rank === NONE ? -1 : rank;
  }

  /** Without end of word; marks have no bytes. */
  appendBytes(id: number, bytes: number[]): void {
    const open = [id]; // a stack: symbols nest deeply in words built letter by letter
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

  /** Spelling of each id, marks included. */
  symbols(): string[] {
    const symbols = baseSymbols();
    for (let r = 0; r < CLIP_MERGES; r++) symbols.push(symbols[this.left[r]!]! + symbols[this.right[r]!]!);
    symbols.push(START_MARK, END_MARK);
    return symbols;
  }

  /** A version line, then one merge per line. */
  toMerges(): string {
    const symbols = this.symbols();
    const lines = Array.from(this.left, (left, r) => `${symbols[left]!} ${symbols[this.right[r]!]!}`);
    return `${HEADER}\n${lines.join('\n')}\n`;
  }

  private slot(left: number, right: number): number {
    const key = pairKey(left, right);
    let slot = Math.imul(key, 0x9e3779b1) >>> 15; // Fibonacci hashing to 17 bits
    while (this.ranks[slot] !== NONE && this.pairs[slot] !== key) slot = (slot + 1) % SLOTS;
    return slot;
  }
}

export function idOfByte(byte: number): number {
  return ID_OF_BYTE[byte]!;
}

/** OpenAI's list: a version line, then merges, of which 48,894 are used. @throws VOCABULARY_INVALID */
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
      throw invalidVocabulary(`line ${i + 2}: expected two symbols separated by a space, got ${quote(line)}`);
    }
    return [a, b];
  });
  return new ClipVocabulary(pairs, (n) => `line ${n + 2}`);
}

/** Hugging Face's tokenizer.json. Ids must match merges. @throws VOCABULARY_INVALID */
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
  expect('type', ['BPE', undefined]); // missing in files of 2021
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

export function invalidVocabulary(what: string, cause?: unknown): ReclmisError {
  return new ReclmisError('VOCABULARY_INVALID', `CLIP vocabulary: ${what}`, {
    cause,
    remedy:
      'Use bpe_simple_vocab_16e6.txt.gz from OpenAI’s CLIP, or the tokenizer.json of a CLIP model, unchanged.',
  });
}

function baseSymbols(): string[] {
  const bytes = BYTE_OF_ID.map((byte, id) =>
    String.fromCharCode(id < PRINTABLE ? byte : 0x100 + id - PRINTABLE),
  );
  return [...bytes, ...bytes.map((symbol) => symbol + END_OF_WORD)];
}

function pairKey(left: number, right: number): number {
  return ((left << 16) | right) >>> 0;
}

function field(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Readonly<Record<string, unknown>>)[name];
}

function quote(value: unknown): string {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 40) : value) as string | undefined;
  return (text ?? 'nothing').slice(0, 60);
}

/**
 * CLIP's byte-pair tokeniser, to the id as OpenAI's `simple_tokenizer.py` (github.com/openai/CLIP; the repair of mojibake
 * by ftfy left out), in Node and in browsers. The paper's frozen text tower (docs/method.md 1) reads these ids.
 *
 * A text is cleaned and cut into words (`clip-clean.ts`); the bytes of a word, the last one marked as its end, are merged
 * pair by pair, always the pair of the lowest rank, the leftmost first (`clip-vocabulary.ts`). Every merge is made of
 * symbols of lower ranks, so a pair that a merge brings forth never comes before one that waits: a queue gives what
 * OpenAI's passes over the whole word give, in O(n log n).
 */
import { clipWords, cleanClipText } from './clip-clean.js';
import {
  CLIP_SIZE,
  type ClipVocabulary,
  END_MARK,
  END_OF_WORD,
  END_TOKEN,
  FIRST_MERGED,
  idOfByte,
  invalidVocabulary,
  START_MARK,
  START_TOKEN,
  vocabularyFromMerges,
  vocabularyFromTokenizerJson,
} from './clip-vocabulary.js';
import { ReclmisError } from '../errors.js';
import { MinHeap } from './min-heap.js';
import type { NoteToken, NoteTokens } from './note-tokens.js';
import { gunzip, isGzip, utf8Bytes, utf8Text } from './web.js';

/** The largest vocabulary that is read, unpacked: several times what the known ones are (1.4 to 4 MB). */
const LARGEST = 16 * 2 ** 20;
/** Words of one generation of the cache, of which there are two; a set of notes has a few hundred. */
const GENERATION = 8192;
/** UTF-16 units of the longest word that is kept. */
const LONGEST_KEPT = 64;
/** Above any place in a word: queue keys are rank * 2^32 + place, below 2^53. */
const PLACES = 2 ** 32;

/** A text as ids. */
export interface ClipTokens {
  /** Exactly as many ids as the context length: start, the text, end, then padding of 0. */
  readonly ids: number[];
  /** How many of them are not padding, start and end included. */
  readonly length: number;
  /** Whether the text was too long, so that its last tokens are missing. */
  readonly truncated: boolean;
}

/** Text to CLIP's ids and back. */
export class ClipTokenizer {
  /** How many ids there are, 49,408. */
  readonly size = CLIP_SIZE;
  /** The id before a text, 49,406. */
  readonly startToken = START_TOKEN;
  /** The id after a text, 49,407: the highest, by which CLIP finds the end. */
  readonly endToken = END_TOKEN;

  private young = new Map<string, readonly number[]>();
  private old = new Map<string, readonly number[]>();

  private constructor(private readonly vocabulary: ClipVocabulary) {}

  /**
   * The tokeniser of OpenAI's list of merges: the text of `bpe_simple_vocab_16e6.txt`, or what `toMerges` wrote. The
   * first line is the version, the next 48,894 are the merges, anything after is not used.
   *
   * @throws VOCABULARY_INVALID
   */
  static fromMerges(text: string): ClipTokenizer {
    return new ClipTokenizer(vocabularyFromMerges(text));
  }

  /**
   * The tokeniser of Hugging Face's tokenizer.json, parsed. Its ids must be those that its merges give; its normaliser is
   * not used, since `cleanClipText` does the same and more.
   *
   * @throws VOCABULARY_INVALID
   */
  static fromTokenizerJson(json: unknown): ClipTokenizer {
    return new ClipTokenizer(vocabularyFromTokenizerJson(json));
  }

  /**
   * The tokeniser of a file's bytes: the list of merges or tokenizer.json, plain or packed with gzip, 16 MiB at most.
   *
   * @throws VOCABULARY_INVALID
   */
  static async fromBytes(bytes: Uint8Array): Promise<ClipTokenizer> {
    let plain: Uint8Array | null = bytes;
    if (isGzip(bytes)) {
      plain = await gunzip(bytes, LARGEST).catch((cause: unknown) => {
        throw invalidVocabulary(`the gzip data is damaged or cut short (${bytes.length} bytes)`, cause);
      });
    }
    if (plain === null || plain.length > LARGEST) {
      throw invalidVocabulary(
        `expected at most ${LARGEST} bytes${isGzip(bytes) ? ' unpacked' : ''}, got more`,
      );
    }
    let text: string;
    try {
      text = utf8Text(plain, { fatal: true });
    } catch (cause) {
      throw invalidVocabulary('expected text in UTF-8, got other bytes', cause);
    }
    if (!/^\ufeff?\s*\{/.test(text)) return ClipTokenizer.fromMerges(text);
    let json: unknown;
    try {
      json = JSON.parse(text.replace(/^\ufeff/, ''));
    } catch (cause) {
      throw invalidVocabulary('begins as JSON does, but is none', cause);
    }
    return ClipTokenizer.fromTokenizerJson(json);
  }

  /**
   * A text's ids, without start and end. `<|startoftext|>` and `<|endoftext|>` written in the text become the ids of
   * the marks, as in OpenAI's code. Texts of up to a million characters are fine, also without a space; the engine's
   * regular expressions give up on words of some ten million (RangeError).
   */
  tokenize(text: string): number[] {
    const ids: number[] = [];
    for (const word of clipWords(cleanClipText(text))) {
      for (const id of this.word(word)) ids.push(id);
    }
    return ids;
  }

  /**
   * A text as the tower takes it. Of a text that is too long the last tokens are left out, never the end token.
   *
   * @param contextLength An integer of at least 2; CLIP's is 77.
   * @throws CONFIG_INVALID if it is not.
   */
  encode(text: string, contextLength: number): ClipTokens {
    if (!Number.isInteger(contextLength) || contextLength < 2) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `the context length of CLIP's notes must be an integer of at least 2, got ${contextLength}`,
      );
    }
    const tokens = this.tokenize(text);
    const kept = Math.min(tokens.length, contextLength - 2);
    const ids = new Array<number>(contextLength).fill(0);
    ids[0] = START_TOKEN;
    for (let i = 0; i < kept; i++) ids[1 + i] = tokens[i]!;
    ids[1 + kept] = END_TOKEN;
    return { ids, length: kept + 2, truncated: kept < tokens.length };
  }

  /**
   * The tokens of `encode` with the words that they are pieces of. Signs are words of their own, as CLIP cuts them.
   *
   * @throws CONFIG_INVALID as `encode`.
   */
  tokens(text: string, contextLength: number): NoteTokens {
    const { length } = this.encode(text, contextLength);
    const words = clipWords(cleanClipText(text));
    const pieces = words.flatMap((word, at) =>
      this.word(word).map((id): NoteToken => ({ kind: 'word', text: this.decode([id]), word: at })),
    );
    const mark = (kind: 'start' | 'end' | 'padding'): NoteToken => ({ kind, text: '', word: null });
    const padding = Array.from({ length: contextLength - length }, () => mark('padding'));
    return { tokens: [mark('start'), ...pieces.slice(0, length - 2), mark('end'), ...padding], words };
  }

  /**
   * The text of ids: its words with one space between, so `left , right` for "left, right". Start, end and padding (zeros
   * at the end, where no text has any) are left out; bytes that are no UTF-8 become U+FFFD.
   *
   * @throws VOCABULARY_INVALID for an id that the vocabulary does not have.
   */
  decode(ids: readonly number[]): string {
    let end = ids.length;
    while (end > 0 && ids[end - 1] === 0) end--;
    const bytes: number[] = [];
    for (let i = 0; i < end; i++) {
      const id = ids[i]!;
      if (!Number.isInteger(id) || id < 0 || id >= CLIP_SIZE) {
        throw invalidVocabulary(`expected ids from 0 to ${CLIP_SIZE - 1}, got ${id} at ${i}`);
      }
      this.vocabulary.appendBytes(id, bytes);
    }
    return utf8Text(Uint8Array.from(bytes)).replaceAll(END_OF_WORD, ' ').replace(/ $/, '');
  }

  /** The merges as canonical text, the same from either format; `fromMerges` reads it back, and its hash names the vocabulary. */
  toMerges(): string {
    return this.vocabulary.toMerges();
  }

  /** A word's ids, from the cache if they are there: words seen lately are, in two generations that take turns. */
  private word(word: string): readonly number[] {
    if (word === START_MARK) return [START_TOKEN];
    if (word === END_MARK) return [END_TOKEN];
    if (word.length > LONGEST_KEPT) return this.merge(utf8Bytes(word));
    let ids = this.young.get(word);
    if (ids !== undefined) return ids;
    const bytes = utf8Bytes(word);
    ids = this.old.get(word) ?? this.merge(bytes);
    if (this.young.size >= GENERATION) {
      this.old = this.young;
      this.young = new Map();
    }
    // A string of its own: a piece of the note would keep all of it in memory.
    this.young.set(utf8Text(bytes), ids);
    return ids;
  }

  /** Byte-pair encoding of one word: a list of symbols linked both ways, and a queue of pairs by rank, then place. */
  private merge(bytes: Uint8Array): number[] {
    const n = bytes.length;
    const symbols = Int32Array.from(bytes, idOfByte); // [n], -1 where a symbol went into the one before
    symbols[n - 1]! += 256; // the end of the word
    const next = Int32Array.from({ length: n }, (_, i) => i + 1);
    const previous = Int32Array.from({ length: n }, (_, i) => i - 1);
    const queue = new MinHeap(n);
    const offer = (at: number): void => {
      const after = at < 0 ? n : next[at]!;
      if (after >= n) return;
      const rank = this.vocabulary.rank(symbols[at]!, symbols[after]!);
      if (rank >= 0) queue.push(rank * PLACES + at);
    };
    for (let i = 0; i < n - 1; i++) offer(i);
    for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
      const rank = Math.floor(key / PLACES);
      const at = key % PLACES;
      const after = next[at]!;
      // Stale: one of the two was merged with something else since.
      if (symbols[at]! < 0 || after >= n || this.vocabulary.rank(symbols[at]!, symbols[after]!) !== rank)
        continue;
      symbols[at] = FIRST_MERGED + rank;
      symbols[after] = -1;
      const following = next[after]!;
      next[at] = following;
      if (following < n) previous[following] = at;
      offer(previous[at]!);
      offer(at);
    }
    const ids: number[] = [];
    for (let at = 0; at < n; at = next[at]!) ids.push(symbols[at]!);
    return ids;
  }
}

/**
 * CLIP's byte-pair tokeniser, id for id as OpenAI's `simple_tokenizer.py` (github.com/openai/CLIP, without
 * ftfy's repair of mojibake), for the paper's frozen text tower (docs/method.md 1).
 *
 * A word's bytes are merged pair by pair, lowest rank first, then leftmost. A merge's symbols have lower rank
 * than itself, so a new pair never precedes a queued one: a priority queue equals OpenAI's passes over the
 * whole word, in O(n log n).
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

/** Unpacked; known vocabularies have 1.4 to 4 MB. */
const LARGEST = 16 * 2 ** 20;
/** Words per cache generation, of two; a set of notes has some hundreds. */
const GENERATION = 8192;
const LONGEST_KEPT = 64;
/** Above any position: queue keys are rank * 2^32 + position, below 2^53. */
const PLACES = 2 ** 32;

export interface ClipTokens {
  /** Start, text, end, then 0 up to the context length. */
  readonly ids: number[];
  /** Ids that are not padding, with start and end. */
  readonly length: number;
  /** The text was too long and lost its last tokens. */
  readonly truncated: boolean;
}

export class ClipTokenizer {
  /** Number of ids, 49,408. */
  readonly size = CLIP_SIZE;
  /** The id before a text, 49,406. */
  readonly startToken = START_TOKEN;
  /** 49,407, the highest, by which CLIP finds the end. */
  readonly endToken = END_TOKEN;

  private young = new Map<string, readonly number[]>();
  private old = new Map<string, readonly number[]>();

  private constructor(private readonly vocabulary: ClipVocabulary) {}

  /**
   * From OpenAI's list of merges, the text of `bpe_simple_vocab_16e6.txt` or `toMerges`: a version line,
   * 48,894 merges, the rest ignored.
   * @throws VOCABULARY_INVALID
   */
  static fromMerges(text: string): ClipTokenizer {
    return new ClipTokenizer(vocabularyFromMerges(text));
  }

  /**
   * From Hugging Face's tokenizer.json. Ids must match merges; its normaliser is ignored, since
   * `cleanClipText` does more.
   * @throws VOCABULARY_INVALID
   */
  static fromTokenizerJson(json: unknown): ClipTokenizer {
    return new ClipTokenizer(vocabularyFromTokenizerJson(json));
  }

  /** From a list of merges or tokenizer.json, plain or gzipped, at most 16 MiB. @throws VOCABULARY_INVALID */
  static async fromBytes(bytes: Uint8Array): Promise<ClipTokenizer> {
    let plain: Uint8Array | null = bytes;
    if (isGzip(bytes)) {
      plain = await gunzip(bytes, LARGEST).catch((cause: unknown) => {
        throw invalidVocabulary(`the gzip data is damaged or truncated (${bytes.length} bytes)`, cause);
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
      throw invalidVocabulary('begins like JSON but is not valid JSON', cause);
    }
    return ClipTokenizer.fromTokenizerJson(json);
  }

  /**
   * Without start and end; `<|startoftext|>` and `<|endoftext|>` in a text become their ids, as in OpenAI's
   * code. Words of some ten million characters exceed the engine's regular expressions (RangeError).
   */
  tokenize(text: string): number[] {
    const ids: number[] = [];
    for (const word of clipWords(cleanClipText(text))) {
      for (const id of this.word(word)) ids.push(id);
    }
    return ids;
  }

  /**
   * A long text loses its last tokens, never the end token.
   * @param contextLength an integer of at least 2; CLIP's is 77. @throws CONFIG_INVALID if it is not.
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

  /** `encode` with words; punctuation marks are words, as in CLIP. @throws CONFIG_INVALID as `encode`. */
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
   * Words joined by single spaces (`left , right` for "left, right"), without start, end and padding
   * (trailing zeros); invalid UTF-8 becomes U+FFFD.
   * @throws VOCABULARY_INVALID for an unknown id.
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

  /** Canonical text, the same for both formats, for `fromMerges`; its hash identifies the vocabulary. */
  toMerges(): string {
    return this.vocabulary.toMerges();
  }

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
    // Copied: a slice would keep the whole note alive.
    this.young.set(utf8Text(bytes), ids);
    return ids;
  }

  /** By a doubly linked list of symbols, and a queue of pairs by rank, then position. */
  private merge(bytes: Uint8Array): number[] {
    const n = bytes.length;
    const symbols = Int32Array.from(bytes, idOfByte); // [n], -1 where merged into the previous one
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
      // Stale: one of the two has merged since.
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

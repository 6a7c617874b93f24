/**
 * A tokeniser of the training notes' words, for the encoder that needs no download (not in the paper). Id 0 is
 * padding, 1 any word that it cannot read.
 */
import { ReclmisError } from '../errors.js';
import { readFormat } from '../file-formats.js';
import type { NoteToken, NoteTokens } from '../text/note-tokens.js';
import { inOneForm, wordsOf } from '../text/words.js';
import type { KnownWords } from './nearest-word.js';
import { readSlip } from './slips.js';

export const PAD_ID = 0;
export const UNKNOWN_ID = 1;

const RESERVED = ['<pad>', '<unk>'] as const;
const FORMAT = 'reclmis-words';
/** By version of the JSON: version 2 reads slips. */
const VERSIONS = { ignored: 1, nearest: 2 } as const;
/** Words whose reading is remembered; a set of notes has some hundreds of slips. */
const REMEMBERED = 2000;

export const UNKNOWN_WORDS = ['nearest', 'ignored'] as const;
/** What becomes of words that the training notes lack: slips are read as the nearest known word, or nothing is. */
export type UnknownWords = (typeof UNKNOWN_WORDS)[number];

export interface EncodedNote {
  /** Padded with 0 to the context length. */
  readonly ids: number[];
  /** Ids that are words, at least 1. */
  readonly length: number;
}

export interface NoteStatistics {
  readonly notes: number;
  readonly words: number;
  readonly longest: number;
  /** Share of the words, 0 to 1; 0 without words. */
  readonly unknownShare: number;
  /** In order of code points. */
  readonly unknown: readonly string[];
}

export interface WordTokenizerJson {
  readonly format: typeof FORMAT;
  /** 2 if unknown words are read as the nearest known ones. */
  readonly version: (typeof VERSIONS)[UnknownWords];
  /** The word of each id, from `<pad>` and `<unk>`. */
  readonly words: readonly string[];
}

export interface WordTokenizerOptions {
  /** Words that occur less often are left out; default 1. */
  readonly minCount?: number;
  /** Default `ignored`. */
  readonly unknownWords?: UnknownWords;
}

export class WordTokenizer {
  private readonly idOf: ReadonlyMap<string, number>;
  private readonly known: KnownWords;
  private readonly slips = new Map<string, readonly string[] | null>();

  private constructor(
    readonly vocabulary: readonly string[],
    readonly unknownWords: UnknownWords,
  ) {
    this.idOf = new Map(vocabulary.map((word, id) => [word, id]));
    this.known = {
      has: (word) => this.id(word) > UNKNOWN_ID,
      words: vocabulary.slice(RESERVED.length),
      read: (word) => this.slip(word),
    };
  }

  /** Builds the vocabulary in order of code points, so that order and number of notes do not matter. */
  static fromNotes(
    notes: Iterable<string>,
    { minCount = 1, unknownWords = 'ignored' }: WordTokenizerOptions = {},
  ): WordTokenizer {
    const counts = new Map<string, number>();
    for (const note of notes) for (const word of wordsOf(note)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const kept = [...counts].filter(([, count]) => count >= minCount).map(([word]) => word);
    return new WordTokenizer([...RESERVED, ...kept.sort(byCodePoint)], unknownWords);
  }

  /** Restores `toJSON`'s output. @throws VOCABULARY_INVALID */
  static fromJSON(json: unknown): WordTokenizer {
    if (typeof json !== 'object' || json === null || !('words' in json) || !Array.isArray(json.words)) {
      throw invalid('expected an object with a list "words"');
    }
    const format = 'format' in json ? json.format : undefined;
    const version = 'version' in json ? json.version : undefined;
    const stated = `${String(format)}/${String(version)}`;
    readFormat('words', stated, { where: 'the vocabulary', code: 'VOCABULARY_INVALID' });
    const unknownWords = UNKNOWN_WORDS.find((one) => VERSIONS[one] === version);
    if (unknownWords === undefined) throw invalid(`expected version 1 or 2, got ${String(version)}`);
    const words: unknown[] = json.words;
    const vocabulary: string[] = [];
    const seen = new Set<string>();
    for (const [id, word] of words.entries()) {
      if (typeof word !== 'string' || word === '') throw invalid(`word ${id} is not a word`);
      if (id < RESERVED.length && word !== RESERVED[id]) {
        throw invalid(`expected ${RESERVED[id]} as word ${id}, got "${word}"`);
      }
      const found = wordsOf(word);
      if (id >= RESERVED.length && (found.length !== 1 || found[0] !== word)) {
        throw invalid(`word ${id}, "${word}", is not one lower-case word`);
      }
      if (seen.has(word)) throw invalid(`word ${id}, "${word}", occurs twice`);
      seen.add(word);
      vocabulary.push(word);
    }
    if (vocabulary.length < RESERVED.length)
      throw invalid(`expected ${RESERVED.join(' and ')} as the first words`);
    return new WordTokenizer(vocabulary, unknownWords);
  }

  /** Ids, with padding and the unknown word. */
  get size(): number {
    return this.vocabulary.length;
  }

  /** Whether the training notes hold it. */
  has(word: string): boolean {
    return this.known.has(inOneForm(word));
  }

  /** The training notes' words, for warnings. */
  knownWords(): KnownWords {
    return this.known;
  }

  /**
   * Ids of the first `contextLength` tokens, padded with 0: a token per word, several for a slip that joins
   * words. A note without words becomes one unknown word: attention over none is undefined.
   */
  encode(note: string, contextLength: number): EncodedNote {
    const pieces = this.pieces(wordsOf(note), contextLength);
    const length = Math.max(1, pieces.length);
    const ids = new Array<number>(contextLength).fill(PAD_ID);
    ids[0] = UNKNOWN_ID;
    pieces.forEach(({ text }, at) => (ids[at] = this.id(text)));
    return { ids, length };
  }

  /** @throws CONFIG_INVALID as `encode`. */
  tokens(note: string, contextLength: number): NoteTokens {
    const words = wordsOf(note);
    const pieces = this.pieces(words, contextLength);
    if (pieces.length === 0) pieces.push({ kind: 'unknown', text: '', word: null });
    while (pieces.length < contextLength) pieces.push({ kind: 'padding', text: '', word: null });
    return { tokens: pieces, words };
  }

  /** Tokens of a note, at least 1; words beyond the context count as one each. @throws as `encode`. */
  count(note: string, contextLength: number): number {
    const words = wordsOf(note);
    const read = words.slice(0, contextLength).map((word) => this.slip(word)?.length ?? 1);
    return Math.max(
      1,
      read.reduce((sum, own) => sum + own, Math.max(0, words.length - contextLength)),
    );
  }

  /** Words without padding. @throws VOCABULARY_INVALID for an unknown id. */
  decode(ids: readonly number[]): string[] {
    return ids
      .filter((id) => id !== PAD_ID)
      .map((id) => {
        const word = this.vocabulary[id];
        if (word === undefined) throw invalid(`expected an id below ${this.size}, got ${id}`);
        return word;
      });
  }

  statistics(notes: Iterable<string>): NoteStatistics {
    let count = 0;
    let total = 0;
    let longest = 0;
    let missed = 0;
    const unknown = new Set<string>();
    for (const note of notes) {
      const words = wordsOf(note);
      count++;
      total += words.length;
      longest = Math.max(longest, words.length);
      for (const word of words) {
        if (this.id(word) !== UNKNOWN_ID) continue;
        missed++;
        unknown.add(word);
      }
    }
    return {
      notes: count,
      words: total,
      longest,
      unknownShare: total === 0 ? 0 : missed / total,
      unknown: [...unknown].sort(byCodePoint),
    };
  }

  toJSON(): WordTokenizerJson {
    return { format: FORMAT, version: VERSIONS[this.unknownWords], words: [...this.vocabulary] };
  }

  private pieces(words: readonly string[], contextLength: number): NoteToken[] {
    if (!Number.isInteger(contextLength) || contextLength < 1) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `the context length of notes must be an integer of at least 1, got ${contextLength}`,
      );
    }
    const pieces: NoteToken[] = [];
    for (const [at, word] of words.entries()) {
      if (pieces.length >= contextLength) break;
      if (this.known.has(word)) pieces.push({ kind: 'word', text: word, word: at });
      else {
        const read = this.slip(word);
        if (read === null) pieces.push({ kind: 'unknown', text: word, word: at });
        else for (const text of read) pieces.push({ kind: 'slip', text, word: at });
      }
    }
    return pieces.slice(0, contextLength);
  }

  /** What a word is read as if the training notes lack it. */
  private slip(word: string): readonly string[] | null {
    if (this.unknownWords === 'ignored' || this.known.has(word)) return null;
    let read = this.slips.get(word);
    if (read === undefined) {
      read = readSlip(word, this.known);
      if (this.slips.size >= REMEMBERED) this.slips.clear();
      this.slips.set(word, read);
    }
    return read;
  }

  private id(word: string): number {
    return this.idOf.get(word) ?? UNKNOWN_ID;
  }
}

function invalid(what: string): ReclmisError {
  return new ReclmisError('VOCABULARY_INVALID', `vocabulary: ${what}`);
}

/** By UTF-16 code units, the same in every locale. */
function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A tokeniser of the training notes' words, for the encoder that needs no download (not in the paper). A word
 * is a run of letters, marks and digits in any script, lower-cased, with apostrophes inside. Id 0 is padding,
 * 1 any unknown word.
 */
import { ReclmisError } from '../errors.js';
import type { NoteToken, NoteTokens } from './note-tokens.js';

export const PAD_ID = 0;
export const UNKNOWN_ID = 1;

const RESERVED = ['<pad>', '<unk>'] as const;
const WORD = /[\p{L}\p{M}\p{N}]+(?:['\u2019][\p{L}\p{M}\p{N}]+)*/gu;
const FORMAT = 'reclmis-words';
const VERSION = 1;

/** Lower-case, without punctuation. */
export function wordsOf(note: string): string[] {
  return inOneForm(note).replaceAll('\u2019', "'").match(WORD) ?? [];
}

/** Composed again: a capital without a composed form (J with a caron) may have a small letter with one. */
function inOneForm(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

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
  readonly version: typeof VERSION;
  /** The word of each id, from `<pad>` and `<unk>`. */
  readonly words: readonly string[];
}

export class WordTokenizer {
  private readonly idOf: ReadonlyMap<string, number>;

  private constructor(readonly vocabulary: readonly string[]) {
    this.idOf = new Map(vocabulary.map((word, id) => [word, id]));
  }

  /**
   * Builds the vocabulary in order of code points, so that order and number of notes do not matter. Words
   * that occur fewer than `minCount` times are left out.
   */
  static fromNotes(notes: Iterable<string>, options: { readonly minCount?: number } = {}): WordTokenizer {
    const minCount = options.minCount ?? 1;
    const counts = new Map<string, number>();
    for (const note of notes) for (const word of wordsOf(note)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const kept = [...counts].filter(([, count]) => count >= minCount).map(([word]) => word);
    return new WordTokenizer([...RESERVED, ...kept.sort(byCodePoint)]);
  }

  /** Restores `toJSON`'s output. @throws VOCABULARY_INVALID */
  static fromJSON(json: unknown): WordTokenizer {
    if (typeof json !== 'object' || json === null || !('words' in json) || !Array.isArray(json.words)) {
      throw invalid('expected an object with a list "words"');
    }
    const format = 'format' in json ? json.format : undefined;
    const version = 'version' in json ? json.version : undefined;
    if (format !== FORMAT || version !== VERSION) {
      throw invalid(
        `expected format ${FORMAT} version ${VERSION}, got ${String(format)} version ${String(version)}`,
      );
    }
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
    return new WordTokenizer(vocabulary);
  }

  /** Ids, with padding and the unknown word. */
  get size(): number {
    return this.vocabulary.length;
  }

  has(word: string): boolean {
    return this.id(inOneForm(word)) > UNKNOWN_ID;
  }

  /**
   * Ids of the first `contextLength` words, padded with 0. A note without words becomes one unknown word:
   * attention over none is undefined.
   */
  encode(note: string, contextLength: number): EncodedNote {
    if (!Number.isInteger(contextLength) || contextLength < 1) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `the context length of notes must be an integer of at least 1, got ${contextLength}`,
      );
    }
    const words = wordsOf(note).slice(0, contextLength);
    const length = Math.max(1, words.length);
    const ids = new Array<number>(contextLength).fill(PAD_ID);
    ids[0] = UNKNOWN_ID;
    words.forEach((word, i) => (ids[i] = this.id(word)));
    return { ids, length };
  }

  /** A token per word. @throws CONFIG_INVALID as `encode`. */
  tokens(note: string, contextLength: number): NoteTokens {
    const { ids, length } = this.encode(note, contextLength);
    const words = wordsOf(note);
    const tokens = ids.map((id, at): NoteToken => {
      if (at >= length) return { kind: 'padding', text: '', word: null };
      const kind = id === UNKNOWN_ID ? 'unknown' : 'word';
      return { kind, text: words[at] ?? '', word: at < words.length ? at : null };
    });
    return { tokens, words };
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
    return { format: FORMAT, version: VERSION, words: [...this.vocabulary] };
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

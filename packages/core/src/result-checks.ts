/** All warnings about a prediction's note, image and mask. */
import type { ClipTokenizer } from './text/clip-tokens.js';
import { type ImageLikeness, imageWarnings } from './images/image-likeness.js';
import { type Laterality, lateralityWarnings } from './notes/laterality.js';
import { type MaskRules, maskWarnings, rulesUnder } from './notes/mask-warnings.js';
import type { KnownWords } from './notes/nearest-word.js';
import { meaningOf } from './notes/note-meaning.js';
import { type NoteSense, noteWarnings } from './notes/note-warnings.js';
import type { Mask } from './images/raster.js';
import type { Vocabulary } from './notes/reader/index.js';
import type { StatedSides } from './notes/sides.js';
import type { TrainingReference } from './training-reference.js';
import type { Warning } from './warnings.js';
import { PAD_ID, UNKNOWN_ID, type WordTokenizer } from './notes/word-tokenizer.js';

/** Notes with cached warnings: most recur. */
const KEPT_NOTES = 256;

export interface ResultChecksOptions {
  /** Null if the model reads no notes. */
  readonly reader: NoteSense['reader'] | null;
  /** The words encoder's; null for CLIP's, which has no unknown words. */
  readonly vocabulary: WordTokenizer | null;
  /** Absent in older runs and models. */
  readonly reference?: TrainingReference | null | undefined;
  /** That the model learnt; default: the reference's. */
  readonly sides?: StatedSides | undefined;
  /** In whose words notes are, of models that learnt a vocabulary's sentences. */
  readonly noteVocabulary?: Vocabulary | undefined;
}

export class ResultChecks {
  private readonly sense: NoteSense | null;
  private readonly vocabulary: WordTokenizer | null;
  private readonly likeness: ImageLikeness | null;
  private readonly rules: MaskRules | undefined;
  private readonly noteVocabulary: Vocabulary | null;
  private readonly kept = new Map<string, readonly Warning[]>();

  constructor({ reader, vocabulary, reference, sides, noteVocabulary }: ResultChecksOptions) {
    this.noteVocabulary = noteVocabulary ?? null;
    this.vocabulary = vocabulary;
    this.sense = reader && { reader, known: vocabulary ? vocabulary.knownWords() : listed(reference?.words) };
    this.likeness = reference?.images ?? null;
    const rules = reference?.masks ?? undefined;
    this.rules = rules && sides !== undefined ? rulesUnder(rules, sides) : rules;
  }

  /**
   * About a note in the caller's sides (`NoteForModel.worded`; its words are quoted); none if the model reads
   * no notes.
   * @param mirrored the model reads it with left and right swapped.
   */
  note(note: string, mirrored = false): readonly Warning[] {
    if (!this.sense) return [];
    const key = `${mirrored ? 'm' : ' '}${note}`;
    const found = this.kept.get(key) ?? noteWarnings(note, this.sense, mirrored);
    this.kept.delete(key);
    this.kept.set(key, found);
    if (this.kept.size > KEPT_NOTES) this.kept.delete(this.kept.keys().next().value ?? '');
    return found;
  }

  tokens(ids: readonly number[]): Warning[] {
    if (!this.vocabulary) return [];
    const words = ids.filter((id) => id !== PAD_ID);
    const unknown = words.filter((id) => id === UNKNOWN_ID).length;
    const all = words.length;
    if (unknown === 0 && all > 0) return [];
    const warnings: Warning[] = [];
    if (all > 0)
      warnings.push({ code: 'NOTE_WORDS_UNKNOWN', message: `${unknown} of ${all} tokens are unknown words` });
    if (unknown === all)
      warnings.push({ code: 'NOTE_WITHOUT_WORDS', message: 'the model knows none of the note’s words' });
    return warnings;
  }

  /** @param planes [3,S,S], as the model reads them, values 0 to 1; only the first image counts. */
  image(planes: Float32Array, size: number): Warning[] {
    return this.likeness ? imageWarnings(planes, size, this.likeness) : [];
  }

  /** As `lateralityWarnings`, of a note as for `note`. */
  laterality(note: string, sides: StatedSides, laterality: Laterality | null): Warning[] {
    return this.sense && laterality !== null
      ? lateralityWarnings(meaningOf(note, this.noteVocabulary), sides, laterality)
      : [];
  }

  /** @param note as for `note`. @param sides whose left and right it means. */
  mask(mask: Mask, note: string, sides: StatedSides): Warning[] {
    return maskWarnings(mask, {
      note: this.sense ? meaningOf(note, this.noteVocabulary) : null,
      sides,
      ...(this.rules ? { rules: this.rules } : {}),
    });
  }
}

export function wordReader(
  words: WordTokenizer,
  contextLength: number,
): { reader: NoteSense['reader']; vocabulary: WordTokenizer } {
  const reader = {
    contextLength,
    countTokens: (note: string) => words.count(note, contextLength),
    tokens: (note: string) => words.tokens(note, contextLength),
  };
  return { reader, vocabulary: words };
}

export function clipReader(
  clip: ClipTokenizer,
  contextLength: number,
): { reader: NoteSense['reader']; vocabulary: null } {
  const reader = {
    contextLength,
    countTokens: (note: string) => clip.tokenize(note).length + 2, // start and end
    tokens: (note: string) => clip.tokens(note, contextLength),
  };
  return { reader, vocabulary: null };
}

function listed(words: readonly string[] | null | undefined): KnownWords | null {
  if (!words) return null;
  const all = new Set(words);
  return { has: (word) => all.has(word), words: all };
}

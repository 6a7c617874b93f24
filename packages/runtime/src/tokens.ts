/** A model's tokeniser: as the manifest holds it, or CLIP's from its file of merges. */
import {
  clipReader,
  ClipTokenizer,
  type ModelManifest,
  type ResultChecksOptions,
  wordReader,
  WordTokenizer,
} from '@reclmis/core';

export interface Tokens extends Pick<ResultChecksOptions, 'vocabulary'> {
  readonly reader: NonNullable<ResultChecksOptions['reader']>;
  readonly encode: (note: string) => readonly number[];
}

/** Null if the model reads no notes. @param read a file of the model. */
export async function tokenizerOf(
  { note }: ModelManifest,
  read: (file: ModelManifest['segmenter']['file']) => Promise<Uint8Array>,
): Promise<Tokens | null> {
  if (!note) return null;
  const { tokenizer, contextLength } = note;
  if (tokenizer.kind === 'words') {
    const words = WordTokenizer.fromJSON(tokenizer.vocabulary);
    return { encode: (text) => words.encode(text, contextLength).ids, ...wordReader(words, contextLength) };
  }
  const clip = ClipTokenizer.fromMerges(new TextDecoder().decode(await read(tokenizer.merges)));
  return { encode: (text) => clip.encode(text, contextLength).ids, ...clipReader(clip, contextLength) };
}

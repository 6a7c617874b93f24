/** CLIP's vocabulary among stored weights: merges as plain text. */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { ClipTokenizer, ReclmisError } from '@reclmis/core';
import { oneLine, writeFileAtomic, readRegular } from '@reclmis/files';

export const MERGES_FILE = 'merges.txt';
const PUBLISHED = ['bpe_simple_vocab_16e6.txt.gz', 'tokenizer.json', MERGES_FILE];

/**
 * Writes `merges.txt`.
 * @param file OpenAI's `bpe_simple_vocab_16e6.txt.gz` (or its text), or Hugging Face's `tokenizer.json`
 * @returns the file's name, and the SHA-256 of what was written @throws VOCABULARY_INVALID,
 * OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function importVocabulary(
  file: string,
  folder: string,
): Promise<{ name: string; sha256: string }> {
  const text = (await readTokenizer(file)).toMerges();
  await writeFileAtomic(join(folder, MERGES_FILE), text);
  return { name: basename(file), sha256: createHash('sha256').update(text).digest('hex') };
}

/** @throws VOCABULARY_INVALID */
export async function readTokenizer(file: string): Promise<ClipTokenizer> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(file);
  } catch (cause) {
    throw new ReclmisError('VOCABULARY_INVALID', `${file}: cannot be read (${oneLine(cause)})`, { cause });
  }
  try {
    return await ClipTokenizer.fromBytes(bytes);
  } catch (cause) {
    if (!(cause instanceof ReclmisError)) throw cause;
    throw new ReclmisError(cause.code, `${file}: ${cause.message}`, { cause });
  }
}

/** Next to a file of weights. */
export function vocabularyCandidates(file: string): string[] {
  return PUBLISHED.map((name) => join(dirname(file), name));
}

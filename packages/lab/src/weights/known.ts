/**
 * Weights known to `reclmis weights fetch`. URLs and SHA-256 are from github.com/openai/CLIP, clip/clip.py;
 * the vocabulary's hash is from Keras CV and Keras Hub.
 */
import { ReclmisError } from '@reclmis/core';

export interface RemoteFile {
  readonly url: string;
  /** There, and in the folder of downloads. */
  readonly file: string;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** For progress. */
  readonly bytes: number;
}

export interface KnownWeights extends RemoteFile {
  readonly id: string;
  readonly vocabulary: RemoteFile;
}

/** The same for all CLIP models. */
export const CLIP_VOCABULARY: RemoteFile = {
  url: 'https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz',
  file: 'bpe_simple_vocab_16e6.txt.gz',
  sha256: '924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a',
  bytes: 1_356_917,
};

export const KNOWN_WEIGHTS: Readonly<Record<string, KnownWeights>> = Object.fromEntries(
  [
    clip(
      'clip-vit-b-32',
      'ViT-B-32.pt',
      353_976_522,
      '40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af',
    ),
    clip(
      'clip-vit-b-16',
      'ViT-B-16.pt',
      350_837_078,
      '5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f',
    ),
    clip(
      'clip-vit-l-14',
      'ViT-L-14.pt',
      932_768_134,
      'b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836',
    ),
  ].map((weights) => [weights.id, weights]),
);

/** @throws WEIGHTS_UNKNOWN */
export function knownWeights(id: string): KnownWeights {
  const known = Object.hasOwn(KNOWN_WEIGHTS, id) ? KNOWN_WEIGHTS[id] : undefined;
  if (known) return known;
  const ids = Object.keys(KNOWN_WEIGHTS).join(', ');
  throw new ReclmisError('WEIGHTS_UNKNOWN', `${id}: no weights are known by this id; expected one of ${ids}`);
}

function clip(id: string, file: string, bytes: number, sha256: string): KnownWeights {
  const url = `https://openaipublic.azureedge.net/clip/models/${sha256}/${file}`;
  return { id, url, file, sha256, bytes, vocabulary: CLIP_VOCABULARY };
}

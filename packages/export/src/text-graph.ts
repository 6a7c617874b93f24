/**
 * The note encoder as ONNX: tokens int64 [B,T] -> note float32 [B,T,W], with its tokeniser.
 *
 * CLIP's tower is recorded; the end token shows the padding, which the tokeniser tells in training. The word
 * encoder (`text/words.ts`) is JavaScript, so its formula is repeated here with tensors; the exporter's check
 * keeps them equal.
 */
import type { ManifestTokenizer } from '@reclmis/core';
import { PAD_ID, ReclmisError } from '@reclmis/core';
import { cat, embedding, scope, Tensor } from '@reclmis/torch';
import {
  CLIP_END_TOKEN,
  type ClipTextTower,
  ClipEncoder,
  type NoteEncoder,
  type NoteInput,
  WordEncoder,
} from '@reclmis/lab';
import { fold } from './fold.js';
import { idsNote, toNote } from './note-input.js';
import type { OnnxGraph } from './onnx-graph.js';
import { record, type Recording } from './record.js';
import { translate } from './translate.js';

export const TEXT_NAMES = { tokens: 'tokens', note: 'note' } as const;

export interface ExportedTokenizer {
  /** Exactly T ids. */
  readonly tokens: (note: string) => readonly number[];
  /** For the manifest; null for CLIP. */
  readonly words: Extract<ManifestTokenizer, { kind: 'words' }> | null;
  /** CLIP's merges file to copy; null for words. */
  readonly merges: string | null;
}

export interface TextGraph {
  readonly graph: OnnxGraph;
  readonly tokenizer: ExportedTokenizer;
}

/** @param input what the model reads of a note. @throws EXPORT_UNSUPPORTED for other encoders */
export function textGraph(encoder: NoteEncoder, input: NoteInput): TextGraph {
  const { contextLength: T } = encoder;
  if (encoder instanceof WordEncoder) {
    const { tokenizer } = encoder;
    return scope(() => ({
      graph: graphOf(recordWords(encoder, input), new Map()),
      tokenizer: {
        tokens: (note) => tokenizer.encode(note, T).ids,
        words: { kind: 'words', vocabulary: tokenizer.toJSON() },
        merges: null,
      },
    }));
  }
  if (encoder instanceof ClipEncoder) {
    const tower = encoder.textTower();
    const parameters = new Map([...tower.stateDict()].map(([key, { id }]) => [id, key]));
    const { tokenizer, weights } = encoder;
    return {
      graph: graphOf(recordTower(tower, T, input), parameters),
      tokenizer: {
        tokens: (note) => tokenizer.encode(note, T).ids,
        words: null,
        merges: weights.merges,
      },
    };
  }
  throw new ReclmisError(
    'EXPORT_UNSUPPORTED',
    `note encoder: expected kind words or clip, got ${encoder.describe().kind}`,
  );
}

function graphOf(recording: Recording, parameters: ReadonlyMap<number, string>): OnnxGraph {
  try {
    return scope(() => fold(translate(recording, { name: 'text-encoder', parameters })));
  } finally {
    recording.dispose();
  }
}

const zeroTokens =
  (T: number) =>
  (B: number): { tokens: Tensor } => ({ tokens: Tensor.fromInt64(new BigInt64Array(B * T), [B, T]) });

function recordTower(tower: ClipTextTower, T: number, input: NoteInput): Recording {
  const { vocabulary } = tower.options;
  const end = CLIP_END_TOKEN < vocabulary ? CLIP_END_TOKEN : vocabulary - 1;
  return record(zeroTokens(T), ({ tokens }) => {
    const ends = tokens.eq(end).to({ dtype: 'float32' }); // [B,T]
    const before = ends.cumsum(1).sub(ends); // end tokens before each place
    const valid = before.lt(0.5); // [B,T]
    if (input === 'ids') return { note: idsNote(tokens.add(1).mul(valid.to({ dtype: 'int64' }))) }; // as `ClipEncoder` numbers them
    const features = tower.forward(tokens, valid).to({ dtype: 'float32' });
    return { note: toNote({ features, valid }, input) };
  });
}

function recordWords(encoder: WordEncoder, input: NoteInput): Recording {
  if (input === 'ids')
    return record(zeroTokens(encoder.contextLength), ({ tokens }) => ({ note: idsNote(tokens) }));
  const { contextLength: T, width: W } = encoder;
  const { vectors, positions, radius: R, closeness, roll, scale } = encoder.formula();
  const table = Tensor.fromFloat32(vectors, [vectors.length / W, W]);
  const places = Tensor.fromFloat32(positions, [T, W]);
  return record(zeroTokens(T), ({ tokens }) => {
    const words = embedding(table, tokens); // [B,T,W]
    const around = words.pad([0, 0, R, R]); // [B,T+2R,W], zeros outside the note
    let sum = words.add(places);
    for (let d = -R; d <= R; d++) {
      if (d === 0) continue;
      const neighbour = around.narrow(1, R + d, T).mul(closeness ** Math.abs(d)); // [B,T,W], word t + d
      const start = (((d * roll) % W) + W) % W;
      sum = sum.add(rolled(neighbour, start, W));
    }
    const valid = tokens.ne(PAD_ID).to({ dtype: 'float32' }).unsqueeze(-1); // [B,T,1]
    return { note: sum.mul(scale).mul(valid) };
  });
}

/** Rotates the last axis (W elements) by `start`. */
function rolled(x: Tensor, start: number, W: number): Tensor {
  if (start === 0) return x;
  return cat([x.narrow(-1, W - start, start), x.narrow(-1, 0, W - start)], -1);
}

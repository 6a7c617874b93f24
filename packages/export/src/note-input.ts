/**
 * What the exported segmenter gets of a note: one float32 tensor [B,T,W], as `SegmentationModel.noteInput` asks. Training has features, validity and numbers
 * apart; here they are one, so that every runtime handles every model alike.
 *
 *   features          the encoder's features; places without a token hold what the encoder gives there
 *   masked-features   the same with zeros there, by which the segmenter knows them
 *   ids               the tokens' numbers, 0 for none; W = 1
 */
import type { NoteFeatures, NoteInput, SegmentationModel } from '@reclmis/lab';
import { randn, type Tensor, zeros } from '@reclmis/torch';

/** @param width of the encoder's features. */
export function noteWidth({ noteInput }: Pick<SegmentationModel, 'noteInput'>, width: number): number {
  return noteInput === 'ids' ? 1 : width;
}

/** The segmenter's note, float32 [B,T,W], from an encoder's output. */
export function toNote({ features, valid, ids }: NoteFeatures, input: NoteInput): Tensor {
  if (input === 'features') return features;
  if (input === 'masked-features') return features.mul(valid.unsqueeze(-1));
  return idsNote((ids ?? valid).to({ dtype: 'int64' }));
}

/** @param ids int64 [B,T]. Cast last: half precision cannot hold large numbers. */
export function idsNote(ids: Tensor): Tensor {
  return ids.unsqueeze(-1).to({ dtype: 'float32' });
}

/** What the model reads, from the segmenter's note [B,T,W]. */
export function fromNote(note: Tensor, input: NoteInput): NoteFeatures {
  if (input === 'features') return { features: note, valid: note };
  if (input === 'masked-features') return { features: note, valid: note.abs().amax([2]).gt(0) };
  const ids = note.to({ dtype: 'int64' }).squeeze(-1);
  return { features: note, valid: ids.ne(0), ids };
}

/** A note to record with. @returns float32 [B,T,W]. */
export function sampleNote(B: number, T: number, W: number, input: NoteInput): Tensor {
  return input === 'ids' ? zeros([B, T, 1]) : randn([B, T, W]);
}

/**
 * Contrastive losses of ConVIRT and GLoRIA: image b belongs to note b of a batch only.
 *
 * B batch.
 */
import { autocast, type Tensor } from '@reclmis/torch';

/**
 * Mean cross-entropies against the diagonal.
 * @param similarity [B,B], a row for each image, a column for each note
 */
export function pairLosses(similarity: Tensor): { byImage: Tensor; byNote: Tensor } {
  return {
    byImage: similarity.logSoftmax(1).diagonal().mean().neg(), // each image among the notes
    byNote: similarity.logSoftmax(0).diagonal().mean().neg(), // each note among the images
  };
}

/** A low temperature multiplies the error of a similarity. */
export function inFloat32<R>(where: Tensor, body: () => R): R {
  return autocast({ device: where.device, dtype: 'float32' }, body);
}

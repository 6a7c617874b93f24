/**
 * Compares U-Net or LViT with its authors' code: docs/method.md 11, by the recipe of section 12. The hash also gives
 * the notes' features (`text_stream`); losses are half Dice, half binary cross-entropy.
 */
import { scope, Tensor } from '@reclmis/torch';
import { z } from 'zod';
import { buildModel, readsNotes } from '../model/registry.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { modelSchema } from '../model/settings.js';
import { type LossWeights, objective } from '../model/losses.js';
import {
  compareGradients,
  compareLosses,
  compareOutput,
  compareSegmentation,
  type Comparison,
  type ParityTolerance,
  readFull,
} from './compare.js';
import { checkShared, parseWith, requireIn, sharedSchema, summarySchema } from './golden.js';
import { hashFill, hashImages } from './hash-fill.js';
import { fillParameters, rebuildMasks, sizesIn } from './rebuild.js';

/** docs/method.md 11. */
const WEIGHTS: LossWeights = { dice: 0.5, bce: 0.5, ccl: 0, clr: 0, cvr: 0 };

const peerSchema = sharedSchema.extend({
  /** [B,T,W] of the notes' features; null if the model reads none. */
  text_shape: z.tuple([z.number().int(), z.number().int().min(1), z.number().int().min(1)]).nullable(),
  /** The hash position of the notes' features. */
  text_stream: z.number().int().min(0),
  outputs: z.object({
    probability: summarySchema,
    losses: z.object({ dice: z.number(), bce: z.number(), seg: z.number() }),
  }),
  gradient_norms: z.record(z.string(), z.number().min(0)),
});

export type PeerGolden = z.infer<typeof peerSchema>;

/** @param json the golden file's. @throws GOLDEN_INVALID, SAFETENSORS_INVALID */
export function comparePeer(
  peer: string,
  json: unknown,
  path: string,
  tolerance: ParityTolerance,
): Comparison {
  const golden = parseGoldenPeer(peer, json, path);
  using model = rebuildPeer(peer, golden, path);
  return scope(() => {
    const { outputs, gradient_norms } = golden;
    const full = readFull({ probability: outputs.probability }, path);
    const { images, masks, note } = rebuildPeerInputs(golden);
    const output = model.forwardTraining(images, note);
    const { total, values } = objective(output, masks, ['dice', 'bce'], WEIGHTS);
    total.backward();
    const inference = model.segment(images, note).probability;
    const rows = [
      compareOutput(
        'probability',
        output.probability,
        outputs.probability,
        full.get('probability'),
        tolerance.output,
      ),
      compareSegmentation(inference, output.probability, tolerance.output),
      ...compareLosses({ ...values, seg: values.total }, outputs.losses, tolerance.output),
      ...compareGradients(gradient_norms, path, model.namedParameters(), tolerance.gradient),
    ];
    return { title: model.title, rows };
  });
}

function parseGoldenPeer(peer: string, json: unknown, path: string): PeerGolden {
  const golden = parseWith(peerSchema, json, path);
  checkShared(golden, golden.outputs.probability, path);
  const require = requireIn(path);
  const { text_shape: text, batch, gradient_norms } = golden;
  const reads = readsNotes(modelSchema.parse({ name: peer }));
  const expected = reads ? `[${batch}, tokens, width]` : 'null, since the model reads no notes';
  const fits = reads ? text?.[0] === batch : text === null;
  require(fits, 'text_shape', expected, text);
  require(Object.keys(gradient_norms).length > 0, 'gradient_norms', 'at least one', 'none');
  return golden;
}

/** A golden file's model in evaluation mode. The caller disposes of it. @throws GOLDEN_INVALID */
export function rebuildPeer(peer: string, golden: PeerGolden, path: string): SegmentationModel {
  const [, contextLength, textWidth] = golden.text_shape ?? [0, 1, 1];
  const settings = {
    ...modelSchema.parse({ name: peer }),
    baseWidth: sizesIn(golden, path)('inc.conv.weight', 0),
    imageSize: golden.outputs.probability.shape[2] ?? 0,
  };
  const model = buildModel(settings, { width: textWidth, contextLength });
  try {
    const used = new Map(golden.parameters.map(([key, , isUsed]) => [key, isUsed]));
    // The files mark statistics of layers that take no part as used; trust their weights instead.
    const takesPart = (key: string, isUsed: boolean): boolean =>
      isUsed && used.get(key.replace(/running_(?:mean|var)$/, 'weight')) !== false;
    fillParameters(model.stateDict(), golden, path, takesPart);
    return model.eval();
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * Images [B,3,S,S], target masks [B,1,S,S] and notes' features [B,T,W], with all tokens valid; owned by the caller's scope.
 */
export function rebuildPeerInputs(golden: PeerGolden): {
  images: Tensor;
  masks: Tensor;
  note: { features: Tensor; valid: Tensor } | null;
} {
  const { batch: B, seed, text_shape: shape, text_stream: stream } = golden;
  const S = golden.outputs.probability.shape[2] ?? 0;
  const [, T = 0, W = 0] = shape ?? [];
  return {
    images: Tensor.fromFloat32(hashImages(B, S, seed), [B, 3, S, S]),
    masks: rebuildMasks(golden, S),
    note: shape && {
      features: Tensor.fromFloat32(hashFill(B * T * W, stream, seed, { offset: 0, scale: 1 }), [B, T, W]),
      valid: Tensor.fromUint8(new Uint8Array(B * T).fill(1), [B, T], { dtype: 'bool' }),
    },
  };
}

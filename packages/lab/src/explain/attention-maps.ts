/**
 * Attention of the other systems as maps of the image, from the weights of the very pass that makes the mask:
 *
 *     TransUNet, ViLT, CLIP   attention rollout (Abnar and Zuidema, ACL 2020) from the patches of the target,
 *                             since no class token decides the mask
 *     LAVT                    what each place reads from each word, in each stage
 *     GLoRIA                  which regions each word attends to in the local loss; the mask does not depend on it
 *     Attention U-Net         the gates' coefficients
 *
 * H heads, L tokens of a sequence, N patches or places, T tokens of a note, S side of the model's input.
 */
import { groupLabel, type TokenGroup } from '@reclmis/core';
import { float32, keep, nn, noGrad, scope, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { AttentionUNet } from '../model/peers/attention-unet.js';
import { CLIPSeg } from '../model/peers/clip-seg.js';
import { GLoRIA } from '../model/peers/gloria.js';
import { Fusion, Lavt, type Words } from '../model/peers/lavt.js';
import { TransUNet } from '../model/peers/trans-unet.js';
import { SelfAttention } from '../model/peers/vit.js';
import { ViLT } from '../model/peers/vilt.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { Missing } from './interest.js';

/** A map over the image, row by row, 0 or more. */
export interface LabelledMap {
  readonly label: string;
  readonly side: number;
  readonly values: Float32Array;
}

/** Maps that share a scale. */
export interface AttentionPart {
  /** Name of its figure: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  /** What the numbers are, in a sentence. */
  readonly about: string;
  readonly unit: string;
  readonly maps: readonly LabelledMap[];
  /** The note's tokens by the same weights, [T]; null if they are no keys. */
  readonly words: Float32Array | null;
}

export interface AttentionMaps {
  readonly parts: readonly AttentionPart[];
}

export function isMaps(attention: object): attention is AttentionMaps {
  return 'parts' in attention;
}

export interface Pass {
  /** [1,3,S,S]. */
  readonly images: Tensor;
  /** As given, also to a model that does not read it. */
  readonly note: NoteFeatures | null;
  readonly groups: readonly TokenGroup[];
  /** The target, [S,S] of 0 and 1; empty: attention of all patches. */
  readonly pixels: Uint8Array;
}

type Weigh = (output: unknown, inputs: readonly unknown[]) => Tensor;

/** Listens to attention for one forward pass. The caller disposes of it. */
export class AttentionListener {
  private readonly heard: { readonly path: string; readonly weights: Tensor }[] = [];
  readonly taps: ReadonlyMap<string, nn.Tap>;

  constructor(private readonly model: SegmentationModel) {
    const taps = new Map<string, nn.Tap>();
    for (const [path, module] of model.namedModules()) {
      const weigh = weigherOf(model, path, module);
      if (weigh === null) continue;
      taps.set(path, (output, inputs) => {
        const weights = noGrad(() => scope(() => float32(weigh(output, inputs)).detach().clone()));
        this.heard.push({ path, weights: keep(weights) });
      });
    }
    this.taps = taps;
  }

  /** Call it once, after the pass. */
  maps(pass: Pass): AttentionMaps | Missing {
    const { model } = this;
    if (model instanceof Lavt)
      return { parts: this.heard.map(({ weights }, i) => stage(weights, i, pass.groups)) };
    if (model instanceof AttentionUNet) return { parts: [gates(this.heard)] };
    if (model instanceof GLoRIA) return wordRegions(model, pass);
    if (this.heard.length === 0) return { missing: model.withoutAttention };
    return { parts: [this.rollOut(pass)] };
  }

  private rollOut({ pixels }: Pass): AttentionPart {
    const { model } = this;
    const [grid] = model.tokenGrids;
    const { side, before } = grid ?? { side: 0, before: 0 };
    const from = patchShares(pixels, model.options.imageSize, side);
    const blocks = this.heard.map(({ weights }) => meanHeads(weights));
    const reached = rollout(
      blocks,
      Float32Array.from({ length: before + from.length }, (_, i) => from[i - before] ?? 0),
    );
    const reads = model instanceof ViLT;
    return {
      name: 'attention-rollout',
      title: 'Attention rollout',
      about: `What the target’s patches read of the image${reads ? ' and the note' : ''} through all ${blocks.length} blocks of attention, averaged over heads (attention rollout, Abnar and Zuidema 2020); all tokens together sum to 1.`,
      unit: 'weight of the patch',
      maps: [{ label: `${side} x ${side} patches`, side, values: reached.slice(before) }],
      words: reads ? reached.slice(0, before - 1) : null, // the class token follows the words
    };
  }

  [Symbol.dispose](): void {
    for (const { weights } of this.heard.splice(0)) weights.dispose();
  }
}

/** What to ask of a module that ran; null where it has nothing to say. */
function weigherOf(model: SegmentationModel, path: string, module: nn.Module): Weigh | null {
  if (model instanceof Lavt) {
    if (!(module instanceof Fusion)) return null;
    return (_, inputs) => module.weights(...(inputs as readonly [Tensor, Words])); // [1,h,N,T]
  }
  if (model instanceof AttentionUNet) {
    if (!/^Att\d\.psi$/.test(path)) return null;
    return (output) => (output as Tensor).sigmoid(); // [1,1,h,h]
  }
  if (!(model instanceof TransUNet || model instanceof ViLT || model instanceof CLIPSeg)) return null;
  if (module instanceof SelfAttention)
    return (_, inputs) => module.weights(...(inputs as readonly [Tensor, Tensor | null])); // [1,H,L,L]
  if (!(module instanceof nn.MultiheadAttention)) return null;
  return (_, inputs) =>
    module.forwardWithWeights(...(inputs as Parameters<nn.MultiheadAttention['forward']>)).weights;
}

/**
 * Rows of the product of (A + I) / 2 over the blocks, weighted.
 * @param blocks [L,L] each, in running order; rows sum to 1. @param from weights of the last block's rows,
 * [L]. @returns [L]; sums to what `from` does.
 */
export function rollout(blocks: readonly Float32Array[], from: Float32Array): Float32Array {
  const L = from.length;
  return blocks.reduceRight((row, block) => {
    const next = row.map((value) => value / 2);
    for (let q = 0; q < L; q++) {
      const half = (row[q] as number) / 2;
      if (half === 0) continue;
      for (let k = 0; k < L; k++) next[k] = (next[k] as number) + half * (block[q * L + k] as number);
    }
    return next;
  }, from);
}

/** Each patch's share of the target's pixels; uniform without any. @returns [side * side]; sums to 1. */
export function patchShares(pixels: Uint8Array, size: number, side: number): Float32Array {
  const shares = new Float32Array(side * side);
  const patch = size / side;
  const total = pixels.reduce((sum, pixel) => sum + pixel, 0);
  if (total === 0) return shares.fill(1 / shares.length);
  pixels.forEach((pixel, p) => {
    if (pixel === 0) return;
    const n = Math.floor(Math.floor(p / size) / patch) * side + Math.floor((p % size) / patch);
    shares[n] = (shares[n] as number) + 1 / total;
  });
  return shares;
}

/** [1,H,L,K] -> [L,K]. */
function meanHeads(weights: Tensor): Float32Array {
  return scope(() => weights.squeeze(0).mean([0]).toFloat32Array());
}

/** @param weights [1,h,N,T]. */
function stage(weights: Tensor, i: number, groups: readonly TokenGroup[]): AttentionPart {
  const [, , N, T] = weights.shape4();
  const mean = meanHeads(weights); // [N,T]
  const side = Math.round(Math.sqrt(N));
  const words = groups.filter(({ kind }) => kind !== 'padding');
  const maps = words.map((group) => ({
    ...{ label: groupLabel(group), side },
    values: Float32Array.from({ length: N }, (_, n) =>
      group.tokens.reduce((sum, t) => sum + (mean[n * T + t] ?? 0), 0),
    ),
  }));
  return {
    name: `attention-stage-${i + 1}`,
    title: `What each place reads from each word, stage ${i + 1}`,
    about: `The weights of each of the ${side} x ${side} places sum to 1 over the words, averaged over heads.`,
    ...{ unit: 'weight of the word', maps, words: null },
  };
}

function gates(heard: readonly { readonly path: string; readonly weights: Tensor }[]): AttentionPart {
  return {
    name: 'attention-gates',
    title: 'Attention gates',
    about: 'What each gate lets through of its skip, 0 to 1, coarsest first (Oktay et al. 2018).',
    unit: 'share let through',
    maps: heard.map(({ path, weights }) => {
      const [, , side] = weights.shape4();
      return {
        label: `${path.replace('.psi', '')}, ${side} x ${side}`,
        side,
        values: weights.toFloat32Array(),
      };
    }),
    words: null,
  };
}

function wordRegions(model: GLoRIA, { images, note, groups }: Pass): AttentionMaps | Missing {
  if (note === null) return { missing: 'GLoRIA attends to words in its loss alone, and no note was given' };
  return scope(() => {
    const observed = noGrad(() => model.forwardTraining(images, note).observed ?? {});
    const attention = observed.attention_0;
    if (!attention) return { missing: 'the model returned none' };
    const [words, side] = attention.shape3(); // [words,h,h]
    const values = attention.toFloat32Array();
    const N = side * side;
    const maps = groups.flatMap((group) => {
      const own = group.tokens.filter((t) => t < words);
      if (own.length === 0 || group.kind === 'padding') return [];
      const mean = Float32Array.from({ length: N }, (_, n) =>
        own.reduce((sum, t) => sum + (values[t * N + n] ?? 0) / own.length, 0),
      );
      return [{ label: groupLabel(group), side, values: mean }];
    });
    const part: AttentionPart = {
      name: 'attention-regions',
      title: 'Which regions each word attends to',
      about: `By the local loss, with which GLoRIA learns; the mask does not depend on it. The weights of each word sum to 1 over the ${side} x ${side} regions.`,
      ...{ unit: 'weight of the region', maps, words: null },
    };
    return { parts: [part] };
  });
}

/**
 * Grad-CAM (Selvaraju et al., ICCV 2017, arXiv 1610.02391, eq. 1 and 2) at a layer of a segmentation network; the score
 * is a sum of the mask's logits (Vinogradova et al. 2020, "Seg-Grad-CAM"):
 *
 *     a_c = mean over i, j of d score / d A[c,i,j];   map = ReLU( sum over c of a_c A[c] )
 *
 * A copy that is a leaf of autograd replaces the layer's output, so earlier layers record nothing and get no gradient.
 *
 * C channels, h side of the layer's map, S side of the model's input.
 */
import { type Mask, ReclmisError, resizeMask } from '@reclmis/core';
import { keep, type nn, scope, Tensor } from '@reclmis/torch';
import { asMap, describeOutput, type MapContext } from './layers.js';

/** Whose logits make the score; a mask has the image's size. */
export type Target =
  | { readonly kind: 'predicted' }
  | { readonly kind: 'all' }
  | { readonly kind: 'pixel'; readonly x: number; readonly y: number }
  | { readonly kind: 'mask'; readonly mask: Mask };

export interface GradCam {
  readonly layer: string;
  /** C. */
  readonly channels: number;
  /** h. */
  readonly side: number;
  /** [h,h] row by row, 0 or more, in units of the score; not comparable across images. */
  readonly values: Float32Array;
  /** The sum of the target's logits. */
  readonly score: number;
  /** Number of pixels of S x S in the score. */
  readonly pixels: number;
}

/** Eq. 1 and 2. @param activations [C,h,w]. @param gradients the same shape. @returns [h,w]. */
export function activationMap(activations: Tensor, gradients: Tensor): Tensor {
  const [C] = activations.shape3();
  const weights = gradients.mean([1, 2]).view([C, 1, 1]); // [C,1,1]
  return activations.mul(weights).sum([0]).relu(); // [h,w]
}

/**
 * The pixels of the score, [S,S] of 0 and 1.
 * @param probability [S,S]. @param image its size, to which a pixel or mask refers. @throws OPTION_INVALID
 * for a pixel outside the image; MASK_SIZE_MISMATCH
 */
export function targetPixels(
  target: Target,
  probability: Float32Array,
  size: number,
  image: { readonly width: number; readonly height: number },
): Uint8Array {
  const { width, height } = image;
  switch (target.kind) {
    case 'predicted':
      return Uint8Array.from(probability, (p) => (p > 0.5 ? 1 : 0));
    case 'all':
      return new Uint8Array(size * size).fill(1);
    case 'pixel': {
      const { x, y } = target;
      if (!(x >= 0 && y >= 0 && x < width && y < height)) {
        throw new ReclmisError(
          'OPTION_INVALID',
          `target ${x},${y}: expected a pixel of the image, which is ${width} x ${height}, counted from 0,0 at the top left`,
        );
      }
      const column = Math.floor(((x + 0.5) * size) / width);
      const pixels = new Uint8Array(size * size);
      pixels[Math.floor(((y + 0.5) * size) / height) * size + column] = 1;
      return pixels;
    }
    case 'mask': {
      const { mask } = target;
      if (mask.width !== width || mask.height !== height) {
        throw new ReclmisError(
          'MASK_SIZE_MISMATCH',
          `target: expected a mask of the image's size, ${width} x ${height}, got ${mask.width} x ${mask.height}`,
        );
      }
      return resizeMask(mask, size).data;
    }
  }
}

/** Observes a layer for one forward pass. The caller disposes of it. */
export class LayerLeaf {
  private readonly leaves: Tensor[] = [];

  constructor(
    private readonly model: nn.Module,
    readonly path: string,
    private readonly context: MapContext,
  ) {}

  /** Whether the layer was asked. */
  get heard(): boolean {
    return this.leaves.length > 0;
  }

  /** For `withTaps`. @throws OPTION_INVALID if the layer gives no map. */
  readonly tap: nn.Tap = (output) => {
    const module = this.model.namedModules().get(this.path);
    if (
      !(output instanceof Tensor) ||
      scope(() => asMap(output, { path: this.path, module }, this.context) === null)
    ) {
      throw invalidLayer(this.path, `expected a feature map, the layer returns ${describeOutput(output)}`);
    }
    const leaf = keep(output.detach());
    leaf.requiresGrad_();
    this.leaves.push(leaf);
    return leaf.clone(); // later layers may work in place, which leaves forbid
  };

  /**
   * Grad-CAM for the sum of the logits at `pixels`. Call it once: it runs the backward pass.
   * @param logits [1,1,S,S]. @param pixels [S,S]. @throws OPTION_INVALID if the layer took no part, or the
   * mask does not depend on it.
   */
  map(logits: Tensor, pixels: Uint8Array): GradCam {
    const leaf = this.leaves.at(-1); // if it ran several times, its last output
    if (!leaf) throw invalidLayer(this.path, 'it takes no part in segmentation');
    return scope(() => {
      const { device, dtype, shape } = logits;
      const mask = Tensor.fromUint8(pixels, shape, { device }).to({ dtype }); // [1,1,S,S]
      const score = logits.mul(mask).sum();
      if (score.requiresGrad) score.backward();
      const gradient = leaf.grad;
      if (!gradient) throw invalidLayer(this.path, 'the mask does not depend on it');
      const module = this.model.namedModules().get(this.path);
      const float = (x: Tensor): Tensor =>
        (asMap(x, { path: this.path, module }, this.context) as Tensor).detach().to({ dtype: 'float32' }); // a map, by `tap`
      const activations = float(leaf); // [C,h,h]
      const [channels, side] = activations.shape3();
      return {
        layer: this.path,
        channels,
        side,
        values: activationMap(activations, float(gradient)).toFloat32Array(),
        score: score.item(),
        pixels: pixels.reduce((sum, pixel) => sum + pixel, 0),
      };
    });
  }

  dispose(): void {
    for (const leaf of this.leaves.splice(0)) {
      leaf.clearGrad();
      leaf.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function invalidLayer(path: string, why: string): ReclmisError {
  return new ReclmisError('OPTION_INVALID', `layer ${path}: ${why}`, {
    remedy: 'Choose one of the layers listed by `reclmis explain RUN --list-layers`.',
  });
}

/** The affine map of the last dimension, with PyTorch's parameters, keys and initialisation. */
import { linearPacked, packForProducts } from '../conv-products.js';
import { linear } from '../generated/functions.js';
import { isRecording } from '../invoke.js';
import { Kept } from '../kept.js';
import { native } from '../native.js';
import { isAutocast } from '../precision/autocast.js';
import { isGradEnabled } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { gelu } from './functional.js';
import { biasUniform, checkSize, kaimingUniform } from './init.js';
import { Module } from './module.js';
import { hasOwnForward } from './tap.js';

/** Fewest rows for `linearPacked`: with fewer, reading the weight takes as long by any kernel. */
const LEAST_ROWS = 32;
/** Fewest inputs and outputs, which fill its vectors. */
const LEAST_WIDTH = 8;

/** What follows an affine map. */
export interface AfterLinear {
  /** Added; it has the result's shape. */
  readonly plus?: Tensor;
  /** Default: none. */
  readonly activation?: 'relu' | 'gelu';
}

/** A weight's products with rows: by `linearPacked` in evaluation without gradients, with panels that it keeps, else by libtorch. */
export class RowProducts {
  readonly #kept = new Kept<{ panels: Tensor }>();

  /** @param x [.., in]. @param weight [out, in], `part` of a parameter. @param evaluating whether panels may be kept */
  of(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | null,
    evaluating: boolean,
    { plus, activation }: AfterLinear = {},
    part = 0,
  ): Tensor {
    if (evaluating && takesProducts(x, weight)) {
      const [outputs, inputs] = weight.shape2();
      const pack = (): { panels: Tensor } => ({
        panels: packForProducts(weight.view([outputs, inputs, 1, 1])),
      });
      const { panels } = this.#kept.of([weight], pack, [part, outputs]);
      return linearPacked(x, panels, bias, plus ?? null, outputs, activation ?? null);
    }
    const product = linear(x, weight, bias); // [.., out]
    const sum = plus ? product.add(plus) : product;
    if (activation === 'gelu') return gelu(sum);
    return activation === 'relu' ? sum.relu() : sum;
  }

  dispose(): void {
    this.#kept.dispose();
  }
}

function takesProducts(x: Tensor, weight: Tensor): boolean {
  if (isGradEnabled() || isRecording() || isAutocast()) return false;
  if (x.device !== 'cpu' || x.dtype !== 'float32' || weight.dtype !== 'float32' || !native().hasLanes())
    return false;
  const rows = x.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return rows >= LEAST_ROWS && weight.shape.every((width) => width >= LEAST_WIDTH);
}

/** y = x weight^T + bias: [..., in] -> [..., out]. */
export class Linear extends Module {
  /** [out, in] */
  readonly weight: Tensor;
  /** [out] */
  readonly bias: Tensor | null;
  readonly #products = this.keeps(new RowProducts());

  constructor(inputs: number, outputs: number, { bias = true }: { readonly bias?: boolean } = {}) {
    super();
    checkSize('Linear', 'inputs', inputs);
    checkSize('Linear', 'outputs', outputs);
    const shape = [outputs, inputs];
    this.weight = this.parameter('weight', kaimingUniform(shape));
    this.bias = bias ? this.parameter('bias', biasUniform(outputs, shape)) : null;
  }

  forward(x: Tensor): Tensor {
    return this.#products.of(x, this.weight, this.bias, !this.training); // [..., out]
  }

  /** `forward`, plus another tensor, then an activation; in evaluation without gradients in one pass. */
  forwardThen(x: Tensor, after: AfterLinear): Tensor {
    if (!hasOwnForward(this, Linear))
      return this.#products.of(x, this.weight, this.bias, !this.training, after);
    const { plus, activation } = after;
    const sum = plus ? this.forward(x).add(plus) : this.forward(x);
    if (activation === 'gelu') return gelu(sum);
    return activation === 'relu' ? sum.relu() : sum;
  }
}

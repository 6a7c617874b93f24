/**
 * Convolutions, with PyTorch's parameters, keys (`weight`, `bias`) and initialisation. Legend: B batch, C
 * channels, L length, H height, W width, k kernel.
 */
import { ReclmisError } from '@reclmis/core';
import { conv3x3, conv3x3Packed, conv3x3Transform } from '../conv3x3.js';
import {
  convProducts,
  convProductsPacked,
  type ConvShape,
  convTransposeProducts,
  packForProducts,
} from '../conv-products.js';
import { conv1d, conv2d, convTranspose2d } from '../generated/functions.js';
import { isRecording, type DType } from '../invoke.js';
import { Kept } from '../kept.js';
import { isAutocast } from '../precision/autocast.js';
import { isGradEnabled } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { biasUniform, checkSize, kaimingUniform, pair, type Pair } from './init.js';
import { Module } from './module.js';
import { type AfterNorm, BatchNorm2d } from './norm.js';
import { hasOwnForward } from './tap.js';

/** `Size` is a number for one axis, a pair for two. */
export interface ConvOptions<Size> {
  /** Step of the window, default 1. */
  readonly stride?: Size;
  /** Zeros at both ends of each axis, default 0. */
  readonly padding?: Size;
  /** Distance between the kernel's elements, default 1. */
  readonly dilation?: Size;
  /** Must divide both channel counts; default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
}

/** libtorch's kernels, or `conv3x3` and `convProducts` where they fit. */
export type ConvolutionKernel = 'libtorch' | 'winograd';
let ownKernels = false;
/** Dtypes of `conv3x3`. */
const MAPS: ReadonlySet<DType> = new Set(['float32', 'bfloat16']);
/** Fewest channels of input and output for `convProducts`, which gathers patches and fills vectors; libtorch's kernels suit fewer. */
const LEAST_CHANNELS = 8;
/** Share of the definition's products that a dilated `conv3x3` may take. */
const MOST_OF_PRODUCTS = 0.6;

/**
 * Chooses the kernels of all `Conv2d` of this process and returns those before. `winograd` applies on the CPU
 * with float32 weights: `conv3x3` to 3x3 kernels with stride 1, padding equal to the dilation and multiples of 16
 * channels, for float32 and bfloat16 maps (in evaluation of more than a few tiles), `convProducts` to all others
 * of at least 8 channels in float32 without groups and dilation. libtorch does the rest.
 */
export function setConvolutionKernel(kernel: ConvolutionKernel): ConvolutionKernel {
  const before = ownKernels ? 'winograd' : 'libtorch';
  ownKernels = kernel === 'winograd';
  return before;
}

function checkChannels(layer: string, inputs: number, outputs: number, groups: number): void {
  checkSize(layer, 'input channels', inputs);
  checkSize(layer, 'output channels', outputs);
  checkSize(layer, 'groups', groups);
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${layer}: groups must divide the channels, got ${groups} groups for ${inputs} -> ${outputs} channels`,
    );
  }
}

/** Cross-correlation along one axis: [B, Cin, L] -> [B, Cout, (L + 2 padding - dilation (k - 1) - 1) / stride + 1]. */
export class Conv1d extends Module {
  /** [Cout, Cin / groups, k] */
  readonly weight: Tensor;
  /** [Cout] */
  readonly bias: Tensor | null;
  readonly #stride: number;
  readonly #padding: number;
  readonly #dilation: number;
  readonly #groups: number;

  constructor(inputs: number, outputs: number, kernel: number, options: ConvOptions<number> = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkChannels('Conv1d', inputs, outputs, groups);
    checkSize('Conv1d', 'kernel', kernel);
    const shape = [outputs, inputs / groups, kernel];
    this.weight = this.parameter('weight', kaimingUniform(shape));
    this.bias = bias ? this.parameter('bias', biasUniform(outputs, shape)) : null;
    this.#stride = stride;
    this.#padding = padding;
    this.#dilation = dilation;
    this.#groups = groups;
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, [this.#stride], [this.#padding], [this.#dilation], this.#groups); // [B, Cout, L']
  }
}

/** Cross-correlation over an image: [B, Cin, H, W] -> [B, Cout, H', W'], H' as for `Conv1d`. */
export class Conv2d extends Module {
  /** [Cout, Cin / groups, kH, kW] */
  readonly weight: Tensor;
  /** [Cout] */
  readonly bias: Tensor | null;
  readonly #shape: ConvShape;
  readonly #dilation: [number, number];
  readonly #groups: number;
  readonly #is3x3: boolean;
  /** Dilated products are libtorch's. */
  readonly #isDense: boolean;
  readonly #isWide: boolean;
  /** For evaluation without gradients: for `conv3x3`, and with a normalisation. */
  readonly #transformed = this.keeps(new Kept<{ weight: Tensor }>());
  readonly #folded = this.keeps(new Kept<{ weight: Tensor; shift: Tensor }>());

  constructor(inputs: number, outputs: number, kernel: Pair, options: ConvOptions<Pair> = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkChannels('Conv2d', inputs, outputs, groups);
    const [height, width] = pair(kernel);
    checkSize('Conv2d', 'kernel height', height);
    checkSize('Conv2d', 'kernel width', width);
    const shape = [outputs, inputs / groups, height, width];
    this.weight = this.parameter('weight', kaimingUniform(shape));
    this.bias = bias ? this.parameter('bias', biasUniform(outputs, shape)) : null;
    this.#shape = { kernel: [height, width], stride: pair(stride), padding: pair(padding) };
    this.#dilation = pair(dilation);
    this.#groups = groups;
    this.#isDense = [groups, ...this.#dilation].every((value) => value === 1);
    this.#isWide = inputs >= LEAST_CHANNELS && outputs >= LEAST_CHANNELS;
    const apart = this.#dilation[0];
    const settings = [
      height,
      width,
      ...this.#shape.stride,
      ...this.#shape.padding,
      this.#dilation[1],
      groups,
    ];
    const is3x3 = settings.join() === [3, 3, 1, 1, apart, apart, apart, 1].join();
    this.#is3x3 = is3x3 && inputs % 16 === 0 && outputs % 16 === 0;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias } = this;
    const { stride, padding } = this.#shape;
    const by = this.#kernelFor(x);
    if (by === 'products') return convProducts(x, weight, bias, this.#shape); // [B, Cout, H', W']
    if (by === 'libtorch') return conv2d(x, weight, bias, stride, padding, this.#dilation, this.#groups); // [B, Cout, H', W']
    const kept = this.#keeps()
      ? this.#transformed.of([weight], () => ({ weight: conv3x3Transform(weight) })).weight
      : null;
    return conv3x3(x, weight, bias, kept, this.#dilation[0]); // [B, Cout, H, W]
  }

  /**
   * `norm` of `forward`, plus another map, then ReLU: in evaluation without gradients by one operator where
   * one fits, with the normalisation in the weights.
   */
  forwardNorm(x: Tensor, norm: BatchNorm2d, after: AfterNorm = {}): Tensor {
    const { plus, relu = false } = after;
    const by = this.#folds(norm) && x.dtype === 'float32' ? this.#kernelFor(x) : 'libtorch';
    if (by === 'libtorch') return norm.forwardThen(this.forward(x), after); // [B, Cout, H', W']
    const { weight, shift } = this.#fold(norm, by);
    if (by === 'winograd') return conv3x3Packed(x, weight, shift, plus ?? null, relu, this.#dilation[0]);
    return convProductsPacked(x, weight, shift, plus ?? null, relu, this.#shape);
  }

  #kernelFor(x: Tensor): 'libtorch' | 'winograd' | 'products' {
    if (!ownKernels || x.device !== 'cpu' || this.weight.dtype !== 'float32') return 'libtorch';
    const single = x.dtype === 'float32' && !isAutocast() && !isRecording();
    if (this.#is3x3 && (this.#isDense ? !(single && this.#isSmall(x)) : this.#fitsDilated(x)))
      return MAPS.has(x.dtype) ? 'winograd' : 'libtorch';
    return single && this.#isDense && this.#isWide ? 'products' : 'libtorch';
  }

  /** Whether `conv3x3` would take longer to read its kept weights than `convProducts` to multiply. */
  #isSmall(x: Tensor): boolean {
    return this.#keeps() && this.#tiles(x) <= 4;
  }

  /** Whether the dilated `conv3x3` multiplies much less than the definition: not if most of its tiles stick out of the map. */
  #fitsDilated(x: Tensor): boolean {
    const [B, , H, W] = x.shape4();
    return 36 * this.#tiles(x) <= MOST_OF_PRODUCTS * 9 * B * H * W;
  }

  /** How many tiles of 4x4 outputs. */
  #tiles(x: Tensor): number {
    const [B, , H, W] = x.shape4();
    const apart = this.#dilation[0];
    const along = (side: number): number => apart * Math.ceil(Math.ceil(side / apart) / 4);
    return B * along(H) * along(W);
  }

  #keeps(): boolean {
    return !this.training && !isGradEnabled() && !isRecording();
  }

  #folds(norm: BatchNorm2d): boolean {
    if (hasOwnForward(this, Conv2d) || hasOwnForward(norm, BatchNorm2d)) return false;
    return this.#keeps() && !norm.training && !isAutocast() && norm.weight.dtype === 'float32';
  }

  /** Weight and shift of `norm` of this convolution, for its kernel. */
  #fold(norm: BatchNorm2d, by: 'winograd' | 'products'): { readonly weight: Tensor; readonly shift: Tensor } {
    const { weight, bias } = this;
    const sources = [weight, norm.weight, norm.bias, norm.runningMean, norm.runningVar];
    const make = (): { weight: Tensor; shift: Tensor } => {
      const scale = norm.weight.div(norm.runningVar.add(norm.eps).sqrt()); // [Cout]
      const mean = bias ? norm.runningMean.sub(bias) : norm.runningMean;
      const scaled = weight.mul(scale.view([-1, 1, 1, 1])); // [Cout, Cin, kH, kW]
      return {
        weight: by === 'winograd' ? conv3x3Transform(scaled) : packForProducts(scaled),
        shift: norm.bias.sub(mean.mul(scale)),
      };
    };
    return this.#folded.of(bias ? [...sources, bias] : sources, make, [by, norm, norm.trainings]);
  }
}

export interface ConvTransposeOptions extends ConvOptions<Pair> {
  /** Rows and columns added at one end, less than the stride; default 0. */
  readonly outputPadding?: Pair;
}

/**
 * Transpose of `Conv2d`: [B, Cin, H, W] -> [B, Cout, (H - 1) stride - 2 padding + dilation (k - 1) +
 * outputPadding + 1, W']. As in PyTorch, the fan-in is the product of all but the weight's first dimension.
 */
export class ConvTranspose2d extends Module {
  /** [Cin, Cout / groups, kH, kW] */
  readonly weight: Tensor;
  /** [Cout] */
  readonly bias: Tensor | null;
  readonly #stride: [number, number];
  readonly #padding: [number, number];
  readonly #outputPadding: [number, number];
  readonly #dilation: [number, number];
  readonly #groups: number;

  constructor(inputs: number, outputs: number, kernel: Pair, options: ConvTransposeOptions = {}) {
    super();
    const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkChannels('ConvTranspose2d', inputs, outputs, groups);
    const [height, width] = pair(kernel);
    checkSize('ConvTranspose2d', 'kernel height', height);
    checkSize('ConvTranspose2d', 'kernel width', width);
    const shape = [inputs, outputs / groups, height, width];
    this.weight = this.parameter('weight', kaimingUniform(shape));
    this.bias = bias ? this.parameter('bias', biasUniform(outputs, shape)) : null;
    this.#stride = pair(stride);
    this.#padding = pair(padding);
    this.#outputPadding = pair(outputPadding);
    this.#dilation = pair(dilation);
    this.#groups = groups;
  }

  forward(x: Tensor): Tensor {
    if (this.#byProducts(x)) {
      const [, , H, W] = x.shape4();
      const size = [this.#length(H, 0), this.#length(W, 1)] as const;
      const shape = { stride: this.#stride, padding: this.#padding };
      return convTransposeProducts(x, this.weight, this.bias, size, shape); // [B, Cout, H', W']
    }
    return convTranspose2d(
      x,
      this.weight,
      this.bias,
      this.#stride,
      this.#padding,
      this.#outputPadding,
      this.#groups,
      this.#dilation,
    ); // [B, Cout, H', W']
  }

  #byProducts(x: Tensor): boolean {
    const dense = [this.#groups, ...this.#dilation].every((value) => value === 1);
    const wide = Math.min(...this.weight.shape.slice(0, 2)) >= LEAST_CHANNELS;
    const single = x.device === 'cpu' && x.dtype === 'float32' && this.weight.dtype === 'float32';
    return ownKernels && dense && wide && single && x.shape.length === 4 && !isAutocast() && !isRecording();
  }

  /** Size of the output along an axis, 0 or 1, for `length` of the input. */
  #length(length: number, axis: 0 | 1): number {
    const kernel = this.weight.shape[2 + axis] ?? 1;
    return (length - 1) * this.#stride[axis] - 2 * this.#padding[axis] + kernel + this.#outputPadding[axis];
  }
}

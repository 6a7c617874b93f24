/**
 * Convolutions, with PyTorch's parameters, keys (`weight`, `bias`) and initialisation. Legend: B batch, C
 * channels, L length, H height, W width, k kernel.
 */
import { ReclmisError } from '@reclmis/core';
import { conv3x3, TransformedWeight } from '../conv3x3.js';
import { conv1d, conv2d, convTranspose2d } from '../generated/functions.js';
import { isRecording, type DType } from '../invoke.js';
import { isGradEnabled } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { biasUniform, checkSize, kaimingUniform, pair, type Pair } from './init.js';
import { Module } from './module.js';

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

/** Kernel of convolutions with stride 1: libtorch's, or `conv3x3` where it fits. */
export type ConvolutionKernel = 'libtorch' | 'winograd';
let ownKernels = false;
/** Dtypes of `conv3x3`. */
const MAPS: ReadonlySet<DType> = new Set(['float32', 'bfloat16']);

/**
 * Chooses the kernel of all `Conv2d` of this process and returns the one before. `winograd` applies on the
 * CPU to float32 and bfloat16 maps with float32 weights, 3x3 kernels, padding 1 and multiples of 16 channels;
 * libtorch does the rest.
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
  readonly #stride: [number, number];
  readonly #padding: [number, number];
  readonly #dilation: [number, number];
  readonly #groups: number;
  readonly #is3x3: boolean;
  /** For evaluation without gradients. */
  readonly #transformed = new TransformedWeight();

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
    this.#stride = pair(stride);
    this.#padding = pair(padding);
    this.#dilation = pair(dilation);
    this.#groups = groups;
    const settings = [height, width, ...this.#stride, ...this.#padding, ...this.#dilation, groups].join();
    this.#is3x3 = settings === '3,3,1,1,1,1,1,1,1' && inputs % 16 === 0 && outputs % 16 === 0;
  }

  forward(x: Tensor): Tensor {
    if (
      ownKernels &&
      this.#is3x3 &&
      x.device === 'cpu' &&
      MAPS.has(x.dtype) &&
      this.weight.dtype === 'float32'
    ) {
      const keeps = !this.training && !isGradEnabled() && !isRecording();
      return conv3x3(x, this.weight, this.bias, keeps ? this.#transformed.of(this.weight) : null); // [B, Cout, H, W]
    }
    return conv2d(x, this.weight, this.bias, this.#stride, this.#padding, this.#dilation, this.#groups); // [B, Cout, H', W']
  }

  /** Also drops the transformed weight, which every training step outdates. */
  override train(on = true): this {
    if (on) this.#transformed.dispose();
    return super.train(on);
  }

  override dispose(): void {
    this.#transformed.dispose();
    super.dispose();
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
}

/** Where and how a run computes: device, threads and the layout of images in memory, from the configuration. */
import { availableParallelism } from 'node:os';
import {
  device,
  hasConv3x3,
  type MemoryFormat,
  nn,
  noGrad,
  scope,
  setDeterministic,
  setThreads,
  version,
} from '@reclmis/torch';
import { ReclmisError } from '@reclmis/core';
import type { Config } from './config.js';
import { type Precision, requirePrecision } from './precision.js';

/** The settled choices. */
export interface Engine {
  /** `cpu` or `cuda:N`. */
  readonly device: string;
  /** Of operators on the CPU. */
  readonly threads: number;
  readonly memoryFormat: MemoryFormat;
  /** What computes 3x3 convolutions. */
  readonly convolutions: nn.ConvolutionKernel;
  /** Of matrix products and convolutions. */
  readonly precision: Precision;
}

/**
 * Sets libtorch up for a configuration.
 * @throws DEVICE_MISSING, PRECISION_UNSUPPORTED
 */
export function prepareEngine(config: Pick<Config, 'device' | 'train'>): Engine {
  const place = device(config.device);
  const { precision } = config.train;
  requirePrecision(place, precision);
  const count = config.train.threads === 0 ? availableParallelism() : config.train.threads;
  setThreads(count);
  setDeterministic(config.train.deterministic);
  const convolutions = convolutionsFor(config.train.convolutions, place, precision);
  nn.setConvolutionKernel(convolutions);
  const memoryFormat = memoryFormatFor(config.train.memoryFormat, place, convolutions);
  return { device: place, threads: count, memoryFormat, convolutions, precision };
}

/**
 * `auto` is Winograd's algorithm on a CPU with AVX2 but not AVX-512, in fp32: 265 to 500 GFLOP/s against libtorch's 145 to 175 on the model's shapes.
 * libtorch's own kernels reach 290 to 490 with AVX-512, and round less.
 */
function convolutionsFor(
  setting: Config['train']['convolutions'],
  place: string,
  precision: Precision,
): nn.ConvolutionKernel {
  const possible = place === 'cpu' && precision === 'fp32' && hasConv3x3();
  if (setting === 'winograd' && !possible) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `train.convolutions: winograd needs fp32 on a CPU with AVX2 and FMA, got ${precision} on ${place}`,
    );
  }
  if (setting !== 'auto') return setting;
  return possible && !version().capability.startsWith('AVX512') ? 'winograd' : 'libtorch';
}

/**
 * `auto` is channels-last on a CPU with Winograd's algorithm or AVX-512, and contiguous elsewhere. Measured on 3x3 convolutions of the model's
 * shapes, libtorch's kernels, GFLOP/s forward / backward: channels-last 460 / 290 and more against 190 contiguous with AVX-512; 100 / 50 against
 * 155 / 125 with AVX2 alone, where libtorch 1.13's oneDNN has no fast channels-last kernels.
 */
function memoryFormatFor(
  setting: Config['train']['memoryFormat'],
  place: string,
  convolutions: nn.ConvolutionKernel,
): MemoryFormat {
  if (setting !== 'auto') return setting === 'channels-last' ? 'channelsLast' : 'contiguous';
  const suits = convolutions === 'winograd' || version().capability.startsWith('AVX512');
  return place === 'cpu' && suits ? 'channelsLast' : 'contiguous';
}

/** Moves a model to the engine's device and lays its 2-d convolutions' weights out as the images will be. */
export function settle(model: nn.Module, engine: Engine): void {
  model.to(engine.device);
  if (engine.memoryFormat === 'contiguous') return;
  noGrad(() =>
    scope(() => {
      for (const parameter of model.parameters()) {
        if (parameter.shape.length === 4)
          parameter.setData(parameter.contiguous({ memoryFormat: engine.memoryFormat }));
      }
    }),
  );
}

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
} from '@reclmis/torch';
import { ReclmisError } from '@reclmis/core';
import type { Config } from '../config/config.js';
import type { Precision } from '../config/precisions.js';
import { requirePrecision } from './precision.js';

/** The settled choices. */
export interface Engine {
  /** `cpu` or `cuda:N`. */
  readonly device: string;
  /** Threads of operators on the CPU. */
  readonly threads: number;
  readonly memoryFormat: MemoryFormat;
  /** What computes 3x3 convolutions. */
  readonly convolutions: nn.ConvolutionKernel;
  /** Precision of matrix products and convolutions. */
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
 * `auto` is Winograd's algorithm in fp32 and bf16 on a CPU with AVX2. A step of the paper's model took 0.73 s an image with it and 1.17 to 1.30 s with
 * libtorch's kernels in fp32, 0.44 and 0.50 to 0.63 s in bf16 on a processor with AVX-512 and bf16 (Zen 4), 0.90 and 2.06 s in fp32 on one without
 * (docs/measurements/performance.md).
 */
function convolutionsFor(
  setting: Config['train']['convolutions'],
  place: string,
  precision: Precision,
): nn.ConvolutionKernel {
  const possible = place === 'cpu' && precision !== 'fp16' && hasConv3x3();
  if (setting === 'winograd' && !possible) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `train.convolutions: winograd needs fp32 or bf16 on a CPU with AVX2 and FMA, got ${precision} on ${place}`,
    );
  }
  if (setting !== 'auto') return setting;
  return possible ? 'winograd' : 'libtorch';
}

/**
 * `auto` is channels-last with Winograd's algorithm, which reads it so, and on CUDA, whose matrix units do: a step of 32 took 2.13 ms an image there and
 * 2.92 ms contiguous in bf16, 2.87 and 3.27 ms in fp32 (H200). With libtorch's own kernels on a CPU it took 1.17 s an image contiguous and 1.30 s
 * channels-last in fp32, 0.61 and 0.69 s in bf16 (Zen 4), and AVX2 alone has no fast channels-last kernels in libtorch 1.13.
 */
function memoryFormatFor(
  setting: Config['train']['memoryFormat'],
  place: string,
  convolutions: nn.ConvolutionKernel,
): MemoryFormat {
  if (setting !== 'auto') return setting === 'channels-last' ? 'channelsLast' : 'contiguous';
  return place !== 'cpu' || convolutions === 'winograd' ? 'channelsLast' : 'contiguous';
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

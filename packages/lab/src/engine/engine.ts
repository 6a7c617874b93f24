/** Where and how a run computes: device, threads, memory layout. */
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

export interface Engine {
  /** `cpu` or `cuda:N`. */
  readonly device: string;
  /** For CPU operators. */
  readonly threads: number;
  readonly memoryFormat: MemoryFormat;
  /** For 3x3 convolutions. */
  readonly convolutions: nn.ConvolutionKernel;
  readonly precision: Precision;
}

/** Sets up libtorch. @throws DEVICE_MISSING, PRECISION_UNSUPPORTED */
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

/** `auto`: Winograd's in fp32 and bf16 on a CPU with AVX2 (docs/measurements/performance.md). */
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
 * `auto`: channels-last on CUDA and for Winograd's algorithm; libtorch's CPU kernels prefer contiguous
 * (docs/measurements/performance.md).
 */
function memoryFormatFor(
  setting: Config['train']['memoryFormat'],
  place: string,
  convolutions: nn.ConvolutionKernel,
): MemoryFormat {
  if (setting !== 'auto') return setting === 'channels-last' ? 'channelsLast' : 'contiguous';
  return place !== 'cpu' || convolutions === 'winograd' ? 'channelsLast' : 'contiguous';
}

/** Lays out the weights of 2-d convolutions like the images. */
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

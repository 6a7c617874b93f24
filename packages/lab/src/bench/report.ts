/** Times are in seconds, rates in GFLOP/s. */
import { memory, type Flops, type OperatorTime } from '@reclmis/torch';
import type { Config, ModelConfig } from '../config/config.js';
import type { Engine } from '../engine/engine.js';
import { currentVersions, type RunInfo } from '../run/run.js';
import type { PhaseSeconds } from './clock.js';
import type { Peak } from './peak.js';
import { type Spread, spread } from '../statistics.js';

export interface BenchOptions {
  /** Default 10. */
  readonly steps?: number;
  /** Not counted; default 2, at least 1. */
  readonly warmup?: number;
  /** Measure the machine's peak first; default true. */
  readonly peak?: boolean;
  /** Time operators, by name or by name and shapes, in one more step. */
  readonly profile?: 'operator' | 'shape' | null;
  /** Including warm-up. */
  readonly onStep?: (done: number, of: number) => void;
}

/** Most self time first. */
export interface PhaseProfile {
  readonly phase: string;
  readonly operators: readonly OperatorTime[];
}

export interface BenchReport {
  readonly kind: 'train' | 'infer';
  readonly versions: RunInfo['versions'];
  readonly engine: Engine;
  readonly model: {
    readonly name: ModelConfig['name'];
    readonly baseWidth: number;
    readonly imageSize: number;
    /** RecLMIS only; null for others. */
    readonly layers: number | null;
    readonly variant: string | null;
    readonly trainableParameters: number;
    /** Null for training. */
    readonly inferenceParameters: number | null;
    /** The model's untrained ones, and the note encoder's if its features are read; null for training. */
    readonly frozenParameters: number | null;
  };
  readonly data: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly secondsPerImage: Spread;
  /** From the median. */
  readonly imagesPerSecond: number;
  /** Medians, in order; their sum need not be the median step. */
  readonly secondsPerPhase: PhaseSeconds;
  /** Null if no data were read. */
  readonly waitShare: number | null;
  readonly memory: {
    /** Since the warm-up, in CPU tensors. */
    readonly peakTensorBytes: number;
    /** Held by the process, ever. */
    readonly peakResidentBytes: number;
  };
  /** Products and convolutions; a multiply-add is two. */
  readonly flops: {
    readonly forwardPerImage: number;
    /** For inference forward only. */
    readonly stepPerImage: number;
    /** Parts of `stepPerImage`. */
    readonly convolutionPerImage: number;
    readonly matrixProductPerImage: number;
  };
  /** `flops.stepPerImage` over the median time. */
  readonly achieved: number;
  /** Null if not measured. */
  readonly peak: Peak | null;
  /** Over the convolutions' peak; null if not measured. */
  readonly shareOfPeak: number | null;
  readonly profile: readonly PhaseProfile[] | null;
}

export interface Measured {
  readonly kind: BenchReport['kind'];
  readonly config: Config;
  readonly engine: Engine;
  readonly trainableParameters: number;
  readonly inferenceParameters: number | null;
  readonly frozenParameters: number | null;
  readonly data: string;
  readonly secondsPerImage: readonly number[];
  readonly secondsPerPhase: PhaseSeconds;
  readonly waitShare: number | null;
  /** For a whole batch. */
  readonly flops: Flops;
  readonly peak: Peak | null;
  readonly profile: readonly PhaseProfile[] | null;
}

export function report(measured: Measured): BenchReport {
  const { kind, config, engine, flops, peak } = measured;
  const { trainableParameters, inferenceParameters, frozenParameters } = measured;
  const { batchSize } = config.train;
  const { name, baseWidth, imageSize } = config.model;
  const { layers, variant } = name === 'reclmis' ? config.model : { layers: null, variant: null };
  const times = spread(measured.secondsPerImage);
  const stepPerImage = (flops.forward + (kind === 'train' ? flops.backward : 0)) / batchSize;
  const achieved = stepPerImage / times.median / 1e9;
  return {
    kind,
    versions: currentVersions(),
    engine,
    model: {
      name,
      baseWidth,
      imageSize,
      layers,
      variant,
      trainableParameters,
      inferenceParameters,
      frozenParameters,
    },
    data: measured.data,
    batchSize,
    steps: measured.secondsPerImage.length,
    secondsPerImage: times,
    imagesPerSecond: 1 / times.median,
    secondsPerPhase: measured.secondsPerPhase,
    waitShare: measured.waitShare,
    memory: {
      peakTensorBytes: memory(engine.device).peakBytes,
      peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    },
    flops: {
      forwardPerImage: flops.forward / batchSize,
      stepPerImage,
      convolutionPerImage: flops.kinds.convolution / batchSize,
      matrixProductPerImage: flops.kinds.matrixProduct / batchSize,
    },
    achieved,
    peak,
    shareOfPeak: peak ? achieved / peak.convolution.best : null,
    profile: measured.profile,
  };
}

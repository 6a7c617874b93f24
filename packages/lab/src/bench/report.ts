/** What a measurement reports, for training and inference alike. Every time is in seconds, every rate in GFLOP/s. */
import { memory, type Flops, type OperatorTime } from '@reclmis/torch';
import type { Config, ModelConfig } from '../config/config.js';
import type { Engine } from '../engine/engine.js';
import { currentVersions, type RunInfo } from '../run/run.js';
import type { PhaseSeconds } from './clock.js';
import type { Peak } from './peak.js';
import { type Spread, spread } from '../statistics.js';

/** How long and what to measure. */
export interface BenchOptions {
  /** Measured steps; default 10. */
  readonly steps?: number;
  /** Steps before them that are not counted; default 2, least 1. */
  readonly warmup?: number;
  /** Whether to measure what the machine can do first; default true. */
  readonly peak?: boolean;
  /** Also time operators, in one further step: by name, or by name and shapes. */
  readonly profile?: 'operator' | 'shape' | null;
  /** Told of each step with the number of those done, warm-up included, and of all. */
  readonly onStep?: (done: number, of: number) => void;
}

/** Operators of one phase, most self time first. */
export interface PhaseProfile {
  readonly phase: string;
  readonly operators: readonly OperatorTime[];
}

/** Figures of a measurement. */
export interface BenchReport {
  readonly kind: 'train' | 'infer';
  readonly versions: RunInfo['versions'];
  readonly engine: Engine;
  readonly model: {
    readonly name: ModelConfig['name'];
    readonly baseWidth: number;
    readonly imageSize: number;
    /** RecLMIS's alone; null for its peers. */
    readonly layers: number | null;
    readonly variant: string | null;
    readonly trainableParameters: number;
    /** That the inference graph reads; null where training was measured. */
    readonly inferenceParameters: number | null;
  };
  readonly data: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly secondsPerImage: Spread;
  /** From the median. */
  readonly imagesPerSecond: number;
  /** Median time of each phase, in order; the sum need not equal the median step. */
  readonly secondsPerPhase: PhaseSeconds;
  /** Share of the measured time spent waiting for data; null where nothing was read. */
  readonly waitShare: number | null;
  readonly memory: {
    /** Most that tensors took at a time on the CPU since the warm-up. */
    readonly peakTensorBytes: number;
    /** Most that the process ever held, with all that libraries and Node take. */
    readonly peakResidentBytes: number;
  };
  /** A multiplication and an addition are two; products and convolutions alone. */
  readonly flops: {
    readonly forwardPerImage: number;
    /** Forward and backward; the forward alone for inference. */
    readonly stepPerImage: number;
    /** Parts of `stepPerImage`. */
    readonly convolutionPerImage: number;
    readonly matrixProductPerImage: number;
  };
  /** `flops.stepPerImage` over the median time. */
  readonly achieved: number;
  /** Null where it was not measured. */
  readonly peak: Peak | null;
  /** `achieved` over the peak of convolutions; null as above. */
  readonly shareOfPeak: number | null;
  readonly profile: readonly PhaseProfile[] | null;
}

/** What the two kinds of measurement hand in. */
export interface Measured {
  readonly kind: BenchReport['kind'];
  readonly config: Config;
  readonly engine: Engine;
  readonly trainableParameters: number;
  readonly inferenceParameters: number | null;
  readonly data: string;
  readonly secondsPerImage: readonly number[];
  readonly secondsPerPhase: PhaseSeconds;
  readonly waitShare: number | null;
  /** FLOPs of a batch. */
  readonly flops: Flops;
  readonly peak: Peak | null;
  readonly profile: readonly PhaseProfile[] | null;
}

export function report(measured: Measured): BenchReport {
  const { kind, config, engine, flops, peak, trainableParameters, inferenceParameters } = measured;
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
    model: { name, baseWidth, imageSize, layers, variant, trainableParameters, inferenceParameters },
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

/** A plan for this machine: its memory where none is named, and the time of a step measured where a time limit asks for it. */
import { totalmem } from 'node:os';
import { benchTrain } from '../bench/index.js';
import { loadConfig } from '../config/config.js';
import type { Fingerprint } from './fingerprint.js';
import { type Plan, type PlanLimits, propose } from './propose.js';

export interface PlanForOptions extends Omit<PlanLimits, 'memoryBytes'> {
  /** Default: 80 % of this machine's. */
  readonly memoryBytes?: number;
  /** Called after each step that is timed. */
  readonly onStep?: (done: number, total: number) => void;
}

/** Share of the machine's memory to plan for by default. */
const SHARE_OF_MACHINE = 0.8;
/** Most images at once while a step is timed: enough for its time per image. */
const TIMED_IMAGES = 8;
/** Settings on which the time of a step depends. */
const DECISIVE = [
  'model.baseWidth',
  'model.imageSize',
  'model.layers',
  'text.contextLength',
  'train.precision',
];

/**
 * The plan for a data set.
 * @returns also the seconds per image that it reckons with: as given, or as measured; absent where no time limit needs them.
 * @throws as `propose`
 */
export async function planFor(
  fingerprint: Fingerprint,
  { memoryBytes = SHARE_OF_MACHINE * machineMemory(), onStep, ...rest }: PlanForOptions,
): Promise<{ readonly plan: Plan; readonly secondsPerImage?: number }> {
  const { minutes, secondsPerImage: given, ...limits } = rest;
  const plan = propose(fingerprint, { ...limits, memoryBytes });
  if (minutes === undefined) return given === undefined ? { plan } : { plan, secondsPerImage: given };
  const secondsPerImage = given ?? (await measureStep(plan, onStep));
  return {
    plan: propose(fingerprint, { ...limits, memoryBytes, minutes, secondsPerImage }),
    secondsPerImage,
  };
}

/** Memory of this machine or of the container that the process runs in, bytes. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Seconds per image of a training step as it is planned, on made images. */
async function measureStep(plan: Plan, onStep: PlanForOptions['onStep']): Promise<number> {
  const overrides = Object.fromEntries(
    plan.settings.filter(({ path }) => DECISIVE.includes(path)).map(({ path, value }) => [path, value]),
  );
  const config = loadConfig(undefined, {
    ...overrides,
    'text.encoder': 'words',
    'train.batchSize': Math.min(plan.part, TIMED_IMAGES),
  });
  const { secondsPerImage } = await benchTrain(config, {
    ...{ steps: 2, warmup: 1, peak: false },
    ...(onStep && { onStep }),
  });
  return secondsPerImage.median;
}

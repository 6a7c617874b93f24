/** A plan for this machine: its memory unless given, and a step's time if a time limit needs it. */
import { totalmem } from 'node:os';
import { benchTrain } from '../bench/index.js';
import { loadConfig } from '../config/config.js';
import type { Fingerprint } from './fingerprint.js';
import { isWidth } from './width.js';
import { type Plan, type PlanLimits, propose } from './propose.js';

export interface PlanForOptions extends Omit<PlanLimits, 'memoryBytes'> {
  /** Default: 80 % of this machine's. */
  readonly memoryBytes?: number;
  readonly onStep?: (done: number, total: number) => void;
}

const SHARE_OF_MACHINE = 0.8;
/** Enough for the time per image. */
const TIMED_IMAGES = 8;
/** A step's time depends on them. */
const DECISIVE = [
  'model.baseWidth',
  'model.imageSize',
  'model.layers',
  'text.contextLength',
  'train.precision',
];

/** @returns also the seconds per image, given or measured (of the chosen width), if a time limit needs them @throws as `propose` */
export async function planFor(
  fingerprint: Fingerprint,
  { memoryBytes = SHARE_OF_MACHINE * machineMemory(), onStep, ...rest }: PlanForOptions,
): Promise<{ readonly plan: Plan; readonly secondsPerImage?: number }> {
  const { minutes, secondsPerImage: given, ...asked } = rest;
  const limits = { ...asked, memoryBytes };
  const widest = propose(fingerprint, limits);
  if (minutes === undefined)
    return given === undefined ? { plan: widest } : { plan: widest, secondsPerImage: given };
  const secondsPerImage = given ?? (await measureStep(widest, onStep));
  const plan = propose(fingerprint, { ...limits, minutes, secondsPerImage });
  const width = widthOf(plan);
  if (given !== undefined || width === widthOf(widest) || !isWidth(width)) return { plan, secondsPerImage };
  // Widths were compared by measured ratios; epochs want the time of the one chosen, on this machine.
  const own = await measureStep(plan, onStep);
  const exact = propose(fingerprint, { ...limits, width, minutes, secondsPerImage: own });
  const settings = exact.settings.map((one) =>
    one.path === WIDTH ? (plan.settings.find(({ path }) => path === WIDTH) ?? one) : one,
  );
  return { plan: { ...exact, settings }, secondsPerImage: own };
}

const WIDTH = 'model.baseWidth';
const widthOf = ({ settings }: Plan): number => Number(settings.find(({ path }) => path === WIDTH)?.value);

/** Bytes; a container's, if the process runs in one. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Times a step on synthetic images. */
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

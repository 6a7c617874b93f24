/**
 * Proposes a configuration for a fingerprint, each setting with its reason (docs/reference/planning.md). If
 * the data say nothing, the paper's value stays (docs/method.md 9).
 */
import { defined, ReclmisError, sidesWarnings } from '@reclmis/core';
import { defaultCacheBytes } from '@reclmis/data';
import type { Precision } from '../config/precisions.js';
import type { Fingerprint } from './fingerprint.js';
import { type PlanTarget, type Width, WIDEST, WIDTHS, widthForTime } from './width.js';
import { cacheBytes, largestPart, type ModelShape, peakTensorBytes, residentBytes } from './memory.js';

export interface Proposal {
  readonly path: string;
  readonly value: string | number | readonly number[];
  readonly reason: string;
}

export interface Plan {
  readonly settings: readonly Proposal[];
  /** For the user. */
  readonly notices: readonly string[];
  /** At once. */
  readonly part: number;
  /** Expected bytes: a step's tensors, decoded cases, and the process with both. */
  readonly memory: {
    readonly tensors: number;
    readonly cached: number;
    readonly process: number;
    readonly limit: number;
  };
}

export interface PlanLimits {
  /** For the process. */
  readonly memoryBytes: number;
  readonly precision: Precision;
  /** For decoded cases; default: the loader's limit (`data/cache.ts`). */
  readonly cacheBytes?: number;
  /** For the whole training; needs `secondsPerImage`. */
  readonly minutes?: number;
  /** A training step's time, by `reclmis bench train`. */
  readonly secondsPerImage?: number;
  /** Decides the widest model; default `accuracy`. */
  readonly target?: PlanTarget;
  /** That `secondsPerImage` is of; default: the widest that target and memory allow, from which time chooses. */
  readonly width?: Width;
}

/** Section 4.2. */
const PAPER = { side: 224, layers: 3, batch: 32, lr: 3e-4, patience: 50, epochs: 500 };
/** 200 epochs of QaTa-COV19. */
const SEEN = 200 * 5713;
/** What an area or nucleus keeps at the model's size: a quarter of a patch's side, squared. */
const AREA_PIXELS = 16;
const SIDES = [32, 1024] as const;
const TOKENS = 77;
/** Reading, checkpoints and figures take the rest. */
const USED_TIME = 0.95;
/** Forward only: a third of a step's arithmetic (docs/measurements/performance.md). */
const VALIDATION = 1 / 3;
/** Below, more and smaller steps are better (configs/qata-cov19-1k.yaml). */
const FEW_STEPS = 1000;
/** Below, nothing overfits, and augmentation slows training (configs/qata-cov19-1k.yaml). */
const FEW_EPOCHS = 10;

/** Steps as in configs/monuseg-hour.yaml, and the smallest batch for them. */
const STEPS_OF_EPOCH = 6;
const LEAST_BATCH = 4;

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const up = (value: number, step: number): number => Math.ceil(value / step) * step;

/** @throws OPTION_INVALID if the smallest model exceeds the memory. */
export function propose(fingerprint: Fingerprint, limits: PlanLimits): Plan {
  const tokens = contextLength(fingerprint);
  const side = imageSize(fingerprint);
  const cached = (imageSize: number): number => cachedOf(fingerprint, imageSize, limits);
  const training = fingerprint.cases.train ?? 0;
  const validation = fingerprint.cases.val ?? 0;
  const fitted = fit(side.value, tokens.value, limits, cached);
  const timed = timedWidth(fitted.shape.baseWidth, training, validation, limits);
  const shape = { ...fitted.shape, baseWidth: timed.width };
  const widthReason = timed.reason ?? fitted.reason;
  const schedule = course(training, validation, {
    ...limits,
    ...defined({ secondsPerImage: timed.seconds }),
  });
  const { memoryBytes, precision } = limits;
  const kept = cached(shape.imageSize);
  const part = largestPart(shape, precision, memoryBytes - kept, schedule.batch);
  const accumulate = Math.ceil(schedule.batch / part);
  const held = Math.ceil(schedule.batch / accumulate);
  const tensors = peakTensorBytes(shape, held, precision);
  const narrow = shape.baseWidth < 32;
  const few = schedule.epochs < FEW_EPOCHS;
  const smallBatch = schedule.batch < 16;
  const steps = schedule.epochs * Math.ceil(training / schedule.batch);
  const settings: Proposal[] = [
    { path: 'model.baseWidth', value: shape.baseWidth, reason: widthReason },
    {
      path: 'model.imageSize',
      value: shape.imageSize,
      reason:
        shape.imageSize === side.value
          ? side.reason
          : `the most that ${gib(memoryBytes)} can hold; without that limit ${side.value}: ${side.reason}`,
    },
    { path: 'model.layers', value: PAPER.layers, reason: "best of the paper's ablation of 1 to 10" },
    {
      path: 'text.encoder',
      value: fingerprint.notes.encoder,
      reason: 'the encoder whose tokens were counted; its weights are on this machine, or it needs none',
    },
    { path: 'text.contextLength', ...tokens },
    { path: 'note.sides', value: fingerprint.notes.sides.sides, reason: fingerprint.notes.sides.reason },
    ...(fingerprint.patients.pattern === ''
      ? []
      : [
          {
            path: 'data.group',
            value: fingerprint.patients.pattern,
            reason: `as given: it identifies the patient of ${fingerprint.patients.named} cases`,
          },
        ]),
    { path: 'train.epochs', value: schedule.epochs, reason: schedule.epochsReason },
    { path: 'train.batchSize', value: schedule.batch, reason: schedule.batchReason },
    {
      path: 'train.accumulate',
      value: accumulate,
      reason:
        `${held} images per batch take ${gib(tensors)} of tensors in ${precision}, ${gib(residentBytes(tensors) + kept)} in total, ` +
        `of ${gib(memoryBytes)}; ${part} would fit`,
    },
    { path: 'train.precision', value: precision, reason: 'as asked; fp32 runs everywhere' },
    {
      path: 'train.lr',
      value: narrow ? 1e-3 : PAPER.lr,
      reason: narrow ? 'narrow networks take larger steps (configs/phantom.yaml)' : "the paper's",
    },
    {
      path: 'train.schedule',
      value: 'cosine',
      reason: "the paper's; stepped per batch, so it anneals to the end of a run of any length",
    },
    {
      path: 'train.warmupSteps',
      value: smallBatch ? Math.min(50, Math.ceil(steps / 10)) : 0,
      reason: smallBatch ? `Adam's first steps on batches of ${schedule.batch} are noisy` : "the paper's",
    },
    {
      path: 'train.patience',
      value: schedule.epochs > PAPER.patience ? PAPER.patience : 0,
      reason:
        schedule.epochs > PAPER.patience ? "as in LViT's code" : 'a run this short completes its schedule',
    },
    ...augmentation(fingerprint, few),
  ];
  return {
    settings,
    notices: [...schedule.notices, ...noticesOf(fingerprint)],
    part: held,
    memory: { tensors, cached: kept, process: residentBytes(tensors) + kept, limit: memoryBytes },
  };
}

/** T: all notes fit, unless a few are far longer. */
function contextLength({ notes }: Fingerprint): { value: number; reason: string } {
  const { max, p99 } = notes.tokens;
  const most = up(Math.max(2, p99), 2);
  const whole = up(Math.max(2, max), 2);
  const value = whole <= TOKENS && whole <= 1.5 * most ? whole : Math.min(TOKENS, most);
  const share =
    value >= max ? 1 : Math.max(0, ...notes.fits.map((one) => (one.tokens <= value ? one.share : 0)));
  const counted = `${notes.encoder} counts ${notes.tokens.min} to ${max} tokens a note`;
  return value >= max
    ? { value, reason: `holds every note: ${counted}` }
    : { value, reason: `${counted}, and ${percent(share)} of the notes fit; the rest lose their last words` };
}

/** S, before memory is considered. */
function imageSize({ images, masks }: Fingerprint): { value: number; reason: string } {
  const clamp = (side: number): number => Math.min(SIDES[1], Math.max(SIDES[0], side));
  const own = clamp(up(images.side.median - 8, 16)); // to the nearest multiple of 16
  if (own <= PAPER.side) {
    return {
      value: own,
      reason: `the images' own size: a median side of ${Math.round(images.side.median)} pixels`,
    };
  }
  const median = masks.areaShare?.median;
  const needed = median === undefined ? PAPER.side : clamp(up(Math.sqrt(AREA_PIXELS / median), 16));
  const value = Math.min(own, Math.max(PAPER.side, needed));
  const kept =
    median === undefined ? '' : `, where the median area covers ${Math.round(median * value * value)} pixels`;
  return {
    value,
    reason:
      value === PAPER.side ? `the paper's${kept}` : `the paper's 224 would keep too little detail${kept}`,
  };
}

/** The widest model at the largest side with room for two images; of the given width, if any. */
function fit(
  side: number,
  tokens: number,
  { memoryBytes, precision, target = 'accuracy', width }: PlanLimits,
  cached: (side: number) => number,
): { shape: ModelShape & { readonly baseWidth: Width }; reason: string } {
  const widest = WIDEST[target];
  const widths = WIDTHS.filter((one) =>
    width === undefined ? one <= widest.width && one >= 16 : one === width,
  );
  const sides = [side, ...[PAPER.side, 160, 112, 96, 64, 32].filter((one) => one < side)];
  for (const imageSize of sides) {
    for (const baseWidth of widths) {
      const shape = { baseWidth, imageSize, layers: PAPER.layers, contextLength: tokens };
      if (largestPart(shape, precision, memoryBytes - cached(imageSize), 2) < 2) continue;
      const reason =
        baseWidth === widest.width
          ? widest.reason
          : `the most that ${gib(memoryBytes)} can hold with two images per batch; ${widest.width} is ${widest.reason}`;
      return { shape, reason };
    }
  }
  const least = { baseWidth: 16, imageSize: SIDES[0], layers: PAPER.layers, contextLength: tokens };
  const needed = residentBytes(peakTensorBytes(least, 2, precision)) + cached(SIDES[0]);
  throw new ReclmisError(
    'OPTION_INVALID',
    `--memory: expected at least ${gib(needed)}, which the smallest model needs, got ${gib(memoryBytes)}`,
  );
}

/** With the seconds per image at that width, if given. */
function timedWidth(
  widest: Width,
  training: number,
  validation: number,
  { minutes, secondsPerImage, width }: PlanLimits,
): { readonly width: Width; readonly seconds?: number | undefined; readonly reason: string | null } {
  if (minutes === undefined || secondsPerImage === undefined || width !== undefined)
    return { width: widest, seconds: secondsPerImage, reason: null };
  const most = usualEpochs(training);
  if (affordable(training, validation, minutes, secondsPerImage).epochs >= most)
    return { width: widest, seconds: secondsPerImage, reason: null }; // time takes nothing away
  return widthForTime(
    widest,
    secondsPerImage,
    (seconds) => training * Math.min(most, affordable(training, validation, minutes, seconds).epochs),
  );
}

const usualEpochs = (training: number): number =>
  Math.min(PAPER.epochs, Math.max(1, Math.round(SEEN / training)));

/** Whole epochs, and the seconds of one. */
function affordable(
  training: number,
  validation: number,
  minutes: number,
  secondsPerImage: number,
): { readonly epochs: number; readonly perEpoch: number } {
  const perEpoch = (training + validation * VALIDATION) * secondsPerImage;
  return { epochs: Math.floor((60 * minutes * USED_TIME) / perEpoch), perEpoch };
}

/** Bytes kept by both splits' loaders. */
function cachedOf(
  { cases, images }: Fingerprint,
  side: number,
  { cacheBytes: limit = defaultCacheBytes() }: PlanLimits,
): number {
  const total = Object.values(cases).reduce((sum, count) => sum + count, 0);
  const of = (count = 0): number => cacheBytes(count, side, images.grey === total, limit);
  return of(cases.train) + of(cases.val);
}

interface Course {
  readonly epochs: number;
  readonly epochsReason: string;
  readonly batch: number;
  readonly batchReason: string;
  readonly notices: readonly string[];
}

function course(training: number, validation: number, { minutes, secondsPerImage }: PlanLimits): Course {
  let epochs = usualEpochs(training);
  let epochsReason =
    epochs === PAPER.epochs
      ? `the paper's for small data sets; patience may end the run earlier`
      : `${training} cases seen ${epochs === 1 ? 'once' : `${epochs} times`}: as many as the paper's 200 epochs of QaTa-COV19`;
  const notices: string[] = [];
  if (minutes !== undefined && secondsPerImage !== undefined) {
    const { epochs: most, perEpoch } = affordable(training, validation, minutes, secondsPerImage);
    if (most < epochs) {
      epochs = Math.max(1, most);
      epochsReason = `what fits into ${minutes} minutes at ${secondsPerImage.toFixed(3)} s per image, ${(perEpoch / 60).toFixed(1)} min an epoch`;
    }
    if (most < 1) {
      notices.push(
        `One epoch takes ${(perEpoch / 60).toFixed(0)} minutes, more than the ${minutes} requested: use fewer cases (data.trainStems) or more minutes.`,
      );
    }
  }
  let batch = PAPER.batch;
  while (batch > LEAST_BATCH && batch * STEPS_OF_EPOCH > training) batch /= 2;
  const ofEpoch = Math.ceil(training / batch);
  let batchReason =
    batch === PAPER.batch
      ? "the paper's"
      : ofEpoch < STEPS_OF_EPOCH
        ? `the smallest that is proposed; it gives ${plural(ofEpoch, 'step')} in an epoch of ${plural(training, 'case')}`
        : `at least six steps in an epoch of ${training} cases`;
  const steps = (size: number): number => epochs * Math.ceil(training / size);
  if (steps(batch) < FEW_STEPS && batch > LEAST_BATCH) {
    while (batch > LEAST_BATCH && steps(batch) < FEW_STEPS) batch /= 2;
    batchReason = `smaller than the paper's: it gives ${plural(steps(batch), 'step')} in ${plural(epochs, 'epoch')}, and with so few, the number of steps matters more than their size`;
  }
  return { epochs, epochsReason, batch, batchReason, notices };
}

function augmentation({ images, notes, cases }: Fingerprint, few: boolean): Proposal[] {
  if (few) {
    return [
      {
        path: 'augment.mode',
        value: 'none',
        reason: `so few epochs do not overfit, and augmentation slows the first ones`,
      },
    ];
  }
  const total = Object.values(cases).reduce((sum, count) => sum + count, 0);
  const mode: Proposal = {
    path: 'augment.mode',
    value: 'consistent',
    reason:
      notes.namingPlaces === 0
        ? 'no note names a place, so images are turned and flipped'
        : `${percent(notes.namingSides)} of the notes name a side, ${percent(notes.namingPlaces)} a place: their images are mirrored with the note, never turned`,
  };
  if (images.grey === total) {
    const reason = 'all images are grey: nothing to change';
    return [
      mode,
      { path: 'augment.saturation', value: [1, 1], reason },
      { path: 'augment.hueDegrees', value: 0, reason },
    ];
  }
  return [
    mode,
    {
      path: 'augment.hueDegrees',
      value: 36,
      reason: `the paper's photometric changes: ${total - images.grey} of ${total} images have colour`,
    },
  ];
}

function noticesOf({ masks, notes, duplicates, patients, cases }: Fingerprint): string[] {
  const total = Object.values(cases).reduce((sum, count) => sum + count, 0);
  const lines: string[] = [];
  for (const { splits, count } of patients.across) {
    lines.push(
      `${count} patients are in both ${splits.join(' and ')}: scores on ${splits[1]} flatter` +
        (splits[1] === 'val' ? ' (--folds N --fold K splits train and val again, by patient).' : '.'),
    );
  }
  for (const { splits, count } of duplicates.across)
    lines.push(`${count} pictures are in both ${splits.join(' and ')}, identical pixel by pixel.`);
  if (duplicates.within > 0)
    lines.push(`${duplicates.within} pictures repeat another of their split, pixel by pixel.`);
  if (patients.named === 0 && total > 0)
    lines.push('No file name identifies a patient (use --group REGEX), so every case counts as one.');
  if (masks.empty > 0)
    lines.push(
      `${masks.empty} masks are empty; on them Dice is 1 for an empty prediction and 0 for any other.`,
    );
  for (const { split, share, words } of notes.unknown) {
    if (share > 0)
      lines.push(
        `${percent(share)} of the words of ${split} notes are not in the training notes: ${words.slice(0, 5).join(', ')}${words.length > 5 ? ', ...' : ''}.`,
      );
  }
  for (const { code, message } of sidesWarnings(notes.sides)) lines.push(`${code}: ${message}.`);
  if (notes.sides.sides === 'unknown' && notes.namingSides > 0)
    lines.push(
      'It is not known whose left and right the notes mean: set note.sides to patient or image if you know.',
    );
  if (notes.repeats.distinct < 10 && total >= 50)
    lines.push(
      `There are only ${notes.repeats.distinct} different notes: the model can learn little from them.`,
    );
  if ((cases.val ?? 0) === 0) lines.push('There is no validation split; training needs one.');
  return lines;
}

/** The masks of a batch: of each case's note, or of classes. */
import {
  ClassVote,
  type Confidence,
  type ConfidenceCalibration,
  confidenceAt,
  type ErrorCode,
  type PlaneSegmenter,
  type ResultChecks,
  type SegmentClass,
  sharedThreshold,
  type StatedSides,
  threshold,
  type Warning,
} from '@reclmis/core';
import { Asking, eachOnce, noteWarnings, wordedFor } from './ask.js';
import type { ReadCase } from './batches.js';
import type { FailedEntry } from './journal.js';
import type { ModelNotes } from './model-notes.js';
import type { Segmented, SegmentedClass } from './outputs.js';
import type { ModelIdentity } from './segmenter.js';

export interface BatchPlan {
  readonly segmenter: PlaneSegmenter | readonly PlaneSegmenter[];
  readonly model: ModelIdentity;
  readonly notes?: Pick<ModelNotes, 'identity' | 'of'>;
  readonly checks?: readonly ResultChecks[];
  readonly classes?: readonly SegmentClass[];
  /** Predicts the Dice of a single segmenter's masks at its threshold, of notes alone; default: none is predicted. */
  readonly confidence?: ConfidenceCalibration | null;
}

export interface Checked extends ReadCase, Segmented {
  readonly warnings: readonly Warning[];
  readonly confidence?: Confidence;
}

export interface SegmentedBatch {
  readonly segmented: Checked[];
  readonly broken: FailedEntry[];
}

/** The model's work on a batch. It gives what is left to do, which needs no model. */
export type AskBatch = () => Promise<() => SegmentedBatch>;

/**
 * Brings a batch's images to the models' sizes, so that a model need not wait for that when it is free.
 * @param keep whether classes' probabilities are wanted
 */
export function openBatch(plan: BatchPlan, items: readonly ReadCase[], keep: boolean): AskBatch {
  const segmenters = [plan.segmenter].flat();
  const cut = sharedThreshold(segmenters);
  const asking = items.length === 0 ? null : new Asking(segmenters, items, plan.checks ?? []);
  return async () => {
    if (asking === null) return () => ({ segmented: [], broken: [] });
    try {
      if (plan.classes) {
        const found = await askClasses(plan, plan.classes, items, asking, cut, keep);
        return () => found;
      }
      const answers = await asking.about(items.map(({ one }) => one.note));
      return () => judgeOnce(plan, items, asking, answers, cut);
    } finally {
      asking.dispose();
    }
  };
}

function judgeOnce(
  { model, segmenter, checks = [], notes, confidence: fitted }: BatchPlan,
  items: readonly ReadCase[],
  asking: Asking,
  answers: readonly Float32Array[],
  cut: number,
): SegmentedBatch {
  const segmented: Checked[] = [];
  const broken: FailedEntry[] = [];
  const size = [segmenter].flat()[0]?.size ?? 0;
  const opinions = asking.opinions(answers);
  for (const [b, item] of items.entries()) {
    const opinion = opinions[b];
    if (!opinion) continue;
    if ('wrong' in opinion) {
      broken.push(failure(model, item, opinion.wrong));
      continue;
    }
    const { probability, map } = opinion;
    const { width, height } = item.image;
    const mask = threshold(probability, width, height, cut);
    const { note } = item.one;
    const read = notes?.of(note);
    const worded = wordedFor(note, read);
    const ofImage = asking.imageWarnings(b);
    const warnings = [
      ...noteWarnings(note, read, checks),
      ...ofImage,
      ...clinicalWarnings(item, checks, worded, read?.sides ?? 'unknown'),
      ...checks.flatMap((one, i) => one.mask(mask, worded(i), read?.sides ?? 'unknown')),
    ];
    const judged =
      fitted?.threshold === cut && map ? { confidence: confidenceAt(fitted, map, 0, size, ofImage) } : {};
    segmented.push({ ...item, probability, mask, warnings: eachOnce(warnings), ...judged });
  }
  return { segmented, broken };
}

/** One class after the other, so only one's probabilities are in memory unless they are kept. */
async function askClasses(
  { model, checks = [], notes }: BatchPlan,
  classes: readonly SegmentClass[],
  items: readonly ReadCase[],
  asking: Asking,
  cut: number,
  keep: boolean,
): Promise<SegmentedBatch> {
  const votes = items.map(({ image }) => new ClassVote(image.width, image.height));
  const kept = items.map((): Float32Array[] => []);
  const said = items.map(({ clinical }): Warning[] => [...(clinical?.warnings ?? [])]);
  const wrong = new Map<number, string>();
  for (const one of classes) {
    const read = notes?.of(one.note);
    const worded = wordedFor(one.note, read);
    const ofNote = noteWarnings(one.note, read, checks);
    const opinions = asking.opinions(await asking.about(items.map(() => one.note)));
    for (const [b, opinion] of opinions.entries()) {
      if (!opinion) continue;
      if ('wrong' in opinion) {
        wrong.set(b, `${opinion.wrong} for the class ${one.name}`);
        continue;
      }
      const { width, height } = items[b]!.image;
      const { probability } = opinion;
      votes[b]?.add(probability, one.threshold ?? cut);
      // The whole answer to the note, with what another class may win. That a class is absent is no warning.
      const answer = threshold(probability, width, height, one.threshold ?? cut);
      const ofMask = checks
        .flatMap((check, i) => check.mask(answer, worded(i), read?.sides ?? 'unknown'))
        .filter(({ code }) => code !== 'MASK_EMPTY');
      for (const warning of [...ofNote, ...ofMask])
        said[b]?.push({ ...warning, message: `${one.name}: ${warning.message}` });
      if (keep) kept[b]?.push(probability);
    }
  }
  const segmented: Checked[] = [];
  const broken: FailedEntry[] = [];
  for (const [b, item] of items.entries()) {
    const vote = votes[b];
    const why = wrong.get(b);
    if (!item.wanted || !vote) continue;
    if (why !== undefined) {
      broken.push(failure(model, item, why));
      continue;
    }
    const each = classes.map((one, c): SegmentedClass => ({
      class: { ...one, threshold: one.threshold ?? cut },
      mask: vote.mask(c),
      claimed: vote.claimed(c),
      probability: kept[b]?.[c] ?? null,
    }));
    const labels = vote.labels(classes.map(({ label }) => label));
    segmented.push({
      ...item,
      probability: null,
      mask: { ...labels, data: labels.data.map((label) => (label === 0 ? 0 : 1)) },
      classes: { labels, each },
      warnings: eachOnce([...asking.imageWarnings(b), ...(said[b] ?? [])]),
    });
  }
  return { segmented, broken };
}

/** What a DICOM or NIfTI file gives rise to. */
function clinicalWarnings(
  { clinical }: ReadCase,
  checks: readonly ResultChecks[],
  worded: (model: number) => string,
  sides: StatedSides,
): Warning[] {
  if (!clinical) return [];
  const { source, warnings } = clinical;
  const laterality = source.format === 'dicom' ? source.source.laterality : null;
  return [...warnings, ...checks.flatMap((one, i) => one.laterality(worded(i), sides, laterality))];
}

function failure({ kind }: ModelIdentity, { one }: ReadCase, why: string): FailedEntry {
  const code: ErrorCode = kind === 'model' ? 'MODEL_INVALID' : 'CHECKPOINT_CORRUPT';
  return { id: one.id, error: { code, message: `${one.imagePath}: the model gave ${why}` } };
}

/**
 * Note probes: the same images under the right note, none, another case's, altered ones, and the same in other
 * words (docs/reference/probes.md). What the model is given unchanged is not run again.
 */
import {
  CHEST_LINES,
  CONVENTIONS,
  defined,
  imageFrame,
  type InferredSides,
  inferSides,
  lungFrame,
  type Mask,
  namedZones,
  noteConsistency,
  meaningOf,
  parseNote,
  ReclmisError,
  type Sides,
  sidesOfCase,
  tallySides,
  threshold,
  type Vocabulary,
  type ZoneLines,
  zoneMap,
} from '@reclmis/core';
import { derivedNotice, Loader, openLungMasks, type Batch, type Case } from '@reclmis/data';
import type { EvaluatedModel } from '../evaluate.js';
import { isReworded, meantBy, NOTE_CHANGES, noteVariant, type NoteVariant } from '../note-variants.js';
import { truthOf } from '../score-cases.js';
import type { Segmenter } from '../../engine/segmenter.js';
import { openRun } from '../../run/run.js';
import {
  figuresOf,
  type Given,
  inConvention,
  measureNote,
  type NoteFigures,
  type NoteMeasures,
} from './measure.js';

export interface ProbeOptions {
  /** Default `NOTE_CHANGES`. `right` is always among them. */
  readonly kinds?: readonly NoteVariant[];
  /** By the images' names; default: split the image itself. */
  readonly lungs?: string;
  /** For images without lung masks; default `CHEST_LINES`. */
  readonly lines?: ZoneLines;
  /** Default: as the true masks lie, else whichever fits more of them to the named zones. */
  readonly sides?: Sides;
  /** Default: the run's. */
  readonly seed?: number;
  readonly resamples?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export interface Probe extends NoteFigures {
  readonly notes: NoteVariant;
  readonly changed: number;
}

export interface NoteCoverage {
  /** All, those that name a part of the lungs, and those with unknown words. */
  readonly cases: number;
  readonly namingZones: number;
  readonly withRemainder: number;
  /** Most frequent first, at most 20. */
  readonly remainders: readonly { readonly text: string; readonly cases: number }[];
}

export interface NoteProbes {
  readonly cases: number;
  readonly patients: number;
  readonly zones: {
    /** `image`: split by halves and lines. */
    readonly from: 'image' | 'lungs';
    readonly lines: ZoneLines | null;
    readonly lungs: string | null;
    readonly sides: Sides;
    /** By either convention; null if no note names zones. */
    readonly truthInside: Readonly<Record<Sides, number>> | null;
    /** By the caller, or the true masks. */
    readonly sidesBy: 'given' | 'chosen';
    /** By notes that name one side. */
    readonly inferred: InferredSides;
  };
  readonly notes: NoteCoverage;
  /** Under the right notes: what a perfect model reaches. */
  readonly truth: Pick<NoteFigures, 'inside' | 'reached'>;
  /** Only `right` if `unread` is set. */
  readonly probes: readonly Probe[];
  /** Why no note can change a mask, without full stop; null if the model reads notes. */
  readonly unread: string | null;
  /** If notes were derived from masks. */
  readonly derived: string | null;
  /** The case of median Dice among those that all probes change (zones included), or null. */
  readonly example: string | null;
}

const LISTED = 20;

/** In one convention of sides. */
interface Series {
  readonly byVariant: Map<NoteVariant, NoteMeasures[]>;
  readonly truth: NoteMeasures[];
}

/**
 * Runs the probes; for `evaluateRun`'s `afterwards`. A single case counts as unchanged when shuffled.
 * @throws INTERRUPTED, and the codes of the data and lung masks
 */
export async function probeNotes(at: EvaluatedModel, options: ProbeOptions = {}): Promise<NoteProbes> {
  const { model, dataset, evaluation, batchSize } = at;
  const { config, habits } = openRun(evaluation.run);
  const { vocabulary = null } = habits;
  const seed = options.seed ?? config.seed;
  const { lines = CHEST_LINES } = options;
  const S = model.size;
  const { unread } = model.model;
  const { kinds = NOTE_CHANGES } = options;
  const variants: readonly NoteVariant[] =
    unread === null ? [...new Set<NoteVariant>(['right', ...kinds])] : ['right'];
  const lungs = options.lungs === undefined ? null : await openLungMasks(options.lungs);
  const wholeImage = zoneMap(imageFrame(S, S, lines), 'patient');
  const transforms = new Map(
    variants.map((variant) => {
      const alone = variant === 'shuffled' && dataset.cases.length < 2;
      return [
        variant,
        noteVariant(alone ? 'right' : variant, dataset.cases, seed, {
          vocabulary: habits.vocabulary,
          worded: at.wording.of,
        }),
      ];
    }),
  );
  const groupOf = new Map(evaluation.rows.map(({ id, group }) => [id, group]));
  const series: Record<Sides, Series> = {
    patient: emptySeries(variants),
    image: emptySeries(variants),
  };
  const changed = new Map<NoteVariant, number>();
  const groups: string[] = [];
  const fitting: (Sides | null)[] = [];
  const examples: { readonly id: string; readonly dice: number }[] = [];

  const caseOf = new Map(dataset.cases.map((one) => [one.id, one]));
  const loader = new Loader({
    cases: dataset.cases,
    batchSize,
    size: S,
    resize: evaluation.resize.rule,
    workers: config.data.workers,
    cacheBytes: 0,
  });
  try {
    for await (const batch of loader.batches(0)) {
      const given = runVariants(model, batch, transforms, { vocabulary, worded: at.wording.of });
      for (const [i, id] of batch.ids.entries()) {
        const map =
          lungs === null
            ? wholeImage
            : zoneMap(lungFrame(await lungs.of(id, S, S, caseOf.get(id))), 'patient');
        const truth = truthOf(batch, i, S);
        const right = given.get('right')![i]!;
        fitting.push(sidesOfCase(batch.notes[i] ?? '', truth, vocabulary));
        for (const sides of CONVENTIONS) {
          for (const [variant, all] of given) {
            const measures = measureNote(variant, all[i]!, right, truth, map, sides);
            series[sides].byVariant.get(variant)!.push(measures);
          }
          series[sides].truth.push(truthMeasures(truth, right, map, sides));
        }
        for (const [variant, all] of given)
          if (all[i]!.changed) changed.set(variant, (changed.get(variant) ?? 0) + 1);
        if (unread === null && isTelling(given, i))
          examples.push({ id, dice: series.patient.byVariant.get('right')!.at(-1)!.dice ?? 0 });
        groups.push(groupOf.get(id) ?? id);
      }
      options.onProgress?.(groups.length);
      await new Promise(setImmediate); // lets signals and timers in
      if (options.signal?.aborted === true) {
        throw new ReclmisError(
          'INTERRUPTED',
          `note probes: stopped after ${groups.length} of ${dataset.cases.length} cases`,
        );
      }
    }
  } finally {
    await loader.close();
  }

  const patient = meanInside(series.patient.truth);
  const image = meanInside(series.image.truth);
  const truthInside = patient === null || image === null ? null : { patient, image };
  const inferred = inferSides(tallySides(fitting));
  const sides = options.sides ?? chosenSides(inferred, truthInside);
  const chosen = series[sides];
  const [truth, ...figures] = figuresOf(
    [chosen.truth, ...variants.map((variant) => chosen.byVariant.get(variant)!)],
    groups,
    { seed, ...defined({ resamples: options.resamples }) },
  );
  examples.sort((a, b) => a.dice - b.dice || (a.id < b.id ? -1 : 1));
  return {
    cases: groups.length,
    patients: new Set(groups).size,
    zones: {
      from: lungs === null ? 'image' : 'lungs',
      lines: lungs === null ? lines : null,
      lungs: lungs?.dir ?? null,
      sides,
      truthInside,
      sidesBy: options.sides === undefined ? 'chosen' : 'given',
      inferred,
    },
    notes: coverageOf(dataset.cases, vocabulary),
    truth: { inside: truth!.inside, reached: truth!.reached },
    probes: variants.map((notes, i) => ({
      notes,
      changed: changed.get(notes) ?? 0,
      ...figures[i]!,
    })),
    unread,
    derived: derivedNotice(dataset.cases),
    example: examples[Math.floor(examples.length / 2)]?.id ?? null,
  };
}

/** Decides by all notes' zones if too few name one side. */
function chosenSides({ sides }: InferredSides, inside: Readonly<Record<Sides, number>> | null): Sides {
  if (sides !== 'unknown') return sides;
  return inside !== null && inside.image > inside.patient ? 'image' : 'patient';
}

/** Returns each variant's masks. @param reading in whose words the notes are, and what the model is given for one */
export function runVariants(
  segmenter: Pick<Segmenter, 'open' | 'size'>,
  batch: Pick<Batch, 'ids' | 'notes' | 'images'>,
  transforms: ReadonlyMap<NoteVariant, (note: string, id: string) => string>,
  {
    vocabulary = null,
    worded = (note) => note,
  }: { readonly vocabulary?: Vocabulary | null; readonly worded?: (note: string) => string } = {},
): Map<NoteVariant, Given[]> {
  const S = segmenter.size;
  using images = segmenter.open(batch.images);
  /** @param of the images that the notes are about */
  const masksOf = (notes: readonly string[], of?: readonly number[]): Mask[] => {
    const probabilities = images.probabilities(notes, of); // [B,1,S,S]
    return notes.map((_, i) => {
      const plane = probabilities.subarray(i * S * S, (i + 1) * S * S);
      if (plane.some(Number.isNaN)) {
        throw new ReclmisError('LOSS_NOT_FINITE', 'note probes: the predicted probabilities are NaN', {
          remedy: 'Train again with a lower learning rate; the weights have diverged.',
        });
      }
      return threshold(plane, S, S);
    });
  };
  const rightNotes = batch.notes.map(worded);
  const rightMasks = masksOf(rightNotes);
  const found = new Map<NoteVariant, Given[]>();
  for (const [variant, transform] of transforms) {
    const notes = batch.notes.map((note, i) => transform(note, batch.ids[i] ?? ''));
    const sent = notes.map(worded);
    const altered = sent.flatMap((note, i) => (note === rightNotes[i] ? [] : [i]));
    const given = altered.map((i) => sent[i] ?? '');
    const masks = altered.length === 0 ? [] : masksOf(given, altered);
    found.set(
      variant,
      notes.map((note, i) => {
        const at = altered.indexOf(i);
        return {
          mask: at < 0 ? rightMasks[i]! : masks[at]!,
          named: namedZones(meaningOf(meantBy(variant, batch.notes[i] ?? '', note), vocabulary)),
          changed: note !== batch.notes[i],
        };
      }),
    );
  }
  return found;
}

/** @param vocabulary in whose words notes name zones; remainders are what LViT's grammar does not know */
export function coverageOf(
  cases: readonly Pick<Case, 'note'>[],
  vocabulary: Vocabulary | null = null,
): NoteCoverage {
  const counts = new Map<string, number>();
  let namingZones = 0;
  let withRemainder = 0;
  for (const { note } of cases) {
    const parsed = parseNote(note);
    if (namedZones(meaningOf(note, vocabulary)) !== null) namingZones++;
    if (parsed.remainder.length > 0) withRemainder++;
    for (const text of new Set(parsed.remainder.map((words) => words.toLowerCase())))
      counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const remainders = [...counts]
    .map(([text, count]) => ({ text, cases: count }))
    .sort((a, b) => b.cases - a.cases || (a.text < b.text ? -1 : 1))
    .slice(0, LISTED);
  return { cases: cases.length, namingZones, withRemainder, remainders };
}

/** Every probe changes the note, and mirrored or flipped ones its zones. Rewordings are not drawn. */
function isTelling(given: ReadonlyMap<NoteVariant, readonly Given[]>, i: number): boolean {
  const right = given.get('right')?.[i]?.named ?? null;
  return [...given].every(([variant, all]) => {
    const one = all[i];
    if (variant === 'right' || one === undefined) return one !== undefined;
    if (isReworded(variant)) return true;
    const sameZones = variant !== 'empty' && variant !== 'recounted' && one.named === right && right !== null;
    return one.changed && !sameZones;
  });
}

function emptySeries(variants: readonly NoteVariant[]): Series {
  return { byVariant: new Map(variants.map((variant) => [variant, []])), truth: [] };
}

function truthMeasures(truth: Mask, right: Given, map: Uint8Array, sides: Sides): NoteMeasures {
  const named = inConvention(right.named, sides);
  const found = named === null ? { inside: null, reached: null } : noteConsistency(truth, map, named);
  return {
    ...found,
    dice: null,
    change: null,
    changeWhereChanged: null,
    moved: null,
    same: null,
    expected: null,
    empty: null,
  };
}

function meanInside(measures: readonly NoteMeasures[]): number | null {
  const values = measures.flatMap(({ inside }) => (inside === null ? [] : [inside]));
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Segments images by their notes and writes masks, other wanted files, and figures.
 *
 * The probability at the model's size S is resized to the image's (core's `resizePlane`) and thresholded
 * (docs/method.md 10). A failed case is recorded and the rest continues; other errors end the work, which can
 * be resumed. Reading, segmenting and writing overlap by a batch: memory holds only names and notes of all
 * images. Images are never replaced.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addPlanes,
  answerOf,
  divideBy,
  type ErrorCode,
  imagesToPlanes,
  ReclmisError,
  type ResultChecks,
  sharedThreshold,
  threshold,
  type CountsByCode,
  type Warning,
  WarningCounts,
} from '@reclmis/core';
import { mapLimit, writeFileAtomic } from '@reclmis/files';
import { withFolderLock } from '@reclmis/files';
import { inputOf, LANES, readBatches, type ReadCase } from './batches.js';
import type { PredictionCase } from './cases.js';
import { clearEarlier, refuseMixing, removeStale } from './earlier.js';
import { refuseOverwriting, sweep } from './guard.js';
import {
  type Beginning,
  type Entry,
  type FailedEntry,
  Journal,
  type Position,
  scanJournal,
} from './journal.js';
import { type Outputs, type Segmented, SUFFIXES, suffixesOf, writeOutputs } from './outputs.js';
import type { ModelNotes } from './model-notes.js';
import { casesOf, lockName, otherLocks, type Part, recordNames } from './part.js';
import type { ModelIdentity, PlaneSegmenter } from './segmenter.js';
import type { CaseStatistics } from './case-statistics.js';
import { measure, writeStatistics } from './statistics.js';

/** Listed in the summary and `run.json`; all are counted. */
const LISTED_FAILURES = 100;

export interface PredictionPlan {
  /** Several are averaged at the image's own size: sizes may differ, thresholds not. */
  readonly segmenter: PlaneSegmenter | readonly PlaneSegmenter[];
  readonly model: ModelIdentity;
  /** How the models read notes, in the order of `checks`; default: as written, of unknown sides. */
  readonly notes?: Pick<ModelNotes, 'identity' | 'of'>;
  readonly checks?: readonly ResultChecks[];
  /** Sorted by id, even if this process does a part. */
  readonly cases: readonly PredictionCase[];
  readonly out: string;
  /** Default: mask and overlay. */
  readonly outputs?: Outputs;
  readonly part?: Part | null;
  /** Default: `new`. */
  readonly beginning?: Beginning;
  /** Images at once; fewer if large. Default 8. */
  readonly batchSize?: number;
  readonly about?: Readonly<Record<string, unknown>>;
  /** `done` includes skipped and failed cases. */
  readonly onProgress?: (done: number, failed: number) => void;
  /** Called for each segmented case, in order. */
  readonly onCase?: (statistics: CaseStatistics) => void;
  /** Ends the work between batches. */
  readonly signal?: AbortSignal;
}

/** The result, also in `run.json`. */
export interface PredictionSummary {
  /** `incomplete`: some cases failed; `interrupted`: by the signal. */
  readonly status: 'finished' | 'incomplete' | 'interrupted';
  /** Counts of this part. `done`: segmented now; `skipped`: already complete. */
  readonly counts: {
    readonly cases: number;
    readonly done: number;
    readonly skipped: number;
    readonly failed: number;
  };
  readonly codes: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Cases with warnings, including skipped ones. */
  readonly warned: number;
  readonly warnings: CountsByCode;
  readonly failures: readonly FailedEntry[];
  readonly startedAt: string;
  readonly seconds: number;
  /** Files written: this part's and, with all parts there, those of all. None if interrupted. */
  readonly statistics: readonly string[];
}

export const DEFAULT_OUTPUTS: Outputs = { overlay: true, probability: null, contours: false };

/**
 * @throws RUN_BUSY (another process writes there), OUTPUT_EXISTS (an image would be replaced; results of
 * another model exist; any exist and `beginning` is `new`), OUTPUT_UNWRITABLE, DISK_FULL, and what the
 * segmenter throws; failures of single cases are in the summary
 */
export async function predict(plan: PredictionPlan): Promise<PredictionSummary> {
  const { cases, out, part = null, outputs = DEFAULT_OUTPUTS, beginning = 'new', signal } = plan;
  await refuseOverwriting(cases, out, beginning === 'new' ? suffixesOf(outputs) : SUFFIXES);
  const excluded = async (): Promise<string[]> => otherLocks(await readdir(out), part);
  return withFolderLock(out, { name: lockName(part), excluded, signal }, () => predictAlone(plan));
}

async function predictAlone(plan: PredictionPlan): Promise<PredictionSummary> {
  const { segmenter, model, cases, out, part = null, outputs = DEFAULT_OUTPUTS, beginning = 'new' } = plan;
  const started = new Date();
  const names = recordNames(part);
  await refuseMixing(out, part, beginning, (other) => identityOf({ ...plan, part: other }));
  if (beginning === 'overwrite') await clearEarlier(out, part, cases);
  const journal = await Journal.open(join(out, names.journal), identityOf(plan), beginning);
  const tally = new Tally([...casesOf(cases, part)].length);
  const record = async (status: string, more: object = {}): Promise<void> => {
    const about = { format: 'reclmis-prediction/1', status, model, part, outputs, ...plan.about };
    const text = JSON.stringify({ ...about, ...tally.summary(), ...more }, null, 2);
    await writeFileAtomic(join(out, names.record), `${text}\n`);
  };
  const clock = (): Pick<PredictionSummary, 'startedAt' | 'seconds'> => ({
    startedAt: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
  });
  try {
    if (beginning !== 'new') await sweep(out, casesOf(cases, part), suffixesOf(outputs));
    await record('running', clock());
    await work(plan, journal, outputs, tally);
    const interrupted = plan.signal?.aborted === true && tally.seen < tally.cases;
    const status = interrupted ? 'interrupted' : tally.failed > 0 ? 'incomplete' : 'finished';
    const statistics = interrupted ? [] : await finish(plan, part, segmenter);
    const result = { ...tally.summary(), ...clock(), statistics };
    await record(status, result);
    return { status, ...result };
  } catch (error) {
    const code = error instanceof ReclmisError ? error.code : 'INTERNAL';
    await record('failed', { ...clock(), error: code }).catch(() => undefined); // report the first error
    throw error;
  } finally {
    await journal.close();
  }
}

class Tally {
  done = 0;
  skipped = 0;
  failed = 0;
  private readonly codes: Partial<Record<ErrorCode, number>> = {};
  private readonly failures: FailedEntry[] = [];
  readonly warnings = new WarningCounts();

  constructor(readonly cases: number) {}

  get seen(): number {
    return this.done + this.skipped + this.failed;
  }

  fail(failure: FailedEntry): void {
    this.failed++;
    const { code } = failure.error;
    this.codes[code] = (this.codes[code] ?? 0) + 1;
    if (this.failures.length < LISTED_FAILURES) this.failures.push(failure);
  }

  summary(): Pick<PredictionSummary, 'counts' | 'codes' | 'warned' | 'warnings' | 'failures'> {
    const { cases, done, skipped, failed, codes, failures, warnings } = this;
    const counts = { cases, done, skipped, failed };
    return { counts, codes, warned: warnings.cases, warnings: warnings.byCode, failures };
  }
}

/** Each a batch ahead of the next. */
async function work(plan: PredictionPlan, journal: Journal, outputs: Outputs, tally: Tally): Promise<void> {
  const { cases, out, part = null, batchSize = 8, signal } = plan;
  const resuming = plan.beginning === 'resume';
  const isDone = async (one: PredictionCase): Promise<boolean> => {
    const entry = resuming ? await journal.entryOf(one.id) : null;
    if (!(await isComplete(one, entry, journal, out, outputs))) return false;
    if (entry && 'statistics' in entry) tally.warnings.add(one.id, entry.statistics.warnings ?? []);
    return true;
  };
  const batches = readBatches(casesOf(cases, part), batchSize, isDone);
  const store = async (segmented: readonly Checked[], failures: FailedEntry[]): Promise<void> => {
    if (segmented.length + failures.length === 0) return;
    const entries: Entry[] = await mapLimit(segmented, LANES, async (item) => {
      const files = await writeOutputs(out, item.one.id, item, outputs);
      const { id, note } = item.one;
      await removeStale(out, await journal.entryOf(id), files);
      return {
        id,
        input: item.input,
        note: journal.mark(note),
        files,
        statistics: measure(item.one, item.mask, { ...plan.notes?.of(note), warnings: item.warnings }),
      };
    });
    for (const { id } of failures) await removeStale(out, await journal.entryOf(id), {});
    await journal.append([...entries, ...failures]);
    for (const entry of entries) {
      if (!('statistics' in entry)) continue;
      tally.warnings.add(entry.id, entry.statistics.warnings ?? []);
      plan.onCase?.(entry.statistics);
    }
    for (const failure of failures) tally.fail(failure);
    tally.done += entries.length;
    plan.onProgress?.(tally.seen, tally.failed);
  };
  let ahead = quietly(batches.next());
  let writing = Promise.resolve();
  try {
    for (;;) {
      const next = await ahead;
      if (next.done === true || signal?.aborted) break;
      const { items, failures, skipped } = next.value;
      ahead = quietly(batches.next());
      tally.skipped += skipped;
      if (skipped > 0) plan.onProgress?.(tally.seen, tally.failed);
      const { segmented, broken } = await segmentBatch(plan, items);
      await writing;
      writing = quietly(store(segmented, [...failures, ...broken]));
    }
  } finally {
    await Promise.allSettled([ahead, writing]); // nothing continues after a failure
  }
  await writing;
}

function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

interface Checked extends ReadCase, Segmented {
  readonly warnings: readonly Warning[];
}

async function segmentBatch(
  { segmenter, model, checks = [], notes }: PredictionPlan,
  items: readonly ReadCase[],
): Promise<{ segmented: Checked[]; broken: FailedEntry[] }> {
  const segmented: Checked[] = [];
  const broken: FailedEntry[] = [];
  if (items.length === 0) return { segmented, broken };
  const damaged = model.kind === 'model' ? 'MODEL_INVALID' : 'CHECKPOINT_CORRUPT';
  const segmenters = [segmenter].flat();
  const cut = sharedThreshold(segmenters);
  const sums = items.map((): Float32Array | null => null); // sums of probabilities
  const wrong = new Map<number, string>();
  const said = items.map((): Warning[] => []);
  for (const [k, one] of segmenters.entries()) await addOpinion(one, items, { sums, wrong, said }, checks[k]);
  for (const [b, item] of items.entries()) {
    if (!item.wanted) continue;
    const { width, height } = item.image;
    const sum = sums[b];
    const why = wrong.get(b);
    if (!sum || why !== undefined) {
      const message = `${item.one.imagePath}: the model gave ${why ?? 'nothing'}`;
      broken.push({ id: item.one.id, error: { code: damaged, message } });
      continue;
    }
    const probability = divideBy(sum, segmenters.length);
    const mask = threshold(probability, width, height, cut);
    const { note } = item.one;
    const read = notes?.of(note);
    const sides = read?.sides ?? 'unknown';
    const wordedFor = (model: number): string => read?.each[model]?.worded ?? note;
    const warnings = [
      ...(read?.warnings ?? []),
      ...checks.flatMap((one, i) => one.note(wordedFor(i), read?.each[i]?.mirrored)),
      ...(said[b] ?? []),
      ...checks.flatMap((one, i) => one.mask(mask, wordedFor(i), sides)),
    ];
    segmented.push({ ...item, probability, mask, warnings: eachOnce(warnings) });
  }
  return { segmented, broken };
}

/** Averaged models give the same warnings. */
function eachOnce(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((one) => [`${one.code} ${one.message}`, one])).values()];
}

/** Adds probabilities at the images' sizes to `sums`, failures to `wrong`, warnings to `said`. */
async function addOpinion(
  segmenter: PlaneSegmenter,
  items: readonly ReadCase[],
  {
    sums,
    wrong,
    said,
  }: {
    readonly sums: (Float32Array | null)[];
    readonly wrong: Map<number, string>;
    readonly said: readonly Warning[][];
  },
  checks: ResultChecks | undefined,
): Promise<void> {
  const S = segmenter.size;
  const planes = imagesToPlanes(
    items.map(({ image }) => image),
    S,
  ); // [B,3,S,S]
  for (const [b, own] of said.entries())
    own.push(...(checks?.image(planes.subarray(b * 3 * S * S, (b + 1) * 3 * S * S), S) ?? []));
  const notes = items.map(({ one }) => one.note);
  const probabilities = await segmenter.probabilities(planes, notes); // [B,1,S,S]
  for (const [b, { wanted, image }] of items.entries()) {
    if (!wanted) continue;
    const answer = answerOf(probabilities, b, S, image);
    if ('wrong' in answer) {
      wrong.set(b, answer.wrong);
      continue;
    }
    const sum = sums[b];
    sums[b] = sum ? addPlanes(sum, answer.probability) : answer.probability;
  }
}

/** Whether all wanted files are as written, for the same image, note and spacing. */
async function isComplete(
  one: PredictionCase,
  entry: Entry | null,
  journal: Journal,
  out: string,
  outputs: Outputs,
): Promise<boolean> {
  if (entry === null || 'error' in entry || one.refused) return false;
  const { statistics, files, input, note } = entry;
  if (note !== journal.mark(one.note)) return false;
  if (JSON.stringify(statistics.spacing) !== JSON.stringify(one.spacing)) return false;
  for (const suffix of suffixesOf(outputs)) {
    const info = await stat(join(out, `${one.id}${suffix}`)).catch(() => null);
    if (info === null || info.size !== files[suffix]) return false;
  }
  const now = await inputOf(one.imagePath).catch(() => null);
  return now?.bytes === input.bytes && now.modified === input.modified;
}

/** What all cases of an output folder must share. */
function identityOf({ model, segmenter, part, notes }: PredictionPlan): string {
  const files = model.files.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 16)}`).join(', ');
  const flips = model.flips ? ', flips' : '';
  const share = part ? `, part ${part.index}/${part.of}` : '';
  return `${model.kind} ${model.name} (${files}), threshold ${sharedThreshold([segmenter].flat())}${flips}${notes?.identity ?? ''}${share}`;
}

/** Writes this part's statistics, and those of all once complete. */
async function finish(
  { out, model, cases, notes }: PredictionPlan,
  part: Part | null,
  segmenter: PredictionPlan['segmenter'],
): Promise<string[]> {
  const { journal, statistics } = recordNames(part);
  const own = await scanJournal(join(out, journal));
  const ids = function* (which: Part | null): Generator<string> {
    for (const { id } of casesOf(cases, which)) yield id;
  };
  const written = [join(out, statistics)];
  await writeStatistics(written[0]!, model, ids(part), own?.entries ?? new Map<string, Position>());
  if (part === null) return written;
  const all = new Map<string, Position>();
  for (let index = 1; index <= part.of; index++) {
    const other = { index, of: part.of };
    const scan = await scanJournal(join(out, recordNames(other).journal));
    if (
      scan?.header?.identity !==
      identityOf({ model, segmenter, part: other, cases, out, ...(notes && { notes }) })
    )
      return written;
    for (const { id } of casesOf(cases, other)) {
      const position = scan.entries.get(id);
      if (!position) return written;
      all.set(id, position);
    }
  }
  written.push(join(out, recordNames(null).statistics));
  await writeStatistics(written[1]!, model, ids(null), all);
  return written;
}

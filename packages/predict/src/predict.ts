/**
 * Segments images by their notes and writes masks, other wanted files, and figures.
 *
 * The probability at the model's size S is resized to the image's (core's `resizePlane`) and thresholded
 * (docs/method.md 10). A failed case is recorded and the rest continues; other errors end the work, which can
 * be resumed. While a model is at a batch, the one before is measured and written and the one after is read: memory
 * holds only names and notes of all images (and for files of series some masks). Images are never replaced.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DisplayedFrame } from '@reclmis/clinical';
import { defined, ReclmisError, refuseSameWords, sharedThreshold, windowText } from '@reclmis/core';
import { mapLimit, writeFileAtomic } from '@reclmis/files';
import { withFolderLock } from '@reclmis/files';
import { type Batch, BATCH_PIXELS, inputOf, LANES, readBatches } from './batches.js';
import type { PredictionCase } from './cases.js';
import { classesIdentity, measureClass, publicClass, writeClassTable } from './class-records.js';
import { clearEarlier, refuseMixing, removeStale } from './earlier.js';
import { refuseOverwriting, sweep } from './guard.js';
import {
  type Beginning,
  type Entry,
  type FailedEntry,
  Journal,
  type Position,
  readEntry,
  scanJournal,
} from './journal.js';
import { KeptSlices } from './kept-slices.js';
import { SERIES_ENDING, type SeriesFormat, type WrittenSeries, writeSeries } from './series.js';
import { allSuffixes, type Outputs, suffixesOf, writeOutputs } from './outputs.js';
import { casesOf, lockName, otherLocks, type Part, recordNames } from './part.js';
import type { CaseStatistics } from './case-statistics.js';
import {
  type AskBatch,
  type BatchPlan,
  type Checked,
  openBatch,
  type SegmentedBatch,
} from './segment-batch.js';
import { measure, type MeasuredCase, writeStatistics } from './statistics.js';
import { asStored } from './stored.js';
import { type PredictionSummary, Tally } from './tally.js';

export type { PredictionSummary };

export interface PredictionPlan extends BatchPlan {
  /** Sorted by id, even if this process does a part. */
  readonly cases: readonly PredictionCase[];
  readonly out: string;
  /** Default: mask and overlay; of classes masks, labelled mask and overview. */
  readonly outputs?: Outputs;
  /** Files of whole DICOM series and volumes; default: none. */
  readonly formats?: readonly SeriesFormat[];
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

export const DEFAULT_OUTPUTS: Outputs = { overlay: true, probability: null, contours: false };

/**
 * @throws RUN_BUSY (another process writes there), OUTPUT_EXISTS (an image would be replaced; results of
 * another model exist; any exist and `beginning` is `new`), OUTPUT_UNWRITABLE, DISK_FULL, and what the
 * segmenter throws; failures of single cases are in the summary
 */
export async function predict(plan: PredictionPlan): Promise<PredictionSummary> {
  const { cases, out, part = null, outputs = DEFAULT_OUTPUTS, beginning = 'new', signal } = plan;
  const { classes, notes, formats = [] } = plan;
  if (formats.includes('seg-fractional') && outputs.probability !== 'png16')
    throw new ReclmisError(
      'OPTION_INVALID',
      'the format seg-fractional is made of probabilities as 16-bit PNG, which are not written',
    );
  if (classes && notes)
    refuseSameWords(
      classes.map(({ name, note }) => ({ name, words: notes.of(note).each.map(({ text }) => text) })),
    );
  await refuseOverwriting(
    cases,
    out,
    beginning === 'new' ? suffixesOf(outputs, plan.classes) : allSuffixes(plan.classes),
  );
  const excluded = async (): Promise<string[]> => otherLocks(await readdir(out), part);
  return withFolderLock(out, { name: lockName(part), excluded, signal }, () => predictAlone(plan));
}

async function predictAlone(plan: PredictionPlan): Promise<PredictionSummary> {
  const { model, cases, out, part = null, outputs = DEFAULT_OUTPUTS, beginning = 'new' } = plan;
  const started = new Date();
  const names = recordNames(part);
  await refuseMixing(out, part, beginning, (other) => identityOf({ ...plan, part: other }));
  if (beginning === 'overwrite') await clearEarlier(out, part, cases);
  const journal = await Journal.open(join(out, names.journal), identityOf(plan), beginning);
  const tally = new Tally([...casesOf(cases, part)].length);
  const record = async (status: string, more: object = {}): Promise<void> => {
    const classes = plan.classes ? { classes: plan.classes.map(publicClass) } : {};
    const about = { format: 'reclmis-prediction/1', status, model, part, outputs, ...classes, ...plan.about };
    const text = JSON.stringify({ ...about, ...tally.summary(), ...more }, null, 2);
    await writeFileAtomic(join(out, names.record), `${text}\n`);
  };
  const clock = (): Pick<PredictionSummary, 'startedAt' | 'seconds'> => ({
    startedAt: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
  });
  try {
    await sweep(out, casesOf(cases, part), suffixesOf(outputs, plan.classes), part, SERIES_ENDING);
    await record('running', clock());
    const kept = (plan.formats ?? []).length > 0 ? new KeptSlices() : null;
    await work(plan, journal, outputs, tally, kept);
    const interrupted = plan.signal?.aborted === true && tally.seen < tally.cases;
    const status = interrupted ? 'interrupted' : tally.failed > 0 ? 'incomplete' : 'finished';
    const { statistics, complete } = interrupted
      ? { statistics: [], complete: null }
      : await finish(plan, part);
    const series = complete === null ? undefined : await finishSeries(plan, complete, kept);
    const result = { ...tally.summary(), ...clock(), statistics, ...defined({ series }) };
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

/** Reading, the model, and measuring and writing, each a batch ahead of the next. */
async function work(
  plan: PredictionPlan,
  journal: Journal,
  outputs: Outputs,
  tally: Tally,
  kept: KeptSlices | null,
): Promise<void> {
  const { cases, out, part = null, batchSize = 8, signal } = plan;
  const resuming = plan.beginning === 'resume';
  const isDone = async (one: PredictionCase): Promise<boolean> => {
    const entry = resuming ? await journal.entryOf(one.id) : null;
    if (!(await isComplete(one, entry, journal, out, suffixesOf(outputs, plan.classes)))) return false;
    if (entry && 'statistics' in entry) tally.warnings.add(one.id, entry.statistics.warnings ?? []);
    return true;
  };
  const keep = outputs.probability !== null;
  const batches = readBatches(casesOf(cases, part), batchSize, isDone, batchPixels(plan, keep));
  const store = async (segmented: readonly Checked[], failures: FailedEntry[]): Promise<void> => {
    if (segmented.length + failures.length === 0) return;
    const entries: Entry[] = await mapLimit(segmented, LANES, async (item) => {
      const { id, note } = item.one;
      const stored = { ...item, ...(await asStored(item, item.clinical)) };
      const files = await writeOutputs(out, id, stored, outputs);
      await removeStale(out, await journal.entryOf(id), files);
      if (kept && item.clinical) await kept.keep(id, item.clinical, stored);
      return {
        id,
        input: item.input,
        note: journal.mark(note),
        files,
        statistics: measureCase(plan, stored),
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
  /** The next batch, at the models' size. */
  const nextBatch = (): Promise<{ batch: Batch; ask: AskBatch } | null> =>
    quietly(
      batches.next().then((next) => {
        if (next.done === true) return null;
        return { batch: next.value, ask: openBatch(plan, next.value.items, keep) };
      }),
    );
  let ahead = nextBatch();
  let writing = Promise.resolve();
  /** Judges and writes the last batch that was asked. */
  let finishLast: () => Promise<void> = () => Promise.resolve();
  try {
    for (;;) {
      const next = await ahead;
      if (next === null || signal?.aborted) break;
      const { batch, ask } = next;
      const asking = quietly(ask());
      ahead = nextBatch();
      await turn(); // the model's thread begins before this one is busy
      tally.skipped += batch.skipped;
      if (batch.skipped > 0) plan.onProgress?.(tally.seen, tally.failed);
      await finishLast();
      const judge = await asking;
      finishLast = async () => {
        await writing;
        const { segmented, broken }: SegmentedBatch = judge();
        writing = quietly(store(segmented, [...batch.failures, ...broken]));
      };
    }
    await finishLast();
  } finally {
    await Promise.allSettled([ahead, writing]); // nothing continues after a failure
  }
  await writing;
}

function measureCase(
  { notes, classes }: PredictionPlan,
  { one: given, mask, warnings, shown, clinical, ...item }: Checked,
): CaseStatistics {
  const one = measuredCase(given, clinical);
  const seen = shown?.mask ?? mask;
  if (!classes)
    return measure(one, mask, seen, {
      ...{ ...notes?.of(given.note), warnings },
      ...(item.confidence ? { confidence: item.confidence } : {}),
    });
  const measured = (item.classes?.each ?? []).map((own) => measureClass(own, one.spacing, notes));
  const { sides = 'unknown' } = measured[0]?.note ?? {};
  const read = {
    sides,
    mirrored: measured.some(({ note }) => note.mirrored),
    style: measured.some(({ note }) => note.style === 'free') ? ('free' as const) : ('as-is' as const),
  };
  return measure(one, mask, seen, { ...read, warnings, classes: measured });
}

/** A pixel's size as given, else as the file says. */
function measuredCase(one: PredictionCase, clinical: DisplayedFrame | undefined): MeasuredCase {
  if (one.spacing !== null || !clinical?.spacing || clinical.at === null) return one;
  const [width, height] = clinical.spacing;
  const turned = clinical.orientation >= 5;
  return { ...one, spacing: turned ? [height, width] : [width, height], spacingAt: clinical.at };
}

/** Pixels of a batch: a class has a mask of one byte a pixel, and perhaps probabilities of four. */
function batchPixels({ classes }: PredictionPlan, keep: boolean): number {
  const bytes = (classes?.length ?? 0) * (keep ? 5 : 1);
  return Math.floor(BATCH_PIXELS / Math.max(1, bytes / 8));
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Whether all wanted files are as written, for the same image, note and spacing. */
async function isComplete(
  one: PredictionCase,
  entry: Entry | null,
  journal: Journal,
  out: string,
  suffixes: readonly string[],
): Promise<boolean> {
  if (entry === null || 'error' in entry || one.refused) return false;
  const { statistics, files, input, note } = entry;
  if (note !== journal.mark(one.note)) return false;
  const given = statistics.spacingAt === undefined ? statistics.spacing : null;
  if (JSON.stringify(given) !== JSON.stringify(one.spacing)) return false;
  for (const suffix of suffixes) {
    const info = await stat(join(out, `${one.id}${suffix}`)).catch(() => null);
    if (info === null || info.size !== files[suffix]) return false;
  }
  const now = await inputOf(one.imagePath).catch(() => null);
  return now?.bytes === input.bytes && now.modified === input.modified;
}

/** What all cases of an output folder must share. */
function identityOf({ model, segmenter, part, notes, classes, cases }: PredictionPlan): string {
  const files = model.files.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 16)}`).join(', ');
  const flips = model.flips ? ', flips' : '';
  const [window] = cases.flatMap((one) => one.window ?? []);
  const shown = window === undefined ? '' : `, window ${windowText(window)}`;
  const share = part ? `, part ${part.index}/${part.of}` : '';
  return `${model.kind} ${model.name} (${files}), threshold ${sharedThreshold([segmenter].flat())}${flips}${notes?.identity ?? ''}${classesIdentity(classes)}${shown}${share}`;
}

interface Finished {
  readonly statistics: readonly string[];
  /** The lines of all cases; null while parts are missing. */
  readonly complete: ReadonlyMap<string, Position> | null;
}

/** Writes this part's statistics, and those of all once complete. */
async function finish(plan: PredictionPlan, part: Part | null): Promise<Finished> {
  const { out, model, cases, classes } = plan;
  const written: string[] = [];
  const write = async (which: Part | null, entries: ReadonlyMap<string, Position>): Promise<void> => {
    const names = recordNames(which);
    const ids = function* (): Generator<string> {
      for (const { id } of casesOf(cases, which)) yield id;
    };
    const path = join(out, names.statistics);
    await writeStatistics(path, model, ids(), entries, classes);
    written.push(path);
    if (!classes) return;
    const table = join(out, names.table);
    await writeClassTable(table, classes, sharedThreshold([plan.segmenter].flat()), ids(), entries);
    written.push(table);
  };
  const own = await scanJournal(join(out, recordNames(part).journal));
  const entries = own?.entries ?? new Map<string, Position>();
  await write(part, entries);
  if (part === null) return { statistics: written, complete: entries };
  const all = new Map<string, Position>();
  for (let index = 1; index <= part.of; index++) {
    const other = { index, of: part.of };
    const scan = await scanJournal(join(out, recordNames(other).journal));
    if (scan?.header?.identity !== identityOf({ ...plan, part: other }))
      return { statistics: written, complete: null };
    for (const { id } of casesOf(cases, other)) {
      const position = scan.entries.get(id);
      if (!position) return { statistics: written, complete: null };
      all.set(id, position);
    }
  }
  await write(null, all);
  return { statistics: written, complete: all };
}

/** @param entries of all cases */
async function finishSeries(
  { formats = [], cases, out, model, classes, beginning = 'new' }: PredictionPlan,
  entries: ReadonlyMap<string, Position>,
  kept: KeptSlices | null,
): Promise<readonly WrittenSeries[] | undefined> {
  if (formats.length === 0) return undefined;
  const done = new Set<string>();
  for (const [id, position] of entries) if ('files' in (await readEntry(position))) done.add(id);
  return writeSeries({
    ...{ cases, out, model, formats, replace: beginning !== 'new' },
    ...defined({ classes, kept: kept ?? undefined }),
    isDone: (id) => done.has(id),
  });
}

/**
 * POST /studies/{study}/series/{series}/segment, with `--pacs`: fetches a series from the PACS, segments each of its
 * images by one note, stores a DICOM SEG there, and answers with its UIDs and figures. Nothing of it is logged.
 */
import {
  algorithmName,
  isUid,
  type Pacs,
  readDicom,
  type SeriesFrame,
  seriesFrames,
  type SeriesSeg,
  writeSeriesSegs,
  writeSr,
  type WrittenSr,
} from '@reclmis/clinical';
import {
  components,
  defined,
  habitsOf,
  type Mask,
  ReclmisError,
  type Warning,
  windowOf,
  DESCRIBED_REGION,
} from '@reclmis/core';
import { mapLimit } from '@reclmis/files';
import type { Segmentation } from '@reclmis/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { compute, type Deadline, deadlineOf, type ServerContext } from '../admission/context.js';
import { Budget, MAX_SIDE } from '../admission/limits.js';
import { asString, type JsonObject, optional, parseObject } from '../json.js';
import { checkNote, parseNoteStyle, parseSides } from './note.js';
import { SERIES_SCHEMA } from './openapi-series.js';
import { setWarnings } from './warnings.js';

/** Series in memory at the same time. */
const AT_ONCE = 2;
/** Milliseconds until a frame asks again for a place in the queue. */
const AGAIN = 50;
/** Distinct warnings in an answer. */
const LISTED = 100;
const FIELDS = new Set(['note', 'threshold', 'sides', 'noteStyle', 'label', 'description', 'report']);

interface Asked {
  readonly note: string;
  readonly threshold: number | undefined;
  readonly sides: ReturnType<typeof parseSides>;
  readonly noteStyle: ReturnType<typeof parseNoteStyle>;
  readonly label: string;
  readonly description: boolean;
  readonly report: boolean;
}

export function registerSeries(app: FastifyInstance, context: ServerContext, pacs: Pacs): void {
  const { model, limits } = context;
  const habits = habitsOf(model.manifest);
  const places = new Budget('places for series', AT_ONCE);

  async function segment(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { study, series } = uidsOf(request);
    const asked = askedOf(request);
    request.place?.[Symbol.dispose](); // frames queue later, one by one
    request.holdings.add(places.take(1));
    using deadline = deadlineOf(reply, limits.seriesTimeout);
    const during = pacs.during(deadline.signal, { instanceBytes: limits.maxSeriesBytes });
    const files: Uint8Array[] = [];
    let bytes = 0;
    for await (const one of during.retrieveSeries(study, series)) {
      bytes += one.bytes.length;
      if (bytes > limits.maxSeriesBytes)
        throw new ReclmisError('IMAGE_TOO_LARGE', `the series exceeds ${limits.maxSeriesBytes} bytes`, {
          remedy: 'Start the server with a higher --max-series-bytes.',
        });
      files.push(one.bytes);
    }
    const frames = await seriesFrames(files, readDicom, {
      maxPixels: limits.maxPixels,
      ...defined({ window: windowOf(model.manifest) }),
    });
    if (asked.report && frames.some(({ geometry }) => geometry.pixel === null))
      throw new ReclmisError('IMAGE_UNSUPPORTED', 'report: the series states no pixel size to measure by', {
        remedy: 'Leave out report.',
      });
    const found = await mapLimit(frames, limits.maxBatch, (frame) => segmentFrame(frame, asked, deadline));
    const results = found.map(({ result }) => result);
    const segs = writeSeriesSegs(
      frames,
      results.map(({ mask }) => mask),
      {
        ...DESCRIBED_REGION,
        label: asked.label,
        ...(asked.description && asked.note.trim() !== '' ? { description: asked.note } : {}),
      },
      {
        algorithm: algorithmName(model.manifest.name),
      },
    );
    deadline.signal.throwIfAborted();
    const reports = asked.report ? reportsOf(segs) : [];
    await during.store([...segs, ...reports].map(({ bytes }) => bytes));
    const warnings = distinct([
      ...frames.flatMap((frame) => frame.warnings),
      ...results.flatMap((one) => one.warnings),
    ]);
    setWarnings(reply, warnings);
    return answerOf(model.manifest.name, { study, series }, frames, results, { segs, reports }, warnings);
  }

  async function segmentFrame(
    frame: SeriesFrame,
    asked: Asked,
    deadline: Deadline,
  ): Promise<{ readonly result: Segmentation }> {
    const { width, height } = frame;
    if (Math.max(width, height) > MAX_SIDE)
      throw new ReclmisError(
        'IMAGE_TOO_LARGE',
        `an image has ${width} x ${height} pixels, the limit per side is ${MAX_SIDE}`,
      );
    const cost = width * height;
    const release = await patiently(() => Promise.resolve(context.pixels.take(cost)), deadline.signal);
    try {
      const image = await deadline.race(frame.image());
      const { note, threshold, sides = context.sides, noteStyle = context.noteStyle } = asked;
      const work = { kind: 'segment', image, note, threshold, ...defined({ sides, noteStyle }) } as const;
      const { value } = await patiently(
        () => compute(context, work, cost, deadline.signal, {}),
        deadline.signal,
      );
      if (value instanceof Float32Array)
        throw new ReclmisError('INTERNAL', 'expected a segmentation from the queue');
      const { probability: _, ...result } = value; // of a volume they would take gigabytes
      const ofFile = model.checks.laterality(note, result.note.sides, frame.source.laterality);
      const warnings = [...result.warnings, ...ofFile];
      return { result: { ...result, warnings, probability: new Float32Array(0) } };
    } finally {
      release();
    }
  }

  function askedOf(request: FastifyRequest): Asked {
    if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
      throw new ReclmisError('REQUEST_UNSUPPORTED', 'expected a body of type application/json', {
        remedy: 'Send JSON such as {"note": "..."}.',
      });
    const body = parseObject(request.body as Buffer, FIELDS.size);
    for (const key of Object.keys(body))
      if (!FIELDS.has(key))
        throw new ReclmisError(
          'REQUEST_INVALID',
          `expected the keys ${[...FIELDS].join(', ')}; got another one`,
        );
    const label = textOf(body, 'label')?.trim() ?? DESCRIBED_REGION.label;
    if (label === '' || [...label].length > 64 || /[\\\p{Cc}]/u.test(label))
      throw new ReclmisError(
        'REQUEST_INVALID',
        'label: expected 1 to 64 characters on one line, without backslash',
      );
    return {
      note: noteOf(body),
      threshold: thresholdOf(body),
      sides: parseSides(optional(body, 'sides'), 'sides'),
      noteStyle: parseNoteStyle(optional(body, 'noteStyle'), 'noteStyle', habits),
      label,
      description: flagOf(body, 'description'),
      report: flagOf(body, 'report'),
    };
  }

  function noteOf(body: JsonObject): string {
    const note = textOf(body, 'note');
    const reads = model.manifest.note !== null;
    if (note === undefined && reads)
      throw new ReclmisError('NOTE_MISSING', 'the request has no note', {
        remedy: 'Describe what to segment in the key note.',
      });
    checkNote(note ?? '', limits.maxNote);
    if (reads && note?.trim() === '') throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    return note ?? '';
  }

  app.post(
    '/studies/:study/series/:series/segment',
    { schema: SERIES_SCHEMA, config: { work: true } },
    segment,
  );
}

function uidsOf(request: FastifyRequest): { readonly study: string; readonly series: string } {
  const { study = '', series = '' } = request.params as Readonly<Record<string, string>>;
  if (!isUid(study) || !isUid(series))
    throw new ReclmisError(
      'REQUEST_INVALID',
      'expected UIDs in the path: digits and dots, at most 64 characters',
      {
        remedy: 'Use the Study and Series Instance UID, as the PACS lists them.',
      },
    );
  return { study, series };
}

function textOf(body: JsonObject, key: string): string | undefined {
  const value = optional(body, key);
  return value === undefined ? undefined : asString(value, key);
}

function thresholdOf(body: JsonObject): number | undefined {
  const value = optional(body, 'threshold');
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= 1)) return value;
  throw new ReclmisError('REQUEST_INVALID', 'threshold: expected a number from 0 to 1, got another value');
}

function flagOf(body: JsonObject, key: string): boolean {
  const value = optional(body, key) ?? false;
  if (typeof value === 'boolean') return value;
  throw new ReclmisError('REQUEST_INVALID', `${key}: expected true or false, got another value`);
}

/** Frames of one series wait for room instead of failing: others share queue and memory with them. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (!(error instanceof ReclmisError) || error.code !== 'SERVER_BUSY') throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

/** A report of each SEG, all in one series. @throws IMAGE_UNSUPPORTED without a pixel size */
function reportsOf(segs: readonly SeriesSeg[]): WrittenSr[] {
  const reports: WrittenSr[] = [];
  for (const [i, written] of segs.entries())
    reports.push(writeSr({ seg: written.options, written, instanceNumber: i + 1, ...defined({ series: reports[0]?.series }) })); // prettier-ignore
  return reports;
}

/** One of each code and text. */
function distinct(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((one) => [`${one.code} ${one.message}`, one])).values()].slice(0, LISTED);
}

function answerOf(
  model: string,
  source: { readonly study: string; readonly series: string },
  frames: readonly SeriesFrame[],
  results: readonly Segmentation[],
  { segs, reports }: { readonly segs: readonly SeriesSeg[]; readonly reports: readonly WrittenSr[] },
  warnings: readonly Warning[],
): Record<string, unknown> {
  const figures = frames.map((frame, i) => figuresOf(frame, results[i]!.mask));
  return {
    model,
    ...source,
    segmentations: segs.map(({ series, sopInstance, frames: held }) => ({
      ...{ study: source.study, series, instance: sopInstance, frames: held.length },
    })),
    ...(reports.length > 0
      ? {
          reports: reports.map(({ series, sopInstance }) => ({
            study: source.study,
            series,
            instance: sopInstance,
          })),
        }
      : {}),
    images: frames.length,
    pixels: figures.reduce((sum, { pixels }) => sum + pixels, 0),
    frames: figures,
    warnings,
  };
}

function figuresOf(
  { source, frame, geometry, width, height }: SeriesFrame,
  mask: Mask,
): { readonly pixels: number } & Record<string, unknown> {
  const found = components(mask);
  const pixels = found.reduce((sum, { area }) => sum + area, 0);
  const { pixel } = geometry;
  return {
    instance: source.sopInstance,
    frame,
    width,
    height,
    pixels,
    share: pixels / (width * height),
    componentCount: found.length,
    ...(pixel ? { areaMm2: pixels * pixel.width * pixel.height, spacingAt: pixel.at } : {}),
  };
}

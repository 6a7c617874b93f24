/**
 * POST /segment: a form with an image and its note; returns the mask as PNG (0 and 255, at the image's size), or what
 * Accept asks for: figures about it, or another kind of file.
 */
import type { DisplayedFrame } from '@reclmis/clinical';
import {
  components,
  defined,
  habitsOf,
  type Mask,
  parseWindow,
  ReclmisError,
  type WindowChoice,
  windowOf,
} from '@reclmis/core';
import { encodePng, openImageBytes, type ReadImage, type ReadOptions } from '@reclmis/files';
import type { Segmentation } from '@reclmis/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Done } from '../admission/batcher.js';
import { compute, type Deadline, deadlineOf, type ServerContext } from '../admission/context.js';
import { MAX_SIDE } from '../admission/limits.js';
import { parseForm } from './multipart.js';
import { checkNote, parseNoteStyle, parseSides } from './note.js';
import { answerWanted, checkAnswer, maskFile } from './segment-answers.js';
import { SEGMENT_SCHEMA } from './openapi.js';
import { setWarnings } from './warnings.js';
import type { Result } from '../admission/work.js';

/** The largest ones; their total is always given. */
const LISTED = 100;
const THRESHOLD_BYTES = 32;
const WORD_BYTES = 32;
const WINDOW_BYTES = 256;

export function registerSegment(app: FastifyInstance, context: ServerContext): void {
  const { model, limits } = context;
  const readsNotes = model.manifest.note !== null;
  const habits = habitsOf(model.manifest);
  const fields = [
    { name: 'note', maxBytes: limits.maxNote * 4, tooLong: 'NOTE_TOO_LONG' },
    { name: 'threshold', maxBytes: THRESHOLD_BYTES, tooLong: 'REQUEST_INVALID' },
    { name: 'sides', maxBytes: WORD_BYTES, tooLong: 'REQUEST_INVALID' },
    { name: 'noteStyle', maxBytes: WORD_BYTES, tooLong: 'REQUEST_INVALID' },
    { name: 'frame', maxBytes: WORD_BYTES, tooLong: 'REQUEST_INVALID' },
    { name: 'window', maxBytes: WINDOW_BYTES, tooLong: 'REQUEST_INVALID' },
  ] as const;

  async function segment(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const query = queryOf(request);
    const answer = answerWanted(request.headers.accept);
    const contentType = request.headers['content-type'] ?? '';
    if (!/^multipart\/form-data\s*;/i.test(contentType)) {
      throw new ReclmisError(
        'REQUEST_UNSUPPORTED',
        'expected a body of type multipart/form-data with a boundary',
      );
    }
    using deadline = deadlineOf(reply, limits.timeout);
    using coming = context.batcher.expect();
    const form = await parseForm(request.body as Buffer, contentType, fields);
    if (!form.image)
      throw new ReclmisError('IMAGE_MISSING', 'the form has no part named image', {
        remedy: 'Send the image file as the part image.',
      });
    const note = noteOf(form.fields.get('note'));
    const threshold = thresholdOf(form.fields.get('threshold'));
    const sides = parseSides(form.fields.get('sides'), 'sides') ?? context.sides;
    const noteStyle = parseNoteStyle(form.fields.get('noteStyle'), 'noteStyle', habits) ?? context.noteStyle;
    const frame = frameOf(form.fields.get('frame'));
    const window = windowAsked(form.fields.get('window')) ?? windowOf(model.manifest);
    const { read, cost, release } = await admit(form.image, defined({ frame, window }), deadline);
    try {
      const { image, clinical } = read;
      checkAnswer(answer, clinical);
      const work = { kind: 'segment', image, note, threshold, ...defined({ sides, noteStyle }) } as const;
      const done = await compute(context, work, cost, deadline.signal, { place: request.place, coming });
      const result = await storedResult(segmentationOf(done), note, clinical);
      setTimings(reply, result, done.waited);
      setWarnings(reply, result.warnings);
      if (answer !== 'json' && answer !== 'png') {
        const { type, name, bytes } = await maskFile(answer, result.mask, clinical, model.manifest.name);
        return await reply
          .type(type)
          .header('Content-Disposition', `attachment; filename="${name}"`)
          .send(bytes);
      }
      const json = answer === 'json';
      const png = json && !query.mask ? null : await deadline.race(pngOf(result.mask));
      if (!json) return await reply.type('image/png').send(Buffer.from(png ?? []));
      return statistics(result, done, threshold ?? model.manifest.threshold, png);
    } finally {
      release();
    }
  }

  function noteOf(note: string | undefined): string {
    if (note === undefined && readsNotes)
      throw new ReclmisError('NOTE_MISSING', 'the form has no field named note', {
        remedy: 'Describe what to segment in the field note.',
      });
    checkNote(note ?? '', limits.maxNote);
    if (readsNotes && note?.trim() === '') throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    return note ?? '';
  }

  /** Decodes once the header shows a small enough image and there is room. */
  async function admit(
    bytes: Buffer,
    shown: Pick<ReadOptions, 'frame' | 'window'>,
    deadline: Deadline,
  ): Promise<{ read: ReadImage; cost: number; release: () => void }> {
    const opening = openImageBytes(bytes, 'image', { maxPixels: limits.maxPixels, ...shown });
    const opened = await deadline.race(opening.catch(asRequest));
    const { width, height } = await deadline.race(opened.header());
    if (Math.max(width, height) > MAX_SIDE)
      throw new ReclmisError(
        'IMAGE_TOO_LARGE',
        `image: ${width} x ${height} pixels, the limit per side is ${MAX_SIDE}`,
      );
    const cost = width * height;
    const release = context.pixels.take(cost);
    const decoding = opened.read();
    try {
      return { read: await deadline.race(decoding), cost, release };
    } catch (error) {
      void decoding.catch(() => undefined).then(release); // a decoder that continues holds its pixels
      throw error;
    }
  }

  /** Masks of DICOM and NIfTI on the pixels as stored, with what the file gives rise to. */
  async function storedResult(
    result: Segmentation,
    note: string,
    clinical: DisplayedFrame | undefined,
  ): Promise<Segmentation> {
    if (!clinical) return result;
    const { storedRaster } = await import('@reclmis/clinical');
    const mask = storedRaster(result.mask, clinical);
    const { source } = clinical;
    const laterality = source.format === 'dicom' ? source.source.laterality : null;
    const ofFile = [...clinical.warnings, ...model.checks.laterality(note, result.note.sides, laterality)];
    const { width, height } = mask;
    return { ...result, mask, width, height, clinical, warnings: [...result.warnings, ...ofFile] };
  }

  function statistics(
    result: Segmentation,
    done: Done<Result>,
    threshold: number,
    png: Uint8Array | null,
  ): Record<string, unknown> {
    const { mask, width, height, timings, confidence, clinical } = result;
    const pixel = clinical?.source.geometryOf(clinical.frame).pixel;
    const { sides, mirrored, style, sent } = result.note;
    const found = components(mask);
    const pixels = found.reduce((sum, { area }) => sum + area, 0);
    return {
      model: model.manifest.name,
      width,
      height,
      threshold,
      ...(readsNotes ? { note: { sides, mirrored, style, sent } } : {}),
      pixels,
      share: pixels / (width * height),
      ...(pixel
        ? {
            spacing: [pixel.width, pixel.height],
            spacingAt: pixel.at,
            areaMm2: pixels * pixel.width * pixel.height,
          }
        : {}),
      componentCount: found.length,
      components: found.slice(0, LISTED).map(({ area, centroid, box }) => ({ pixels: area, centroid, box })),
      ...(confidence ? { confidence } : {}),
      warnings: result.warnings,
      timings: { queue: done.waited, ...timings, batch: done.batch },
      ...(png ? { mask: Buffer.from(png).toString('base64') } : {}),
    };
  }

  app.post('/segment', { schema: SEGMENT_SCHEMA, config: { work: true } }, segment);
}

function segmentationOf({ value }: Done<Result>): Segmentation {
  if (value instanceof Float32Array)
    throw new ReclmisError('INTERNAL', 'expected a segmentation from the queue');
  return value;
}

function pngOf({ width, height, data }: Mask): Promise<Uint8Array> {
  return encodePng({ width, height, data: data.map((value) => (value > 0 ? 255 : 0)) }, 1);
}

/** Phases in milliseconds, for browsers' developer tools. */
function setTimings(reply: FastifyReply, { timings }: Segmentation, queue: number): void {
  const { preprocess, text, segment, postprocess } = timings;
  const phases = Object.entries({ queue, preprocess, text, segment, postprocess });
  reply.header('Server-Timing', phases.map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`).join(', '));
}

function queryOf(request: FastifyRequest): { readonly mask: boolean } {
  const query = request.query as Readonly<Record<string, string | string[]>>;
  for (const key of Object.keys(query)) {
    if (key !== 'mask') throw new ReclmisError('REQUEST_INVALID', 'the query accepts only mask=0 or mask=1');
  }
  const mask = query['mask'] ?? '0';
  if (mask !== '0' && mask !== '1')
    throw new ReclmisError('REQUEST_INVALID', 'query mask: expected 0 or 1, got another value');
  return { mask: mask === '1' };
}

function thresholdOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d*\.?\d+(e-?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new ReclmisError('REQUEST_INVALID', 'threshold: expected a number from 0 to 1, got another value');
}

/** A frame that the image does not have is the request's fault. */
function asRequest(error: unknown): never {
  if (!(error instanceof ReclmisError) || error.code !== 'OPTION_INVALID') throw error;
  throw new ReclmisError('REQUEST_INVALID', error.message, { cause: error });
}

function windowAsked(text: string | undefined): WindowChoice | undefined {
  try {
    return text === undefined ? undefined : parseWindow(text, 'window');
  } catch (error) {
    return asRequest(error);
  }
}

/** From 0. */
function frameOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text.trim())) return Number(text);
  throw new ReclmisError('REQUEST_INVALID', 'frame: expected a whole number from 0, got another value');
}

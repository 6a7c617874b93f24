/**
 * Checks an export: the same images and notes through libtorch and onnxruntime.
 *
 * In float32 only the order of sums differs, so probabilities must agree to 1e-4. For float16 and int8, masks
 * are compared pixel by pixel on real images; pixels near the threshold may change.
 */
import {
  type Cut,
  interestShares,
  type ModelManifest,
  PROBE_NOTE,
  probePlanes,
  probeValues,
  ReclmisError,
  splitOnnx,
} from '@reclmis/core';
import { scope } from '@reclmis/torch';
import type { LoadedModel } from '@reclmis/lab';
import type { ExportCase } from './cases.js';
import { noteWidth, toNote } from './note-input.js';
import { INTEREST, SEGMENTER_NAMES } from './segmenter-graph.js';
import { openOnnx, openParts, type OnnxSession } from './session.js';
import { type ExportedTokenizer, TEXT_NAMES } from './text-graph.js';

export type ExportPrecision = ModelManifest['precision'];

/** As in training's validation. */
export const THRESHOLD = 0.5;
/** Absolute difference of a probability in fp32. */
export const FP32_LIMIT = 1e-4;
/**
 * Absolute difference of a note's feature (of variance 1) in fp32; CLIP's 12 layers add up more error than
 * the word encoder.
 */
export const TEXT_LIMIT = 1e-3;
/** Absolute difference of a patch's or token's share of the interest in fp32: as of a probability. */
export const INTEREST_LIMIT = 1e-4;
/** Least share of pixels on the same side of the threshold. */
export const AGREEMENT: Readonly<Record<ExportPrecision, number>> = {
  fp32: 0.9999, // one pixel in 10,000
  fp16: 0.999, // 11 bits of mantissa: within a thousandth of the threshold
  int8: 0.98, // 8 bits per activation: edges move by up to a pixel
};

export interface CheckReport {
  readonly cases: number;
  readonly real: number;
  readonly worst: number;
  /** Largest absolute difference of a feature; null if the model reads no note. */
  readonly worstNote: number | null;
  /** Largest absolute difference of a patch's or token's share of the interest; null if the model has none. */
  readonly worstInterest: number | null;
  readonly agreement: number;
  /** For the case by which runtimes try their devices. */
  readonly probe: readonly number[];
}

export interface CheckedFiles {
  readonly segmenter: Uint8Array;
  /** Where its note enters; null if it is not cut. */
  readonly cut: Cut | null;
  readonly text: { readonly file: Uint8Array | string; readonly tokenizer: ExportedTokenizer } | null;
}

export interface CheckOptions {
  readonly precision: ExportPrecision;
  readonly threshold: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compares single cases, then a batch of two: the batch size is free. A segmenter that is cut is run whole, as servers
 * do, and in its two parts, as the runtime does.
 * @throws EXPORT_DIFFERS
 */
export async function checkExport(
  model: LoadedModel,
  files: CheckedFiles,
  cases: readonly ExportCase[],
  { precision, threshold, onProgress }: CheckOptions,
): Promise<CheckReport> {
  const segmenter = await openOnnx(files.segmenter);
  const parts = files.cut && (await openParts(splitOnnx(files.segmenter, files.cut), files.cut));
  const text = files.text && {
    session: await openOnnx(files.text.file),
    tokenizer: files.text.tokenizer,
  };
  const tally = { worst: 0, agree: 0, pixels: 0, worstNote: 0, worstInterest: 0 };
  let probe: readonly number[];
  try {
    const groups = [...cases.map((one) => [one]), ...(cases.length > 1 ? [cases.slice(0, 2)] : [])];
    for (const [i, group] of groups.entries()) {
      const notes = group.map(({ note }) => note);
      const images = joined(group.map(({ image }) => image));
      const expected = model.probabilities(images, notes);
      const note = text && (await compareNotes(model, text, notes, tally));
      for (const one of parts ? [segmenter, parts] : [segmenter]) {
        const found = await runSegmenter(one, { images, notes: note, model });
        compareMasks(expected, found.probability, threshold, tally);
        if (model.model.interestSide !== null)
          compareInterest(model, { images, notes, interest: found.interest }, tally);
      }
      onProgress?.(i + 1, groups.length);
    }
    probe = await probeFiles(model, segmenter, text);
  } finally {
    await segmenter.release();
    await parts?.release();
    await text?.session.release();
  }
  const report = {
    cases: cases.length,
    real: cases.filter(({ real }) => real).length,
    worst: tally.worst,
    worstNote: text ? tally.worstNote : null,
    worstInterest: model.model.interestSide === null ? null : tally.worstInterest,
    agreement: tally.pixels === 0 ? 1 : tally.agree / tally.pixels,
    probe,
  };
  judge(report, precision);
  return report;
}

/** @throws EXPORT_DIFFERS */
export function judge(report: Omit<CheckReport, 'probe'>, precision: ExportPrecision): void {
  const { worst, worstNote, worstInterest, agreement } = report;
  const fail = (what: string, actual: number, limit: string): never => {
    throw new ReclmisError(
      'EXPORT_DIFFERS',
      `${precision}, ${report.cases} images: ${what} ${String(Number(actual.toPrecision(4)))}, expected ${limit}`,
    );
  };
  if (!Number.isFinite(worst)) fail('largest difference of a probability', worst, 'a number');
  if (precision === 'fp32' && worst > FP32_LIMIT)
    fail('largest difference of a probability', worst, `at most ${FP32_LIMIT}`);
  if (precision === 'fp32' && worstNote !== null && !(worstNote <= TEXT_LIMIT))
    fail('largest difference of a note feature', worstNote, `at most ${TEXT_LIMIT}`);
  if (precision === 'fp32' && worstInterest !== null && !(worstInterest <= INTEREST_LIMIT))
    fail('largest difference of a share of interest', worstInterest, `at most ${INTEREST_LIMIT}`);
  if (agreement < AGREEMENT[precision])
    fail('share of equal mask pixels', agreement, `at least ${AGREEMENT[precision]}`);
}

export interface TextSession {
  readonly session: OnnxSession;
  readonly tokenizer: ExportedTokenizer;
}

interface Tally {
  worst: number;
  agree: number;
  pixels: number;
  worstNote: number;
  worstInterest: number;
}

function compareMasks(expected: Float32Array, actual: Float32Array, threshold: number, tally: Tally): void {
  if (actual.length !== expected.length) tally.worst = Number.POSITIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((expected[i] ?? Number.NaN) - (actual[i] ?? Number.NaN));
    tally.worst = Math.max(tally.worst, difference); // keeps NaN
  }
  tally.pixels += expected.length;
  tally.agree += equalPixels(expected, actual, threshold);
}

/** Patches and tokens of each case, as the runtime reads them. */
function compareInterest(
  model: LoadedModel,
  { images, notes, interest }: { images: Float32Array; notes: readonly string[]; interest: Float32Array },
  tally: Tally,
): void {
  const { encoder } = model;
  const patches = (model.model.interestSide ?? 0) ** 2;
  const expected = model.interest(images, notes);
  const length = patches + encoder.contextLength;
  for (const [b, note] of notes.entries()) {
    const [a, e] = [interest, expected].map((rows) => {
      const row = rows.slice(b * length, (b + 1) * length);
      return interestShares(row, patches, encoder.tokens(note));
    });
    for (const part of ['patches', 'tokens'] as const)
      e?.[part].forEach((share, i) => {
        const difference = Math.abs(share - (a?.[part][i] ?? Number.NaN));
        tally.worstInterest = Math.max(tally.worstInterest, difference); // keeps NaN
      });
  }
}

/** Pixels on the same side of the threshold; missing ones in `actual` count as below. */
export function equalPixels(expected: Float32Array, actual: Float32Array, threshold: number): number {
  let equal = 0;
  for (let i = 0; i < expected.length; i++)
    equal += Number((expected[i] ?? Number.NaN) >= threshold === (actual[i] ?? Number.NaN) >= threshold);
  return equal;
}

async function probeFiles(
  model: LoadedModel,
  segmenter: OnnxSession,
  text: TextSession | null,
): Promise<readonly number[]> {
  const images = probePlanes(model.size);
  const notes = text && (await encodeNotes(text, [PROBE_NOTE]));
  const { probability } = await runSegmenter(segmenter, { images, notes, model });
  return probeValues(probability, model.size);
}

async function compareNotes(
  model: LoadedModel,
  text: TextSession,
  notes: readonly string[],
  tally: Tally,
): Promise<Float32Array> {
  const actual = await encodeNotes(text, notes);
  const expected = scope(() => toNote(model.encoder.encode(notes), model.model.noteInput).toFloat32Array());
  for (let i = 0; i < expected.length; i++)
    tally.worstNote = Math.max(
      tally.worstNote,
      Math.abs((expected[i] ?? Number.NaN) - (actual[i] ?? Number.NaN)),
    );
  return actual;
}

export async function encodeNotes(
  { session, tokenizer }: TextSession,
  notes: readonly string[],
): Promise<Float32Array> {
  const tokens = notes.map((note) => tokenizer.tokens(note));
  const T = tokens[0]?.length ?? 0;
  const data = BigInt64Array.from(tokens.flat(), (id) => BigInt(id));
  const outputs = await session.run({ [TEXT_NAMES.tokens]: { data, shape: [notes.length, T] } });
  return outputs.get(TEXT_NAMES.note) ?? new Float32Array(0);
}

/** Images [B,3,S,S] and features [B,T,W] (or null) -> probabilities [B,1,S,S], interest [B,N+T], empty if it has none. */
export async function runSegmenter(
  segmenter: Pick<OnnxSession, 'run'>,
  { images, notes, model }: { images: Float32Array; notes: Float32Array | null; model: LoadedModel },
): Promise<{ probability: Float32Array; interest: Float32Array }> {
  const S = model.size;
  const B = images.length / (3 * S * S);
  const outputs = await segmenter.run({
    [SEGMENTER_NAMES.image]: { data: images, shape: [B, 3, S, S] },
    ...(notes === null
      ? {}
      : {
          [SEGMENTER_NAMES.note]: {
            data: notes,
            shape: [B, model.encoder.contextLength, noteWidth(model.model, model.encoder.width)],
          },
        }),
  });
  const [probability, interest] = [SEGMENTER_NAMES.probability, INTEREST].map(
    (name) => outputs.get(name) ?? new Float32Array(0),
  ) as [Float32Array, Float32Array];
  return { probability, interest };
}

export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

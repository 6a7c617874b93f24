/**
 * Chooses the layers that stay in float, as few as possible. A layer's own error says little about the mask,
 * since later layers forgive some errors; so whole graphs are compared on images that calibration did not
 * see, and layers with the most effect return to float if needed.
 */
import type { CalibrationInputs } from './calibrate.js';
import { AGREEMENT, equalPixels, THRESHOLD } from './check.js';
import { encodeModel } from './onnx-model.js';
import type { OnnxGraph } from './onnx-graph.js';
import { SEGMENTER_NAMES } from './segmenter-graph.js';
import { openOnnx } from './session.js';

/**
 * Least soft Dice of quantised with float probabilities. On validation images masks differed by 0.8 points of
 * Dice at 0.9995, 0.5 at 0.9998 and 0.4 at 0.9999; int8 may cost 0.3 points of Dice with the truth.
 */
export const SOFT_DICE_LIMIT = 0.9998;
const COMPARED = 3;

/**
 * The fewest layers, most effective first, without which the quantised graph agrees. One run over the cases
 * if none; otherwise quantises each layer alone on a few cases and finds k in about 2 log2(k) runs.
 * @param quantised quantises all but these layers @returns weights of the float layers @throws EXPORT_DIFFERS
 * if onnxruntime fails
 */
export async function floatLayers(
  graph: OnnxGraph,
  weights: readonly string[],
  quantised: (float: ReadonlySet<string>) => OnnxGraph,
  cases: readonly CalibrationInputs[],
  signal?: AbortSignal,
): Promise<Set<string>> {
  const expected = await probabilities(graph, cases, signal);
  const agrees = async (float: ReadonlySet<string>): Promise<boolean> => {
    const actual = await probabilities(quantised(float), cases, signal);
    return softDice(expected, actual) >= SOFT_DICE_LIMIT && sameSide(expected, actual) >= AGREEMENT.int8;
  };
  if (await agrees(new Set())) return new Set();
  const few = cases.slice(0, COMPARED);
  const effects: { readonly weight: string; readonly agreement: number }[] = [];
  for (const weight of weights) {
    const alone = quantised(new Set(weights.filter((other) => other !== weight)));
    const actual = await probabilities(alone, few, signal);
    effects.push({ weight, agreement: softDice(expected.slice(0, COMPARED), actual) });
  }
  const worst = effects.sort((a, b) => a.agreement - b.agreement).map(({ weight }) => weight);
  const first = (count: number): Set<string> => new Set(worst.slice(0, count));
  return first(1 + (await leastCount(worst.length - 1, (count) => agrees(first(1 + count)))));
}

/** The least count that holds, if larger ones do; `most` is not tried. */
export async function leastCount(most: number, holds: (count: number) => Promise<boolean>): Promise<number> {
  let fails = -1;
  let enough = 0;
  while (enough < most && !(await holds(enough))) {
    fails = enough;
    enough = Math.min(most, Math.max(1, 2 * enough));
  }
  while (enough - fails > 1) {
    const middle = (fails + enough) >> 1;
    if (await holds(middle)) enough = middle;
    else fails = middle;
  }
  return enough;
}

async function probabilities(
  graph: OnnxGraph,
  cases: readonly CalibrationInputs[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const session = await openOnnx(encodeModel(graph, 'quantised', { shapes: false }));
  const found: Float32Array[] = [];
  try {
    for (const inputs of cases) {
      signal?.throwIfAborted();
      const results = await session.run(inputs);
      found.push(results.get(SEGMENTER_NAMES.probability) ?? new Float32Array());
    }
  } finally {
    await session.release();
  }
  return found;
}

/** 2 sum(pq) / (sum(pp) + sum(qq)) over all cases; 1 if all are 0. */
export function softDice(expected: readonly Float32Array[], actual: readonly Float32Array[]): number {
  let [shared, all] = [0, 0];
  for (const [k, values] of expected.entries()) {
    const others = actual[k] ?? new Float32Array();
    for (let i = 0; i < values.length; i++) {
      const p = values[i] ?? Number.NaN;
      const q = others[i] ?? Number.NaN;
      shared += p * q;
      all += p * p + q * q;
    }
  }
  return all === 0 ? 1 : (2 * shared) / all;
}

/** Pixels on the same side of the threshold: soft Dice misses that an untrained model's maps lie near it. */
export function sameSide(expected: readonly Float32Array[], actual: readonly Float32Array[]): number {
  const all = expected.reduce((sum, { length }) => sum + length, 0);
  const same = expected.reduce(
    (sum, values, k) => sum + equalPixels(values, actual[k] ?? new Float32Array(), THRESHOLD),
    0,
  );
  return all === 0 ? 1 : same / all;
}

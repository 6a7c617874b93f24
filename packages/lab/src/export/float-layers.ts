/**
 * Which layers stay in float: as few as the model's output allows. What a layer loses in 8 bits (`layer-error.ts`) says little of what the mask loses,
 * for later layers forgive some errors and not others; so the whole quantised graph is compared with the float one on images that calibration did
 * not see, and only where their probabilities or masks differ too much the noisiest layers go back to float.
 */
import type { CalibrationInputs } from './calibrate.js';
import { AGREEMENT, THRESHOLD } from './check.js';
import type { LayerError } from './layer-error.js';
import { encodeModel } from './onnx-model.js';
import type { OnnxGraph } from './onnx-graph.js';
import { SEGMENTER_NAMES } from './segmenter-graph.js';
import { openOnnx } from './session.js';

/**
 * Least soft Dice of the quantised graph's probabilities with the float one's, so that at most 0.3 points of Dice are lost. At 0.9995 trained masks
 * and float ones differ by 0.9 points, to both sides of the truth: its Dice moved by up to 0.15. Differences grow with the root of what is missing.
 */
export const SOFT_DICE_LIMIT = 0.999;

/**
 * The fewest layers, noisiest first, without which the quantised graph agrees with the float one. Found by doubling and halving their number, so
 * that k of them take about 2 log2(k) runs over the cases, and none a single one.
 * @param quantised the graph in which all but these layers are quantised.
 * @returns the weights of the layers that stay in float. @throws EXPORT_DIFFERS where onnxruntime fails.
 */
export async function floatLayers(
  graph: OnnxGraph,
  errors: readonly LayerError[],
  quantised: (float: ReadonlySet<string>) => OnnxGraph,
  cases: readonly CalibrationInputs[],
  signal?: AbortSignal,
): Promise<Set<string>> {
  const expected = await probabilities(graph, cases, signal);
  const noisiest = [...errors].sort((a, b) => b.noise - a.noise).map(({ layer }) => layer.weight);
  const first = (count: number): Set<string> => new Set(noisiest.slice(0, count));
  const agrees = async (count: number): Promise<boolean> => {
    const actual = await probabilities(quantised(first(count)), cases, signal);
    return softDice(expected, actual) >= SOFT_DICE_LIMIT && sameSide(expected, actual) >= AGREEMENT.int8;
  };
  return first(await leastCount(noisiest.length, agrees));
}

/** The least count that holds, where all above one that holds do; `most` is taken to hold, and is not tried. */
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

/** Of each case, [1,1,S,S]. */
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

/** 2 sum(pq) / (sum(pp) + sum(qq)), over all cases together; 1 where both are 0 everywhere. */
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

/** Share of the pixels on the same side of the threshold, as the exporter's check counts them: of an untrained model whole maps lie near it, which soft Dice does not see. */
export function sameSide(expected: readonly Float32Array[], actual: readonly Float32Array[]): number {
  let [same, all] = [0, 0];
  for (const [k, values] of expected.entries()) {
    const others = actual[k] ?? new Float32Array();
    for (let i = 0; i < values.length; i++) {
      same += Number((values[i] ?? Number.NaN) >= THRESHOLD === (others[i] ?? Number.NaN) >= THRESHOLD);
      all += 1;
    }
  }
  return all === 0 ? 1 : same / all;
}

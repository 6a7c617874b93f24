/**
 * The passes by precision: which run, in which order, and why. All begin with the graph of
 * `segmenter-graph.ts` and `text-graph.ts`, with constants already folded.
 */
import type { ExportPrecision } from './check.js';
import { equalise } from './equalise.js';
import { biasInProducts } from './few-outputs.js';
import { separateConstants } from './fold.js';
import { toHalf } from './half.js';
import { type Calibration, quantiseCalibrated } from './int8.js';
import type { OnnxGraph } from './onnx-graph.js';
import { foldUpsampling } from './phases.js';
import { maximaByParts, meansAsConvolutions, projectChannelsLast, reduceChannelsLast } from './reductions.js';
import { fewerProducts, fewerProductsOfDoubled } from './winograd.js';

/** A pass that needs the graph alone. */
interface GraphPass {
  readonly why: string;
  /** For the note encoder too; default the segmenter alone. */
  readonly text?: true;
  readonly run: (graph: OnnxGraph) => void;
}

/** A pass that measures the graph on cases. */
interface MeasuringPass {
  readonly why: string;
  /** @returns weights of the layers that stay in float; empty if it does not decide that */
  readonly measure: (graph: OnnxGraph, calibration: Calibration) => Promise<readonly string[]>;
}

/** One pass, which changes a graph in place. */
export type Pass = GraphPass | MeasuringPass;

/** In the order in which they run. */
export const PASSES: Readonly<Record<ExportPrecision, readonly Pass[]>> = {
  fp32: [
    {
      run: fewerProductsOfDoubled,
      why: 'many channels: 2.25 products a pixel instead of the 4 of phases, which would otherwise take these maps',
    },
    { run: foldUpsampling, why: 'other convolutions of upsampled maps compute on the small map' },
    { run: meansAsConvolutions, why: 'onnxruntime leaves its layout of convolutions for a reduction' },
    { run: maximaByParts, why: 'the same for maxima' },
    { run: fewerProducts, why: 'Winograd’s tiles for the 3x3 convolutions that are left' },
    { run: biasInProducts, why: 'PLAM’s products per pixel, with few outputs, add their bias slowly' },
  ],
  fp16: [
    { run: toHalf, text: true, why: 'half the bytes; the only precision that changes the note encoder' },
  ],
  int8: [
    { run: separateConstants, why: 'equalising changes the constants of one node without the others' },
    { run: reduceChannelsLast, why: 'onnxruntime keeps quantised convolutions with the channels last' },
    { run: projectChannelsLast, why: 'the same for convolutions to one channel' },
    {
      measure: async (graph, { used, signal }) => {
        await equalise(graph, used, signal);
        return [];
      },
      why: 'a tensor has one scale, so its channels need like ranges before these are measured',
    },
    {
      measure: quantiseCalibrated,
      why: 'what it measures is the graph that all others have changed, but for the last, which keeps every value',
    },
    { run: biasInProducts, why: 'the same as in fp32; equalising and quantising know products, not Gemm' },
  ],
};

/**
 * Runs a precision's passes, in place.
 * @param calibration cases of int8; null for a precision that measures nothing @returns weights of the layers
 * that stay in float @throws EXPORT_DIFFERS
 */
export async function runPasses(
  precision: ExportPrecision,
  { segmenter, text }: { readonly segmenter: OnnxGraph; readonly text: OnnxGraph | null },
  calibration: Calibration | null,
): Promise<readonly string[]> {
  const float: string[] = [];
  for (const pass of PASSES[precision]) {
    if ('run' in pass) {
      pass.run(segmenter);
      if (pass.text && text) pass.run(text);
    } else if (calibration) float.push(...(await pass.measure(segmenter, calibration)));
  }
  return float;
}

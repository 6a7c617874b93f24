/** The steps of an int8 export: like ranges for all channels, ranges of tensors, what biases take back, the layers that stay in float, and the quantisation of the others. */
import { scope } from '@reclmis/torch';
import type { LoadedModel } from '@reclmis/lab';
import { calibrate, type CalibrationInputs } from './calibrate.js';
import type { CalibrationCases, ExportCase } from './cases.js';
import { equalise } from './equalise.js';
import { separateConstants } from './fold.js';
import { floatLayers } from './float-layers.js';
import { measureShifts } from './bias-shifts.js';
import { copyOf, type OnnxGraph } from './onnx-graph.js';
import { layersOf, quantise, tensorsToCalibrate } from './quantise.js';
import { reduceChannelsLast, projectChannelsLast } from './reductions.js';
import { SEGMENTER_NAMES } from './segmenter-graph.js';

/** Cases on which the shifts of channels are measured; they differ little from case to case. */
const MEASURED = 4;

export interface Int8Options {
  readonly onStage?: (stage: 'calibrating') => void;
  /** Looked at before each case. */
  readonly signal?: AbortSignal;
}

/** Quantises the segmenter in place. @returns the weights of the layers that stayed in float. @throws EXPORT_DIFFERS */
export async function toInt8(
  graph: OnnxGraph,
  model: LoadedModel,
  { used, kept }: CalibrationCases,
  { onStage, signal }: Int8Options = {},
): Promise<string[]> {
  onStage?.('calibrating');
  const inputs = used.map((one) => inputsOf(model, one));
  const unseen = kept.map((one) => inputsOf(model, one));
  separateConstants(graph);
  reduceChannelsLast(graph);
  projectChannelsLast(graph);
  await equalise(graph, inputs, signal);
  const layers = layersOf(graph);
  const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), inputs, signal);
  const shifts = await measureShifts(graph, layers, ranges, inputs.slice(0, MEASURED));
  const quantised = (into: OnnxGraph, float: ReadonlySet<string>): OnnxGraph =>
    quantise(
      into,
      layersOf(into).filter(({ weight }) => !float.has(weight)),
      ranges,
      shifts,
    );
  const weights = layers.map(({ weight }) => weight);
  const float = await floatLayers(graph, weights, (tried) => quantised(copyOf(graph), tried), unseen, signal);
  quantised(graph, float);
  return [...float];
}

function inputsOf(model: LoadedModel, { image, note }: ExportCase): CalibrationInputs {
  const S = model.size;
  const { encoder } = model;
  const shape = [1, encoder.contextLength, encoder.width];
  return {
    [SEGMENTER_NAMES.image]: { data: image, shape: [1, 3, S, S] },
    ...(model.model.readsNotes
      ? {
          [SEGMENTER_NAMES.note]: {
            data: scope(() => encoder.encode([note]).features.toFloat32Array()),
            shape,
          },
        }
      : {}),
  };
}

/** The steps of an int8 export: like ranges for all channels, ranges of tensors, the layers' errors, and the quantisation of those that bear it. */
import { scope } from '@reclmis/torch';
import type { LoadedModel } from '../run.js';
import { calibrate, type CalibrationInputs } from './calibrate.js';
import type { ExportCase } from './cases.js';
import { equalise } from './equalise.js';
import { separateConstants } from './fold.js';
import { measureLayers, NOISE_LIMIT } from './layer-error.js';
import type { OnnxGraph } from './onnx-graph.js';
import { layersOf, quantise, tensorsToCalibrate } from './quantise.js';
import { reduceChannelsLast, projectChannelsLast } from './reductions.js';
import { SEGMENTER_NAMES } from './segmenter-graph.js';

/** Cases on which the layers' errors are measured; they differ little from case to case. */
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
  cases: readonly ExportCase[],
  { onStage, signal }: Int8Options = {},
): Promise<string[]> {
  onStage?.('calibrating');
  const inputs = cases.map((one) => inputsOf(model, one));
  separateConstants(graph);
  reduceChannelsLast(graph);
  projectChannelsLast(graph);
  await equalise(graph, inputs, signal);
  const layers = layersOf(graph);
  const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), inputs, signal);
  const errors = await measureLayers(graph, layers, ranges, inputs.slice(0, MEASURED));
  const bearing = errors.filter(({ noise }) => noise <= NOISE_LIMIT).map(({ layer }) => layer);
  quantise(graph, bearing, ranges);
  return errors.filter(({ noise }) => !(noise <= NOISE_LIMIT)).map(({ layer }) => layer.weight);
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

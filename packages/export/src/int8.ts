/** The last pass of an int8 export: ranges, bias shifts and float layers; quantises the rest. */
import { scope } from '@reclmis/torch';
import type { LoadedModel } from '@reclmis/lab';
import { calibrate, type CalibrationInputs } from './calibrate.js';
import type { CalibrationCases, ExportCase } from './cases.js';
import { floatLayers } from './float-layers.js';
import { measureShifts } from './bias-shifts.js';
import { copyOf, type OnnxGraph } from './onnx-graph.js';
import { layersOf, quantise, tensorsToCalibrate } from './quantise.js';
import { noteWidth, toNote } from './note-input.js';
import { SEGMENTER_NAMES } from './segmenter-graph.js';

/** For shifts, which differ little between cases. */
const MEASURED = 4;

export interface Calibration {
  /** For the ranges. */
  readonly used: readonly CalibrationInputs[];
  /** For judging the choice of float layers. */
  readonly kept: readonly CalibrationInputs[];
  /** Checked before each case. */
  readonly signal?: AbortSignal;
}

export function calibrationOf(
  model: LoadedModel,
  { used, kept }: CalibrationCases,
  signal?: AbortSignal,
): Calibration {
  return {
    used: used.map((one) => inputsOf(model, one)),
    kept: kept.map((one) => inputsOf(model, one)),
    ...(signal ? { signal } : {}),
  };
}

/** Quantises the segmenter in place. @returns weights of the float layers. @throws EXPORT_DIFFERS */
export async function quantiseCalibrated(
  graph: OnnxGraph,
  { used, kept, signal }: Calibration,
): Promise<string[]> {
  const layers = layersOf(graph);
  const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), used, signal);
  const shifts = await measureShifts(graph, layers, ranges, used.slice(0, MEASURED));
  const quantised = (into: OnnxGraph, float: ReadonlySet<string>): OnnxGraph =>
    quantise(
      into,
      layersOf(into).filter(({ weight }) => !float.has(weight)),
      ranges,
      shifts,
    );
  const weights = layers.map(({ weight }) => weight);
  const float = await floatLayers(graph, weights, (tried) => quantised(copyOf(graph), tried), kept, signal);
  quantised(graph, float);
  return [...float];
}

function inputsOf(model: LoadedModel, { image, note }: ExportCase): CalibrationInputs {
  const S = model.size;
  const { encoder } = model;
  const shape = [1, encoder.contextLength, noteWidth(model.model, encoder.width)];
  return {
    [SEGMENTER_NAMES.image]: { data: image, shape: [1, 3, S, S] },
    ...(model.model.readsNotes
      ? {
          [SEGMENTER_NAMES.note]: {
            data: scope(() => toNote(encoder.encode([note]), model.model.noteInput).toFloat32Array()),
            shape,
          },
        }
      : {}),
  };
}

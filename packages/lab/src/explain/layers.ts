/**
 * Finds the layers that give maps, for Grad-CAM, by their checkpoint names.
 *
 * A map is [1,C,h,h], or tokens of one of the model's grids, [1,N,C] with N = h x h, after those that are no
 * places (`tokenGrids`).
 *
 * S side of the model's input, T tokens, C channels, h side of the map.
 */
import { nn, noGrad, scope, Tensor, zeros } from '@reclmis/torch';
import type { Segmenter } from '../engine/segmenter.js';
import type { TokenGrid } from '../model/segmentation-model.js';

export interface MapLayer {
  /** As in `namedModules`, e.g. `up4.nConvs.0`. */
  readonly path: string;
  /** C. */
  readonly channels: number;
  /** h. */
  readonly side: number;
}

export interface MapContext {
  /** S. */
  readonly size: number;
  /** T; 0 if the model reads no notes. */
  readonly tokens: number;
  readonly grids: readonly TokenGrid[];
  readonly outOfOrder: RegExp | null;
}

/** A layer by its path in `namedModules`. */
export interface Layer {
  readonly path: string;
  readonly module: nn.Module | undefined;
}

/** A layer's output as a map [C,h,h], a view, or null. */
export function asMap(output: unknown, { path, module }: Layer, context: MapContext): Tensor | null {
  if (!(output instanceof Tensor) || output.size(0) !== 1) return null;
  const { size, tokens, grids, outOfOrder } = context;
  if (outOfOrder?.test(path)) return null;
  if (output.shape.length === 4) {
    const [, , height, width] = output.shape4();
    const square = height === width && height > 1 && size % height === 0;
    return square ? output.squeeze(0) : null; // [C,h,h]
  }
  const alongLength = module instanceof nn.Conv1d || module instanceof nn.BatchNorm1d; // [1,C,L]
  if (output.shape.length !== 3 || alongLength) return null;
  const [, L, C] = output.shape3();
  const grid = grids.find(({ side, before }) => side > 1 && L === before + side ** 2);
  if (!grid || L === tokens) return null;
  const { side, before } = grid;
  return output
    .narrow(1, before, side ** 2)
    .reshape([side, side, C])
    .permute([2, 0, 1]); // [C,h,h]
}

export function describeOutput(output: unknown): string {
  return output instanceof Tensor ? `[${output.shape.join(', ')}]` : 'several tensors';
}

/** The layers with maps, in running order; runs the model on an empty image. */
export function mapLayers(segmenter: Segmenter): MapLayer[] {
  const { model, encoder, engine, size } = segmenter;
  const found = new Map<string, MapLayer>();
  const context = mapContext(segmenter);
  const taps = new Map<string, nn.Tap>();
  for (const [path, module] of model.namedModules()) {
    if (path === '' || !nn.isTappable(module)) continue;
    taps.set(path, (output) => {
      const map = scope(() => asMap(output, { path, module }, context)?.shape ?? null);
      if (map) found.set(path, { path, channels: map[0] ?? 0, side: map[1] ?? 0 });
    });
  }
  noGrad(() =>
    scope(() => {
      const note = model.readsNotes ? encoder.encode([''], engine.device) : null;
      const image = zeros([1, 3, size, size], { device: engine.device });
      nn.withTaps(model, taps, () => model.segment(image, note));
    }),
  );
  return [...found.values()];
}

export function mapContext({
  model,
  encoder,
  size,
}: Pick<Segmenter, 'model' | 'encoder' | 'size'>): MapContext {
  const { tokenGrids: grids, outOfOrder } = model;
  return { size, tokens: model.readsNotes ? encoder.contextLength : 0, grids, outOfOrder };
}

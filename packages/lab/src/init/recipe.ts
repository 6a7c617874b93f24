/**
 * How a parameter is made from a file's tensors: which, turned how, and resized if it is a table over
 * positions.
 *
 * `fit` judges a recipe by shapes alone, `make` follows it.
 */
import { cat, Tensor } from '@reclmis/torch';
import type { RowPairs } from './words.js';

/** Shapes of a file's tensors by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface Recipe {
  /** Names in the file; several are joined along their rows. */
  readonly from: readonly string[];
  /**
   * How the file's axes differ: `hwio` a convolution's kernel of height, width, inputs, outputs; `io` a
   * matrix of inputs and outputs, either split into heads or not; `row` numbers to flatten. Default: none.
   */
  readonly layout?: 'hwio' | 'io' | 'row';
  /** Only these rows: query (0), key (1) or value (2) of a joint projection. */
  readonly third?: 0 | 1 | 2;
  /**
   * `positions`: a row per place of a square grid, after the class token's, if any. `bias`: a row per offset
   * in a square window.
   */
  readonly table?: 'positions' | 'bias';
  /** Rows of a matrix of another height; the others keep their values. */
  readonly rows?: RowPairs;
}

/** How a tensor fits; null: not at all. */
export type Fit = 'as-is' | 'resized' | 'rows' | null;

/** `side` rows a side, after `extra` others. */
interface Square {
  readonly extra: 0 | 1;
  readonly side: number;
}

/** @param target the shape of our parameter. */
export function fit(recipe: Recipe, file: Shapes, target: readonly number[]): Fit {
  const shape = turnedShape(recipe, file, target);
  if (!shape) return null;
  if (recipe.rows) return fitRows(recipe.rows, shape, target);
  if (recipe.table) return fitTable(recipe.table, shape, target);
  return shape.join() === target.join() ? 'as-is' : null;
}

/** The parameter, [target], or its rows, in the current scope. `fit` must have agreed. */
export function make(recipe: Recipe, read: (name: string) => Tensor, target: readonly number[]): Tensor {
  const parts = recipe.from.map((name) => turn(read(name), recipe, target));
  const [first] = parts;
  const whole = parts.length === 1 && first ? first : cat(parts, 0);
  const own =
    recipe.third === undefined ? whole : whole.narrow(0, recipe.third * thirdOf(whole), thirdOf(whole));
  if (recipe.rows) return own.indexSelect(0, rowIndex(recipe.rows.map(([, file]) => file)));
  return recipe.table ? resizeTable(own.to({ dtype: 'float32' }), recipe.table, target) : own;
}

/** Puts the result of `make` into a parameter, whose other rows stay. */
export function put(parameter: Tensor, made: Tensor, { rows }: Recipe): void {
  if (!rows) parameter.copy_(made);
  else {
    const index = rowIndex(rows.map(([own]) => own)).to({ device: parameter.device });
    parameter.indexPut_([index], made.to({ dtype: parameter.dtype, device: parameter.device }));
  }
}

const rowIndex = (rows: readonly number[]): Tensor =>
  Tensor.fromInt64(BigInt64Array.from(rows, BigInt), [rows.length]);

const thirdOf = (whole: Tensor): number => whole.size(0) / 3;

function turn(tensor: Tensor, { layout }: Recipe, target: readonly number[]): Tensor {
  if (layout === 'hwio') return tensor.permute([3, 2, 0, 1]);
  if (layout === 'row') return tensor.reshape([tensor.numel]);
  if (layout !== 'io') return tensor;
  const inputs = target[1] ?? 1;
  return tensor.reshape([inputs, tensor.numel / inputs]).transpose(0, 1); // [outputs,inputs]
}

/** The shape before any resizing; null where a tensor is missing or cannot be turned. */
function turnedShape(recipe: Recipe, file: Shapes, target: readonly number[]): readonly number[] | null {
  const parts: (readonly number[])[] = [];
  for (const name of recipe.from) {
    const shape = file.get(name);
    const turned = shape && turnedPart(shape, recipe, target);
    if (!turned) return null;
    parts.push(turned);
  }
  const [first] = parts;
  if (!first) return null;
  const [own = 0, ...rest] = first;
  if (parts.some((part) => part.slice(1).join() !== rest.join())) return null;
  const rows = parts.length === 1 ? own : parts.reduce((sum, [count = 0]) => sum + count, 0);
  if (recipe.third === undefined) return first.length === 0 ? first : [rows, ...rest];
  return rows % 3 === 0 ? [rows / 3, ...rest] : null;
}

function turnedPart(
  shape: readonly number[],
  { layout }: Recipe,
  target: readonly number[],
): readonly number[] | null {
  if (layout === 'hwio') {
    const [H, W, I, O] = shape;
    return shape.length === 4 ? [O!, I!, H!, W!] : null;
  }
  if (layout === 'row') return [count(shape)];
  if (layout !== 'io') return shape;
  const inputs = target[1] ?? 1;
  // The inputs are the first axes, split into heads or not.
  let taken = 1;
  for (const size of shape) {
    if (taken === inputs) break;
    taken *= size;
  }
  return taken === inputs ? [count(shape) / inputs, inputs] : null;
}

/** Numbers in a tensor. */
export const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function fitRows(rows: RowPairs, shape: readonly number[], target: readonly number[]): Fit {
  const within = (at: number, [height = 0]: readonly number[]): boolean => at < height;
  const same = shape.length === 2 && target.length === 2 && shape[1] === target[1];
  const inside = rows.every(([own, file]) => within(own, target) && within(file, shape));
  return same && inside && rows.length > 0 ? 'rows' : null;
}

function fitTable(table: 'positions' | 'bias', shape: readonly number[], target: readonly number[]): Fit {
  const rows = target.length - 2;
  if (rows < 0 || shape.length !== target.length) return null;
  if (!target.every((size, axis) => axis === rows || size === shape[axis])) return null;
  if (shape.join() === target.join()) return 'as-is';
  const [from, to] = [squareOf(table, shape), squareOf(table, target)];
  if (!from || !to || to.extra > from.extra) return null;
  return from.side === to.side ? 'as-is' : 'resized';
}

/**
 * The square of [..,rows,C], or null. A window of M x M has offsets from -(M-1) to M-1 either way, an odd
 * number; a grid has any side, and may follow the class token.
 */
function squareOf(table: 'positions' | 'bias', shape: readonly number[]): Square | null {
  const rows = shape[shape.length - 2] ?? 0;
  for (const extra of table === 'bias' ? ([0] as const) : ([0, 1] as const)) {
    const side = Math.round(Math.sqrt(rows - extra));
    if (side > 0 && side * side === rows - extra && (table !== 'bias' || side % 2 === 1))
      return { extra, side };
  }
  return null;
}

/** Bicubic, corners not aligned, as the authors of Swin and timm. [..,rows,C] -> target. */
function resizeTable(tensor: Tensor, table: 'positions' | 'bias', target: readonly number[]): Tensor {
  const from = squareOf(table, tensor.shape);
  const to = squareOf(table, target);
  if (!from || !to || tensor.shape.join() === target.join()) return tensor;
  const C = target[target.length - 1] ?? 1;
  const rows = tensor.reshape([from.extra + from.side * from.side, C]);
  const places = rows.narrow(0, from.extra, from.side * from.side);
  const resized =
    from.side === to.side
      ? places
      : places
          .transpose(0, 1)
          .reshape([1, C, from.side, from.side])
          .contiguous()
          .upsampleBicubic2d([to.side, to.side], false) // [1,C,side,side]
          .reshape([C, to.side * to.side])
          .transpose(0, 1); // [places,C]
  const whole = to.extra === 1 ? cat([rows.narrow(0, 0, 1), resized], 0) : resized;
  return whole.reshape(target);
}

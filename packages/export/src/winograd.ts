/**
 * Halves or quarters the products of 3x3 convolutions by Winograd's filtering (Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", CVPR 2016), in common operators. Four outputs of a row read
 * six inputs x; with the matrices A, B and G below
 *
 *     y = A' [ (G w) . (B' x) ],    a product and a sum over channels for each of the six places
 *
 * takes 6 products instead of 12. In both directions, F(4x4, 3x3), a tile takes 36 instead of 144; along one
 * axis, 6 instead of 12 for each of the other's three weights. For n places of tiles of m pixels:
 *
 *     V [B,nC,h,w]  B' x of every tile, by convolutions with the tile's stride, whose padding gives the border
 *     M [B,nO,h,w]  products of matrices [n,O,C] and [B,n,C,hw] or, for rows, a convolution in n groups
 *     Y [B,m,Ohw]   a product with A' [m,n]; then tiles' rows and columns are put in place
 *
 * The file keeps the 3x3 weights; runtimes compute G w once, at load time: they use matrices as they are but
 * would rearrange a convolution's weights (docs/measurements/export.md).
 *
 * Transforming an input costs the same for any number of readers, so few channels use one axis only. Factors
 * up to 8 along each axis lose about one of float32's seven digits; 11 or 8 bits have none to spare.
 */
import { dropUnused } from './fold.js';
import { float32Of, floats, int, integers, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';
import { convolution, doubledInputs, interleave, isPlain, type Part, sliceInputs } from './phases.js';
import { type Size, sizesIn } from './sizes.js';

type Matrix = readonly (readonly number[])[];

const [TILE, READ] = [4, 6];

/** For the points 0, 1, -1, 2, -2 and infinity. */
const B_TRANSPOSED: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
/** B' of six pixels whose middle four are two doubled ones. */
const DOUBLED_READ = 4;
const B_OF_DOUBLED: Matrix = B_TRANSPOSED.map(([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => [
  a,
  b + c,
  d + e,
  f,
]);
const G: Matrix = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
const A_TRANSPOSED: Matrix = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** Fewest input and output channels for which tiles pay (docs/measurements/export.md). */
const LEAST = { rows: 64, both: 128, doubled: 128 } as const;

/** Rewrites 3x3 convolutions in place, if there are enough channels. */
export function fewerProducts(graph: OnnxGraph): void {
  const { constants } = graph;
  const sizeOf = sizesIn(graph);
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const [input = '', weight = ''] = node.inputs;
    const [O = 0, C = 0] = constants.get(weight)?.shape ?? [];
    const size = sizeOf(input);
    const channels = Math.min(O, C);
    if (node.op !== 'Conv' || !isPlain(node, 3) || !size || channels < LEAST.rows) return [node];
    const parts = [{ name: input, from: 0, count: C, doubled: false }];
    return new Tiling(graph, node, { O, parts, size, columns: channels >= LEAST.both }).nodes;
  });
  dropUnused(graph);
}

/**
 * Rewrites 3x3 convolutions of doubled maps with enough channels in 4x4 tiles; in place. A tile reads 4x4
 * pixels of the small map, so one matrix leads from these to its 36 places. The large map is never made, and
 * each pixel costs 2.25 products instead of the 4 of `phases.ts`. Products of skip and doubled map are added.
 */
export function fewerProductsOfDoubled(graph: OnnxGraph): void {
  const doubledInput = doubledInputs(graph);
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const found = doubledInput(node);
    const [O = 0] = graph.constants.get(node.inputs[1] ?? '')?.shape ?? [];
    if (!found || Math.min(O, found.up.count) < LEAST.doubled) return [node];
    const [h, w] = found.size;
    const parts = [
      ...found.rest.map((part) => ({ ...part, doubled: false })),
      { ...found.up, name: found.small, doubled: true },
    ];
    return new Tiling(graph, node, { O, parts, size: [2 * h, 2 * w], columns: true }).nodes;
  });
  dropUnused(graph);
}

interface Layer {
  readonly O: number;
  /** For rows, a single part that is not doubled. */
  readonly parts: readonly InputPart[];
  readonly size: Size;
  /** True for 4x4 tiles, false for 4x1. */
  readonly columns: boolean;
}

interface InputPart extends Part {
  /** Whether each pixel is read as four. */
  readonly doubled: boolean;
}

class Tiling {
  readonly nodes: OnnxNode[] = [];

  constructor(
    private readonly graph: OnnxGraph,
    private readonly node: OnnxNode,
    private readonly layer: Layer,
  ) {
    const [output = ''] = node.outputs;
    const { size, columns } = layer;
    const [H, W] = size;
    const tiles: Size = [Math.ceil(H / TILE), columns ? Math.ceil(W / TILE) : W];
    const whole = columns ? this.tiles(tiles) : this.rows(tiles[0]);
    const covered = H % TILE === 0 && (!columns || W % TILE === 0);
    if (!covered) this.emit('Slice', [whole, this.list([0, 0]), this.list([H, W]), this.list([2, 3])]);
    const last = this.nodes.at(-1);
    if (last) last.outputs = [output];
  }

  /** A matrix product per place, of all parts; A' Y A, [B,O,4h,4w]. */
  private tiles([h, w]: Size): string {
    const { O, parts } = this.layer;
    const places = READ * READ;
    const products = parts
      .map((part) => this.emit('MatMul', [this.tileWeights(part), this.inputTiles(part, [h, w])]))
      .reduce((sum, more) => this.emit('Add', [sum, more])); // [B,36,O,hw]
    const to = this.matrix('output_tiles', kronecker(A_TRANSPOSED, A_TRANSPOSED));
    const flat = this.reshape(products, [-1, places, O * h * w]);
    const pixels = this.withBias(this.emit('MatMul', [to, flat]), h * w);
    const whole = `${pixels}.map`;
    this.nodes.push(...interleave(this.graph, pixels, whole, { side: TILE, channels: O, size: [h, w] }));
    return whole;
  }

  /** B' x B of every tile, [B,36,C,hw], by one depthwise convolution. */
  private inputTiles({ name, count, doubled }: InputPart, [h, w]: Size): string {
    const [H, W] = this.layer.size;
    const places = READ * READ;
    const [side, step, factor] = doubled ? [DOUBLED_READ, TILE / 2, 2] : [READ, TILE, 1];
    const along = doubled ? B_OF_DOUBLED : B_TRANSPOSED;
    const kernel = this.matrix(doubled ? 'doubled_tiles' : 'input_tiles', kronecker(along, along), [
      places,
      1,
      side,
      side,
    ]);
    const pads = [1, 1, h * step + 1 - H / factor, w * step + 1 - W / factor];
    const single = this.reshape(name, [-1, 1, H / factor, W / factor]);
    const read = this.emit('Conv', [single, kernel], convolution([side, side], pads, [step, step])); // [BC,36,h,w]
    return this.transpose(this.reshape(read, [-1, count, places, h * w]), [0, 2, 1, 3]);
  }

  /**
   * G w G' [1,36,O,C], by a convolution: a product needs a reshape, which copies all weights at load time.
   */
  private tileWeights(part: InputPart): string {
    const taps = this.taps(part, [1, 9, this.layer.O, part.count]);
    const by = this.matrix('weight_tiles', kronecker(G, G), [READ * READ, 9, 1, 1]);
    return this.emit('Conv', [taps, by], convolution([1, 1], [0, 0, 0, 0]));
  }

  private withBias(pixels: string, tiles: number): string {
    const [, , name = ''] = this.node.inputs;
    const bias = this.graph.constants.get(name);
    if (!bias) return pixels;
    const { O } = this.layer;
    const column = `${name}.column`;
    this.graph.constants.set(column, floats(float32Of(bias), [O, 1]));
    return this.emit('Add', [this.reshape(pixels, [-1, TILE * TILE, O, tiles]), column]);
  }

  /**
   * Four rows at a time: B' x, the products, A' Y, [B,O,4h,W]. The bias goes to the point 1, which A spreads
   * unchanged.
   */
  private rows(h: number): string {
    const { constants } = this.graph;
    const { parts, O, size } = this.layer;
    const [part] = parts;
    if (!part) throw new RangeError('rows of no map');
    const C = part.count;
    const W = size[1];
    const combined = this.emit('MatMul', [this.matrix('weight_rows', G), this.taps(part, [3, O * C * 3])]);
    const weights = this.reshape(combined, [READ * O, C, 1, 3]);
    const inputs = [this.inputRows(part, h), weights];
    const [, , biasName = ''] = this.node.inputs;
    const bias = constants.get(biasName);
    if (bias) {
      const spread = new Float32Array(READ * O);
      spread.set(float32Of(bias), O);
      constants.set(`${biasName}.place`, floats(spread, [READ * O]));
      inputs.push(`${biasName}.place`);
    }
    const products = this.emit('Conv', inputs, convolution([1, 3], [0, 1, 0, 1], [1, 1], READ)); // [B,6O,h,W]
    const to = this.matrix('output_rows', A_TRANSPOSED);
    const rows = this.emit('MatMul', [to, this.reshape(products, [-1, READ, O * h * W])]);
    const high = this.transpose(this.reshape(rows, [-1, TILE, O * h, W]), [0, 2, 1, 3]); // [B,Oh,4,W]
    return this.reshape(high, [-1, O, h * TILE, W]);
  }

  /**
   * B' x of the map's rows, four by four, [B,6C,h,W], by a depthwise convolution per place, which stays in
   * onnxruntime's blocked layout.
   */
  private inputRows({ name, count: C }: InputPart, h: number): string {
    const pads = [1, 0, h * TILE + 1 - this.layer.size[0], 0];
    const places = B_TRANSPOSED.map((row, place) => {
      const repeated = Array.from({ length: C }, () => row);
      const matrix = this.matrix(`input_row_${place}_${C}`, repeated, [C, 1, READ, 1]);
      return this.emit('Conv', [name, matrix], convolution([READ, 1], pads, [TILE, 1], C));
    });
    return this.emit('Concat', places, { axis: int(1) });
  }

  /** A part's weights [O,C,3,3] as a constant with the taps that G combines first: all nine, or three. */
  private taps(part: InputPart, shape: readonly [9 | 3, number] | readonly [1, 9, number, number]): string {
    const { constants } = this.graph;
    const [, weight = ''] = this.node.inputs;
    const tensor = constants.get(weight);
    if (!tensor) throw new RangeError(`${weight}: expected a constant`);
    const [taps] = shape[0] === 1 ? [9] : shape;
    const name = `${weight}.${part.from}.taps`;
    const own = float32Of(sliceInputs(tensor, [part]));
    constants.set(name, floats(transposed(own, [this.layer.O * part.count, taps, 9 / taps]), shape));
    return name;
  }

  private emit(op: string, inputs: string[], attributes: OnnxNode['attributes'] = {}): string {
    const name = `${this.node.outputs[0] ?? ''}.tiles_${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  }

  private matrix(name: string, rows: Matrix, shape = [rows.length, rows[0]?.length ?? 0]): string {
    const key = `scales_winograd_${name}`;
    this.graph.constants.set(key, floats(rows.flat(), shape));
    return key;
  }

  private list(values: readonly number[]): string {
    const name = `list_${values.join('_').replaceAll('-', 'm')}`; // the builder's name
    this.graph.constants.set(name, integers(values));
    return name;
  }

  private reshape(from: string, shape: readonly number[]): string {
    return this.emit('Reshape', [from, this.list(shape)]);
  }

  private transpose(from: string, perm: readonly number[]): string {
    return this.emit('Transpose', [from], { perm: ints(perm) });
  }
}

/** Applies `a` to columns and `b` to rows of a row-major square. */
function kronecker(a: Matrix, b: Matrix): Matrix {
  return a.flatMap((rowOfA) => b.map((rowOfB) => rowOfA.flatMap((p) => rowOfB.map((q) => p * q))));
}

function transposed(
  values: Float32Array,
  [a, b, c]: readonly [a: number, b: number, c: number],
): Float32Array {
  const changed = new Float32Array(values.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) changed[(j * a + i) * c + k] = values[(i * b + j) * c + k] ?? 0;
    }
  }
  return changed;
}

/**
 * The decoder's first convolutions with fewer multiplications: a 3x3 convolution of a map that nearest-neighbour upsampling doubled reads each of its
 * pixels up to four times over. Where an output pixel lies decides which of the nine weights meet the same pixel, so that each of the four phases
 * (even or odd row, even or odd column) is a 2x2 convolution of the small map with sums of those weights:
 *
 *     even row: (w0, w1 + w2) of rows i-1 and i        odd row: (w0 + w1, w2) of rows i and i+1
 *
 * 4 products instead of 9. Zeros beyond the border of the large map are zeros beyond that of the small one, so the borders need no care. Of
 * [skip, upsampled] concatenated, the skip's half stays a 3x3 convolution, and the two are added:
 *
 *     conv3x3(concat(skip, up(x))) = conv3x3(skip) + interleave(conv2x2 of x, 4 times)
 *
 * For few channels: with more, tiles need fewer products still (`fewerProductsOfDoubled` in `winograd.ts`). Not for maps of 2 x 2 pixels: onnxruntime
 * 1.30 takes a convolution whose kernel is as large as its map for a product on WebGPU, and forgets the zeros below and to the right of it.
 *
 * The result is the same but for the order of sums and one rounding of the summed weights. For float32: in int8 the sums of weights would need
 * scales of their own, and moving bytes costs as much as is saved.
 */
import { channelsIn, isChannelAxis, transposition } from './channels.js';
import { dropUnused, makersOf } from './fold.js';
import {
  float32Of,
  floats,
  int,
  integers,
  ints,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  readersOf,
} from './onnx-graph.js';
import { type Size, sizesIn } from './sizes.js';

/** Rows (or columns) of the kernel that meet the first and the second pixel, for an even and for an odd row. */
const MEETING = [
  [[0], [1, 2]],
  [[0, 1], [2]],
] as const;

/** A stretch of a convolution's input channels. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

/** What a 3x3 convolution of a doubled map reads. */
export interface DoubledInput {
  /** The parts of its input that are no doubled map, in their order. */
  readonly rest: readonly Part[];
  /** The part that is. */
  readonly up: Part;
  /** The map before it was doubled, and its size. */
  readonly small: string;
  readonly size: Size;
}

/** Finds what a node reads, where it is a 3x3 convolution of which one part of the input, read by nothing else, is a doubled map; else null. Of the graph as it is now. */
export function doubledInputs(graph: OnnxGraph): (node: OnnxNode) => DoubledInput | null {
  const { constants } = graph;
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const channels = channelsIn(graph);
  const sizeOf = sizesIn(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  /** The node that makes a tensor which nothing but one node reads. */
  const onlyFor = (name: string): OnnxNode | undefined =>
    readers.get(name)?.length === 1 && !outputs.has(name) ? makers.get(name) : undefined;

  /** The convolution's input in parts, or null where the channels of more than one are not known. */
  const partsOf = (input: string, total: number): Part[] | null => {
    const maker = onlyFor(input);
    const names = maker?.op === 'Concat' && isChannelAxis(maker) ? maker.inputs : [input];
    const counts = names.map((name) => channels.of(name));
    const known = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    if (counts.filter((count) => count === null).length > 1) return null;
    let from = 0;
    return names.map((name, i) => {
      const count = counts[i] ?? total - known;
      const part = { name, from, count };
      from += count;
      return part;
    });
  };

  return (node) => {
    const [input = '', weightName = ''] = node.inputs;
    const weight = constants.get(weightName);
    if (node.op !== 'Conv' || weight?.type !== 'float32' || !isPlain(node, 3)) return null;
    const parts = partsOf(input, weight.shape[1] ?? 0) ?? [];
    const doubled = parts.filter(({ name }) => isDoubling(onlyFor(name), graph));
    const [up] = doubled;
    if (!up || doubled.length !== 1) return null;
    const small = onlyFor(up.name)?.inputs[0] ?? '';
    const size = sizeOf(small);
    return size && { rest: parts.filter((part) => part !== up), up, small, size };
  };
}

/** Rewrites the convolutions that read upsampled maps; in place. */
export function foldUpsampling(graph: OnnxGraph): void {
  const { constants } = graph;
  const doubledInput = doubledInputs(graph);
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const found = doubledInput(node);
    const [, weightName = '', bias] = node.inputs;
    const [output = ''] = node.outputs;
    const weight = constants.get(weightName);
    if (!found || !weight) return [node];
    const { rest, up, small, size } = found;
    if (size.every((pixels) => pixels === 2)) return [node];
    const [O = 0] = weight.shape;
    const made: OnnxNode[] = [];
    const phases: string[] = [];
    for (const row of [0, 1] as const) {
      for (const column of [0, 1] as const) {
        const at = `${weightName}.phase_${row}${column}`;
        constants.set(at, phaseWeight(weight, up, row, column)); // [O,count,2,2]
        const inputs = [small, at, ...(rest.length === 0 && bias !== undefined ? [bias] : [])];
        phases.push(`${output}.phase_${row}${column}`);
        const pads = [1 - row, 1 - column, row, column]; // top, left, bottom, right
        made.push({ op: 'Conv', inputs, outputs: phases.slice(-1), attributes: convolution([2, 2], pads) });
      }
    }
    const joined = `${output}.phases`;
    made.push({ op: 'Concat', inputs: phases, outputs: [joined], attributes: { axis: int(1) } }); // [B,4O,H/2,W/2]
    const whole = rest.length === 0 ? output : `${output}.up`;
    made.push(...interleave(graph, joined, whole, { side: 2, channels: O, size })); // [B,O,H,W]
    if (rest.length === 0) return made;

    let skip = rest[0]?.name ?? '';
    if (rest.length > 1) {
      skip = `${output}.rest`;
      const names = rest.map(({ name }) => name);
      made.push({ op: 'Concat', inputs: names, outputs: [skip], attributes: { axis: int(1) } });
    }
    constants.set(`${weightName}.skip`, sliceInputs(weight, rest));
    const inputs = [skip, `${weightName}.skip`, ...(bias === undefined ? [] : [bias])];
    made.push({
      op: 'Conv',
      inputs,
      outputs: [`${output}.skip`],
      attributes: convolution([3, 3], [1, 1, 1, 1]),
    });
    made.push({ op: 'Add', inputs: [`${output}.skip`, whole], outputs: [output], attributes: {} });
    return made;
  });
  dropUnused(graph); // Resize and Concat, which nothing reads any more
}

/** A convolution of `side` x `side` pixels and stride 1 that keeps the size. */
export function isPlain({ attributes }: OnnxNode, side: 1 | 3): boolean {
  const is = (name: string, values: string): boolean => {
    const attribute = attributes[name];
    return attribute?.kind === 'ints' && attribute.value.join() === values;
  };
  const group = attributes['group'];
  const pad = (side - 1) / 2;
  const whole = !(group?.kind === 'int' && group.value !== 1);
  return (
    whole &&
    is('kernel_shape', `${side},${side}`) &&
    is('strides', '1,1') &&
    is('pads', `${pad},${pad},${pad},${pad}`) &&
    is('dilations', '1,1')
  );
}

/** Whether a node doubles height and width by repeating pixels. */
export function isDoubling(node: OnnxNode | undefined, { constants }: OnnxGraph): boolean {
  if (node?.op !== 'Resize') return false;
  const text = (name: string): string => {
    const attribute = node.attributes[name];
    return attribute?.kind === 'string' ? attribute.value : '';
  };
  const scales = constants.get(node.inputs[2] ?? '');
  return (
    text('mode') === 'nearest' &&
    text('coordinate_transformation_mode') === 'asymmetric' &&
    text('nearest_mode') === 'floor' &&
    scales?.type === 'float32' &&
    float32Of(scales).join() === '1,1,2,2'
  );
}

/** A convolution's attributes. @param pads top, left, bottom, right. */
export const convolution = (
  kernel: Size,
  pads: readonly number[],
  strides: Size = [1, 1],
  groups = 1,
): OnnxNode['attributes'] => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints([1, 1]),
  group: int(groups),
});

/** What lies in each of `side` x `side` places of a square, to be put where it belongs in the map. */
interface Places {
  /** Places in a row, and rows of them. */
  readonly side: number;
  readonly channels: number;
  /** Squares of the map. */
  readonly size: Size;
}

/**
 * The nodes that put places together to a map: [B,side*side*C,h,w] -> [B,C,side*h,side*w], place by place before. Columns first, then rows, which
 * are copied whole: onnxruntime's DepthToSpace and transpositions of six axes go value by value, in one thread.
 */
export function interleave(
  { constants }: OnnxGraph,
  from: string,
  to: string,
  { side, channels, size: [h, w] }: Places,
): OnnxNode[] {
  const reshape = (input: string, output: string, shape: readonly number[]): OnnxNode => {
    const name = `list_${shape.join('_').replaceAll('-', 'm')}`; // as the builder names them
    constants.set(name, integers(shape));
    return { op: 'Reshape', inputs: [input, name], outputs: [output], attributes: {} };
  };
  const at = (step: string): string => `${to}.${step}`;
  return [
    reshape(from, at('places'), [-1, side, side, channels * h * w]),
    transposition(at('places'), at('columns'), [0, 1, 3, 2]), // [B,side,Chw,side]
    reshape(at('columns'), at('wide'), [-1, side, channels * h, w * side]),
    transposition(at('wide'), at('rows'), [0, 2, 1, 3]), // [B,Ch,side,side*w]
    reshape(at('rows'), to, [-1, channels, h * side, w * side]),
  ];
}

/** The 2x2 weight [O,count,2,2] of a phase, of a 3x3 one [O,C,3,3] and a part of its inputs; summed in float64. */
function phaseWeight(weight: OnnxTensor, { from, count }: Part, row: 0 | 1, column: 0 | 1): OnnxTensor {
  const [O = 0, C = 0] = weight.shape;
  const values = float32Of(weight);
  const sums = new Float32Array(O * count * 4);
  for (let o = 0; o < O; o++) {
    for (let c = 0; c < count; c++) {
      const at = (o * C + from + c) * 9;
      MEETING[row].forEach((rows, i) =>
        MEETING[column].forEach((columns, j) => {
          let sum = 0;
          for (const k of rows) for (const l of columns) sum += values[at + 3 * k + l] ?? 0;
          sums[(o * count + c) * 4 + 2 * i + j] = sum;
        }),
      );
    }
  }
  return floats(sums, [O, count, 2, 2]);
}

/** The weight [O,C,3,3] of some of its inputs alone. */
export function sliceInputs(weight: OnnxTensor, parts: readonly Pick<Part, 'from' | 'count'>[]): OnnxTensor {
  const [O = 0, C = 0] = weight.shape;
  const values = float32Of(weight);
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const kept = new Float32Array(O * total * 9);
  let to = 0;
  for (let o = 0; o < O; o++) {
    for (const { from, count } of parts) {
      const begin = (o * C + from) * 9;
      kept.set(values.subarray(begin, begin + count * 9), to);
      to += count * 9;
    }
  }
  return floats(kept, [O, total, 3, 3]);
}

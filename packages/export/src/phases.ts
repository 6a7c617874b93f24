/**
 * Convolves upsampled maps with fewer multiplications. After nearest-neighbour upsampling, several weights of
 * a 3x3 convolution meet the same pixel. So each of the four phases (even or odd row and column) is a 2x2
 * convolution of the small map with sums of weights:
 *
 *     even row: (w0, w1 + w2) of rows i-1 and i        odd row: (w0 + w1, w2) of rows i and i+1
 *
 * 4 products instead of 9; borders need no care. The skip's half of the input stays a 3x3 convolution:
 *
 *     conv3x3(concat(skip, up(x))) = conv3x3(skip) + interleave(conv2x2 of x, 4 times)
 *
 * For few channels; with more, tiles are cheaper (`fewerProductsOfDoubled` in `winograd.ts`). Not for maps of
 * 2 x 2 pixels: onnxruntime 1.30 on WebGPU takes a convolution whose kernel is as large as its map for a
 * product, and forgets the zeros below and right of it.
 *
 * Only the order of sums and one rounding change. For float32: in int8 the summed weights would need their
 * own scales, and moving bytes costs what is saved.
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

/** Kernel rows (or columns) that meet the first and the second pixel, for even and odd rows. */
const MEETING = [
  [[0], [1, 2]],
  [[0, 1], [2]],
] as const;

export interface Part {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

export interface DoubledInput {
  /** Parts that are no doubled map, in order. */
  readonly rest: readonly Part[];
  readonly up: Part;
  /** Before doubling. */
  readonly small: string;
  readonly size: Size;
}

/** Finds 3x3 convolutions of which one part is a doubled map that nothing else reads. */
export function doubledInputs(graph: OnnxGraph): (node: OnnxNode) => DoubledInput | null {
  const { constants } = graph;
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const channels = channelsIn(graph);
  const sizeOf = sizesIn(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  /** The maker of a tensor that only one node reads. */
  const onlyFor = (name: string): OnnxNode | undefined =>
    readers.get(name)?.length === 1 && !outputs.has(name) ? makers.get(name) : undefined;

  /** The input in parts; null if the channels of more than one are unknown. */
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
        const pads = [1 - row, 1 - column, row, column];
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
  dropUnused(graph);
}

/** Whether stride is 1 and the size is kept. */
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

/** @param pads top, left, bottom, right */
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

interface Places {
  readonly side: number;
  readonly channels: number;
  /** Size of the map in squares. */
  readonly size: Size;
}

/**
 * Joins places to a map: [B,side*side*C,h,w] -> [B,C,side*h,side*w], place first. Columns, then rows, which
 * are copied whole: onnxruntime's DepthToSpace and six-axis transpositions go value by value in one thread.
 */
export function interleave(
  { constants }: OnnxGraph,
  from: string,
  to: string,
  { side, channels, size: [h, w] }: Places,
): OnnxNode[] {
  const reshape = (input: string, output: string, shape: readonly number[]): OnnxNode => {
    const name = `list_${shape.join('_').replaceAll('-', 'm')}`; // the builder's name
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

/** A phase's 2x2 weight [O,count,2,2] of some inputs of a 3x3 one [O,C,3,3]; summed in float64. */
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

/** A weight [O,C,3,3], for some of its inputs. */
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

/** Checks a manifest against its graphs before allocating anything. */
import {
  type GraphOutline,
  type GraphValue,
  type ModelManifest,
  ONNX_TYPES,
  type OnnxType,
  onnxTypeOf,
  readOutline,
  ReclmisError,
} from '@reclmis/core';

/** Without the first size, B, which is free. */
interface Expected {
  readonly name: string;
  readonly type: OnnxType;
  readonly sizes: readonly number[];
}

interface Described {
  readonly inputs: readonly Expected[];
  readonly outputs: readonly Expected[];
}

/** [B,3,S,S] and [B,T,W] -> [B,1,S,S], and [B,N+T] if the manifest states an interest. */
export function segmenterOf({ image: { size: S }, note, segmenter }: ModelManifest): Described {
  const { inputs, outputs, interest } = segmenter;
  const features =
    note && inputs.note !== null
      ? [{ name: inputs.note, type: 'float32', sizes: [note.contextLength, note.width] } as const]
      : [];
  return {
    inputs: [{ name: inputs.image, type: 'float32', sizes: [3, S, S] }, ...features],
    outputs: [
      { name: outputs.probability, type: 'float32', sizes: [1, S, S] },
      ...(interest && note
        ? [
            {
              name: interest.output,
              type: 'float32' as const,
              sizes: [interest.side ** 2 + note.contextLength],
            },
          ]
        : []),
    ],
  };
}

/** [B,T] -> [B,T,W]. */
export function textEncoderOf({ note, textEncoder }: ModelManifest): Described {
  if (!note || !textEncoder) return { inputs: [], outputs: [] };
  const { contextLength: T, width: W } = note;
  return {
    inputs: [{ name: textEncoder.inputs.tokens, type: 'int64', sizes: [T] }],
    outputs: [{ name: textEncoder.outputs.note, type: 'float32', sizes: [T, W] }],
  };
}

/** @param where the graph file, for messages. @throws MODEL_INVALID */
export function requireGraph(bytes: Uint8Array, described: Described, where: string): void {
  const invalid = (what: string, cause?: unknown): ReclmisError =>
    new ReclmisError('MODEL_INVALID', `${where}: ${what}`, cause === undefined ? {} : { cause });
  let outline: GraphOutline;
  try {
    outline = readOutline(bytes);
  } catch (cause) {
    throw invalid(`is not an ONNX model (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  const [outside] = outline.elsewhere;
  if (outside !== undefined)
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: the values of ${JSON.stringify(outside.slice(0, 100))} are in another file, expected all in this one`,
      { remedy: 'Save the model with its weights embedded, or export the run again with `reclmis export`.' },
    );
  for (const side of ['inputs', 'outputs'] as const) {
    for (const expected of described[side]) {
      const found = outline[side].find(({ name }) => name === expected.name);
      if (!found)
        throw invalid(
          `the manifest names ${JSON.stringify(expected.name)} among its ${side}, the graph has ${listed(outline[side])}`,
        );
      if (!fits(expected, found))
        throw invalid(
          `the manifest expects ${expected.name} to be ${shown(expected.type, [null, ...expected.sizes])}, ` +
            `the graph has ${shown(nameOf(found.type), found.shape)}`,
        );
    }
  }
  const extra = outline.inputs.find(({ name }) => !described.inputs.some((one) => one.name === name));
  if (extra)
    throw invalid(
      `the graph has an input ${JSON.stringify(extra.name.slice(0, 100))} that the manifest does not name`,
    );
}

/** Free sizes cannot be checked, except the first. */
function fits({ type, sizes }: Expected, { type: found, shape }: GraphValue): boolean {
  if (found !== ONNX_TYPES[type] || shape?.length !== sizes.length + 1) return false;
  return sizes.every((size, i) => shape[i + 1] === size);
}

function nameOf(code: number): string {
  return onnxTypeOf(code) ?? `of type ${code}`;
}

function shown(type: string, shape: GraphValue['shape']): string {
  const sizes =
    shape === null ? 'of any shape' : `[${shape.map((size, i) => size ?? (i === 0 ? 'B' : '?')).join(', ')}]`;
  return `${type} ${sizes}`;
}

function listed(values: readonly GraphValue[]): string {
  return values.length === 0
    ? 'none'
    : values
        .map(({ name }) => JSON.stringify(name.slice(0, 100)))
        .slice(0, 8)
        .join(', ');
}

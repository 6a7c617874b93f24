/** A network small enough to check by hand, for `reclmis doctor`: does onnxruntime start here, and compute correctly? */
import { ReclmisError } from '@reclmis/core';
import { oneLine, protobuf } from '@reclmis/files';
import { networkOpener } from './threaded-network.js';

const SIDE = 8;
const KERNEL = [0.25, -0.5, 0.125, 1, 0.75, -1, 0.5, -0.25, 0.0625];
/** Sums of nine products whose terms float32 holds exactly. */
const TOLERANCE = 1e-6;
const FLOAT = 1; // TensorProto.DataType
const INTS = 7; // AttributeProto.AttributeType

/**
 * Opens a convolution with ReLU in onnxruntime, as `loadModel` does, and compares its output with the sum written out.
 * @throws RUNTIME_MISSING, INFERENCE_FAILED
 */
export async function checkRuntime(): Promise<void> {
  const open = networkOpener({ executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1 });
  const image = Float32Array.from({ length: SIDE * SIDE }, (_, i) => ((i * 7) % 16) / 16);
  const output = await run(open, image);
  const expected = convolved(image);
  const worst = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (output[i] ?? Number.NaN))),
    0,
  );
  if (!(worst <= TOLERANCE))
    throw new ReclmisError(
      'INFERENCE_FAILED',
      `onnxruntime computes a convolution wrongly: expected the exact sums, got one that differs by ${worst}`,
      {
        remedy:
          'Install onnxruntime-node again; if that does not help, report it with this machine’s processor.',
      },
    );
}

async function run(open: ReturnType<typeof networkOpener>, image: Float32Array): Promise<Float32Array> {
  try {
    const network = await open(modelBytes());
    try {
      return await network.run({ image: { data: image, shape: [1, 1, SIDE, SIDE] } }, 'map');
    } finally {
      await network.release();
    }
  } catch (cause) {
    if (cause instanceof ReclmisError) throw cause;
    throw new ReclmisError('INFERENCE_FAILED', `onnxruntime cannot run a convolution (${oneLine(cause)})`, {
      cause,
    });
  }
}

/** [SIDE,SIDE]: 3x3 cross-correlation with zeros around, then ReLU. */
function convolved(image: Float32Array): number[] {
  const at = (y: number, x: number): number =>
    y < 0 || x < 0 || y >= SIDE || x >= SIDE ? 0 : (image[y * SIDE + x] ?? 0);
  return Array.from(image, (_, i) => {
    const [y, x] = [Math.floor(i / SIDE), i % SIDE];
    const sum = KERNEL.reduce(
      (total, weight, k) => total + weight * at(y + Math.floor(k / 3) - 1, x + (k % 3) - 1),
      0,
    );
    return Math.max(0, sum);
  });
}

/** Conv and Relu as an ONNX ModelProto (onnx.proto3). */
function modelBytes(): Uint8Array {
  const { bytes, integer, message, text } = protobuf;
  const value = (name: string): Buffer[] => {
    const sizes = [1, 1, SIDE, SIDE].map((size) => message(1, [integer(1, size)]));
    return [text(1, name), message(2, [message(1, [integer(1, FLOAT), message(2, sizes)])])];
  };
  const ints = (name: string, values: readonly number[]): Buffer =>
    message(5, [text(1, name), ...values.map((one) => integer(8, one)), integer(20, INTS)]);
  const weight = [
    ...[1, 1, 3, 3].map((size) => integer(1, size)),
    integer(2, FLOAT),
    text(8, 'weight'),
    bytes(9, new Uint8Array(Float32Array.from(KERNEL).buffer)),
  ];
  const graph = [
    message(1, [
      text(1, 'image'),
      text(1, 'weight'),
      text(2, 'sums'),
      text(4, 'Conv'),
      ints('pads', [1, 1, 1, 1]),
    ]),
    message(1, [text(1, 'sums'), text(2, 'map'), text(4, 'Relu')]),
    text(2, 'check'),
    message(5, weight),
    message(11, value('image')),
    message(12, value('map')),
  ];
  return Buffer.concat([integer(1, 8), message(7, graph), message(8, [integer(2, 13)])]);
}

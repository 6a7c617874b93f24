/** Tensor types of exported models, with their numbers in onnx.proto (TensorProto.DataType). */
export const ONNX_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type OnnxType = keyof typeof ONNX_TYPES;

const BY_CODE: ReadonlyMap<number, OnnxType> = new Map(
  Object.entries(ONNX_TYPES).map(([type, code]) => [code, type as OnnxType]),
);

/** The type of an onnx.proto number; undefined for types that our models do not use. */
export function onnxTypeOf(code: number): OnnxType | undefined {
  return BY_CODE.get(code);
}

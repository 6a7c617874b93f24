/** Files of weights: safetensors, and PyTorch's archives without executing what they hold. */
export {
  isSealed,
  readSafetensors,
  readSafetensorsHeader,
  verifySafetensors,
  writeSafetensors,
  type ReadOptions,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type WriteOptions,
} from './safetensors.js';
export { openTensorSource, type SourceTensor, type TensorSource } from './tensor-source.js';
export {
  stateDictOf,
  TorchArchive,
  TorchModule,
  TorchStorage,
  TorchTensor,
  type TorchValue,
} from './torch-archive.js';
export { writeTorchArchive, type WriteTorchOptions } from './torch-archive-writer.js';

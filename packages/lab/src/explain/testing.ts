import type { Engine } from '../engine/engine.js';

/** One thread of the CPU, libtorch's own kernels. */
export const ENGINE: Engine = {
  device: 'cpu',
  threads: 1,
  memoryFormat: 'contiguous',
  convolutions: 'libtorch',
  precision: 'fp32',
};

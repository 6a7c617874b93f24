/** Fixtures that tests of several packages share, and measurements. */
export * from './manifest.js';
export { misspelt, slipsOf } from './misspell.js';
export { CALIBRATION } from './confidence.js';
export { SHIPS } from './ships.js';
export { concat, field, modelBytes, value } from './onnx-bytes.js';

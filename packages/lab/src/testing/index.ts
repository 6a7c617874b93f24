/** For tests of other packages: small data sets, runs and weights. */
export { failure } from './failure.js';
export { tensorHashes } from './tensor-hashes.js';
export { TINY_SIZE, writeTinyCheckpoint } from './tiny-checkpoint.js';
export { importTinyClip, tinyMerges } from './tiny-clip.js';
export { makeTinyRun, TINY_RUN_SIZE, tinyConfig } from './tiny-run.js';

export { weightsFolder } from './home.js';
export { CLIP_VOCABULARY, KNOWN_WEIGHTS, knownWeights, type KnownWeights, type RemoteFile } from './known.js';
export type { ManifestParts, TowerOptions, WeightsManifest } from './manifest.js';
export { readWeights, sealWeights, type StoredWeights } from './stored.js';
export {
  findWeights,
  installWeights,
  type InstallOptions,
  listWeights,
  refuseStored,
  requireWeights,
  verifyWeights,
  type WeightsEntry,
} from './store.js';
export {
  type FetchedFiles,
  type FetchOptions,
  fetchWeights,
  type SourceOptions,
  weightsSource,
  type WeightsSource,
} from './fetch.js';
export { importWeights, type ImportOptions } from './import.js';

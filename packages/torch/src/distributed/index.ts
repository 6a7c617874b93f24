/** Data-parallel training on c10d, libtorch's own engine. */
export { Group, type GroupOptions } from './group.js';
export { distributedBackends } from './native.js';
export { Reducer } from './reducer.js';
export { DEFAULT_TIMEOUT_MS, Store, type StoreOptions } from './store.js';
export { batchStatisticsOver, type BatchShare } from './sync-batch-norm.js';

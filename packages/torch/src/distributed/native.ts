/** The addon's `native/distributed.cc`, present if built with gloo's headers. */
import { ReclmisError } from '@reclmis/core';
import { native } from '../native.js';

export interface DistributedNative {
  storeOpen(
    host: string,
    port: number,
    isServer: boolean,
    timeoutMs: number,
  ): { store: number; port: number };
  storeSet(store: number, key: string, bytes: Uint8Array): void;
  storeGet(store: number, key: string, timeoutMs: number): Uint8Array;
  storeClose(store: number): void;
  groupOpen(
    store: number,
    rank: number,
    size: number,
    backend: string,
    address: string,
    timeoutMs: number,
  ): number;
  groupClose(group: number): void;
  groupAllReduce(group: number, tensor: number, op: string): void;
  groupBroadcast(group: number, tensor: number, root: number): void;
  groupAllGather(group: number, tensor: number): number[];
  groupBarrier(group: number): void;
  groupBytes(group: number): number;
  groupSum(group: number, tensor: number): number;
  reducerOpen(
    group: number,
    parameters: readonly number[],
    firstBucketBytes: number,
    bucketBytes: number,
    someUnused: boolean,
  ): number;
  reducerPrepare(reducer: number, loss: number): void;
  reducerClose(reducer: number): void;
}

/** `gloo` for CPUs, `nccl` for CUDA devices, or none. */
export function distributedBackends(): string[] {
  return native().distributedBackends();
}

/** @throws DISTRIBUTED_MISSING if the addon was built without gloo's headers. */
export function requireDistributed(): DistributedNative {
  const addon = native();
  if (addon.distributedBackends().length === 0) {
    throw new ReclmisError('DISTRIBUTED_MISSING', 'the libtorch addon was built without gloo');
  }
  return addon as unknown as DistributedNative;
}

/** The key-value store through which a run's processes find each other: c10d's TCPStore. */
import { ReclmisError } from '@reclmis/core';
import { requireDistributed } from './native.js';
import { distributedError } from './errors.js';

export interface StoreOptions {
  /** Host name or address of the serving process. */
  readonly host: string;
  /** 1 to 65535; on the server, 0 picks a free one. */
  readonly port: number;
  readonly isServer: boolean;
  /** Limit for reaching the server and, by default, for a key; default 5 minutes. */
  readonly timeoutMs?: number;
}

export const DEFAULT_TIMEOUT_MS = 300_000;

export class Store {
  readonly port: number;
  /** The store's number in the addon. */
  readonly id: number;
  readonly #timeoutMs: number;
  #closed = false;

  /** @throws DISTRIBUTED_MISSING; DISTRIBUTED_FAILED if the server is unreachable or the port taken. */
  constructor({ host, port, isServer, timeoutMs = DEFAULT_TIMEOUT_MS }: StoreOptions) {
    if (!Number.isInteger(port) || port < (isServer ? 0 : 1) || port > 65535)
      throw new ReclmisError('OPTION_INVALID', `Store: expected a port from 1 to 65535, got ${port}`);
    const addon = requireDistributed();
    const opened = distributedError(`store at ${host}:${port}`, () =>
      addon.storeOpen(host, port, isServer, timeoutMs),
    );
    this.id = opened.store;
    this.port = opened.port;
    this.#timeoutMs = timeoutMs;
  }

  set(key: string, value: string): void {
    distributedError(`store: ${key}`, () => requireDistributed().storeSet(this.id, key, Buffer.from(value)));
  }

  /** Waits for a key. @throws DISTRIBUTED_FAILED on a timeout. */
  get(key: string, timeoutMs: number = this.#timeoutMs): string {
    const bytes = distributedError(`store: ${key}`, () =>
      requireDistributed().storeGet(this.id, key, timeoutMs),
    );
    return Buffer.from(bytes).toString();
  }

  /** Groups opened on the store go on; the server ends with the last of them. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    requireDistributed().storeClose(this.id);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

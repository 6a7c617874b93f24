/** The key-value store over which the processes of a run find each other: c10d's TCPStore. One process serves it. */
import { ReclmisError } from '@reclmis/core';
import { requireDistributed } from './native.js';
import { distributedError } from './errors.js';

export interface StoreOptions {
  /** Host name or address of the process that serves the store. */
  readonly host: string;
  /** 1 to 65535; 0, for the server only: any free one. */
  readonly port: number;
  readonly isServer: boolean;
  /** How long to wait for the server, and at most for a key; milliseconds, default 5 minutes. */
  readonly timeoutMs?: number;
}

export const DEFAULT_TIMEOUT_MS = 300_000;

export class Store {
  readonly port: number;
  /** The addon's number of it. */
  readonly id: number;
  readonly #timeoutMs: number;
  #closed = false;

  /** @throws DISTRIBUTED_MISSING; DISTRIBUTED_FAILED where the server cannot be reached or the port is taken. */
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

  /** Waits for a key. @throws DISTRIBUTED_FAILED when it does not come in time. */
  get(key: string, timeoutMs: number = this.#timeoutMs): string {
    const bytes = distributedError(`store: ${key}`, () =>
      requireDistributed().storeGet(this.id, key, timeoutMs),
    );
    return Buffer.from(bytes).toString();
  }

  /** Groups that were opened on it go on; the server ends with the last of them. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    requireDistributed().storeClose(this.id);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

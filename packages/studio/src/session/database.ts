/** What the browser keeps of a session: a record of plain data, and the files of cases, in IndexedDB. */
import { NEWER_REMEDY, ReclmisError } from '@reclmis/core';

const NAME = 'reclmis-studio';
const VERSION = 1;
const RECORDS = 'records';
const FILES = 'files';

const failed = (what: string, cause: unknown): ReclmisError =>
  new ReclmisError('OUTPUT_UNWRITABLE', `the session: ${what}`, {
    cause,
    remedy: 'Free some space, or allow this page to keep data in the browser.',
  });

export class Database {
  private constructor(private readonly db: IDBDatabase) {}

  /** @throws OUTPUT_UNWRITABLE if the browser keeps nothing (private windows) */
  static async open(): Promise<Database> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(RECORDS);
        request.result.createObjectStore(FILES);
      };
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close(); // another tab clears the session
        resolve(new Database(request.result));
      };
      request.onerror = () =>
        reject(
          request.error?.name === 'VersionError'
            ? new ReclmisError('OUTPUT_EXISTS', 'the kept session: a newer version of reclmis made it', {
                remedy: NEWER_REMEDY,
              })
            : failed('the browser keeps nothing', request.error),
        );
      request.onblocked = () => reject(failed('another tab holds it', null));
    });
  }

  /** Whether there is a database, without making one. */
  static async exists(): Promise<boolean> {
    const known = await indexedDB.databases().catch(() => []);
    return known.some(({ name }) => name === NAME);
  }

  /** Removes all that was kept. @throws OUTPUT_UNWRITABLE */
  static async remove(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(NAME);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(failed('cannot be cleared', request.error));
      request.onblocked = () => reject(failed('cannot be cleared while another tab holds it', null));
    });
  }

  close(): void {
    this.db.close();
  }

  record(): Promise<unknown> {
    return this.run(RECORDS, 'readonly', (store) => store.get('session'));
  }

  /** @throws OUTPUT_UNWRITABLE, if the browser's space is used up too */
  async putRecord(record: object): Promise<void> {
    await this.run(RECORDS, 'readwrite', (store) => store.put(record, 'session'));
  }

  fileNames(): Promise<IDBValidKey[]> {
    return this.run(FILES, 'readonly', (store) => store.getAllKeys());
  }

  async file(id: string): Promise<Blob | null> {
    const found: unknown = await this.run(FILES, 'readonly', (store) => store.get(id));
    return found instanceof Blob ? found : null;
  }

  /** @throws OUTPUT_UNWRITABLE */
  async putFile(id: string, file: Blob): Promise<void> {
    await this.run(FILES, 'readwrite', (store) => store.put(file, id));
  }

  private run<T>(
    name: string,
    mode: IDBTransactionMode,
    ask: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        const transaction = this.db.transaction(name, mode);
        const request = ask(transaction.objectStore(name));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(failed('cannot be kept', transaction.error));
        transaction.onerror = () => reject(failed('cannot be kept', transaction.error));
      } catch (cause) {
        reject(failed('cannot be kept', cause));
      }
    });
  }
}

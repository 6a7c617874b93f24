/**
 * Keeps a session in the browser if the user asks for it: the list of cases with what each was left with, what was decided,
 * and the files that were opened. A reload goes on where it was; clearing removes everything.
 */
import { ReclmisError } from '@reclmis/core';
import type { Cases } from '../cases/cases.js';
import type { Rasters } from '../rasters.js';
import { workOf } from '../state/cases.js';
import type { Store } from '../state/store.js';
import { Database } from './database.js';
import { keptOf, readKept } from './kept.js';

/** Milliseconds after a change until it is kept. */
const PAUSE = 600;
/** Bytes of files that are kept; a folder of radiographs has more, and is opened again. */
const MOST_BYTES = 256 * 1024 * 1024;

export class Session {
  private database: Database | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly kept = new Set<string>();
  private bytes = 0;
  /** One write after the other. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly rasters: Rasters,
    private readonly cases: Cases,
  ) {
    store.subscribe((state, before, action) => {
      if (!state.session || this.database === null) return;
      if (action.type === 'cases/shown') this.keepFile();
      const changed = state.cases !== before.cases || state.history !== before.history || state.note !== before.note; // prettier-ignore
      if (changed) this.keepSoon();
    });
    addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.flush();
    });
    addEventListener('pagehide', () => this.flush());
  }

  /** Goes on with what an earlier visit kept, if it kept anything. */
  async restore(): Promise<void> {
    const { store } = this;
    if (!(await Database.exists())) return;
    try {
      this.database = await Database.open();
      const record = await this.database.record();
      const kept = readKept(record);
      if (kept === null) return;
      const files = new Map<string, Blob>();
      for (const name of await this.database.fileNames()) {
        const file = typeof name === 'string' ? await this.database.file(name) : null;
        if (file === null) continue;
        files.set(name as string, file);
        this.kept.add(name as string);
        this.bytes += file.size;
      }
      store.dispatch({ type: 'session/set', session: true });
      await this.cases.restore(kept.cases, files);
    } catch (error) {
      this.database?.close();
      this.database = null;
      this.tell(error);
    }
  }

  /** Starts to keep the session, from now on. */
  async start(): Promise<void> {
    try {
      if (this.database === null) {
        const database = await Database.open();
        readKept(await database.record()); // that of a newer version is not written over
        this.database = database;
      }
      this.store.dispatch({ type: 'session/set', session: true });
      this.keepFile();
      this.flush();
      await this.last;
    } catch (error) {
      this.tell(error);
    }
  }

  /** Removes all that was kept; the open page goes on, without keeping anything. */
  async clear(): Promise<void> {
    this.store.dispatch({ type: 'session/set', session: false });
    clearTimeout(this.timer);
    await this.last;
    this.database?.close();
    this.database = null;
    this.kept.clear();
    this.bytes = 0;
    try {
      await Database.remove();
    } catch (error) {
      this.tell(error);
    }
  }

  private keepSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  private flush(): void {
    clearTimeout(this.timer);
    const { database, store } = this;
    if (database === null || !store.state.session) return;
    const { cases } = store.state;
    const work = workOf(store.state);
    const now = cases.shown === null || work === null ? cases.work : { ...cases.work, [cases.shown]: work };
    const record = keptOf({ ...cases, work: now });
    this.after(() => database.putRecord(record));
  }

  private keepFile(): void {
    const { database, rasters, store } = this;
    const id = store.state.cases.shown;
    const file = rasters.picture?.file;
    if (database === null || id === null || file === undefined || this.kept.has(id)) return;
    if (this.bytes + file.size > MOST_BYTES) return; // the folder is opened again
    this.kept.add(id);
    this.bytes += file.size;
    this.after(() => database.putFile(id, file));
  }

  private after(write: () => Promise<void>): void {
    this.last = this.last.then(write).catch((error: unknown) => this.tell(error));
  }

  private tell(error: unknown): void {
    const text = error instanceof ReclmisError ? `${error.message}. ${error.remedy}` : String(error);
    this.store.dispatch({ type: 'saved/set', saved: { text, failed: true } });
  }
}

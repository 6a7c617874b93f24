/** The second model in a worker of its own: loaded when two models are first compared, it follows picture and note. */
import type { Rasters } from '../rasters.js';
import type { Result } from '../state/state.js';
import type { Store } from '../state/store.js';
import type { Channel } from './engine.js';
import type { Reply } from './protocol.js';

export interface SecondModel {
  /** Addresses, absolute. */
  readonly model: string;
  readonly runtime: string;
  /** Most bytes of features that it keeps. */
  readonly featureBytes: number;
}

export class Second {
  private channel: Channel | null = null;
  private offered: SecondModel | null = null;
  private jobs = 0;
  private opening = 0;
  private asking = 0;
  /** The page's picture that was sent, and what the worker calls it. */
  private sent: { readonly page: string; readonly worker: string | null } | null = null;
  /** The first model's result that was asked about. */
  private about: string | null = null;

  constructor(
    private readonly start: () => Channel,
    private readonly store: Store,
    private readonly rasters: Rasters,
  ) {
    store.subscribe(({ compare, result }, before) => {
      if (compare?.models !== true) return;
      const begins = before.compare?.models !== true;
      if (begins) this.about = null; // its mask went with the last comparison
      if (begins || result?.id !== before.result?.id) this.follow();
    });
  }

  offer(second: SecondModel): void {
    this.offered = second;
    this.store.dispatch({ type: 'second/offered' });
  }

  /** Loads, opens or asks: whatever is next. */
  private follow(): void {
    const { store, offered } = this;
    const { second, picture, result, compare } = store.state;
    if (offered === null || compare?.models !== true || picture === null || result === null) return;
    if (this.channel === null) {
      this.channel = this.start();
      this.channel.onReply((reply) => this.take(reply));
      this.channel.post({ kind: 'load', ...offered });
    }
    if (second?.status !== 'ready') return;
    if (this.sent?.page !== picture.id) this.send(picture.id, picture.name, picture.frame);
    else if (this.sent.worker !== null && this.about !== result.id) {
      this.about = result.id;
      this.asking = ++this.jobs;
      const { note, threshold } = result;
      const { spacing } = picture;
      this.channel.post({ kind: 'segment', job: this.asking, picture: this.sent.worker, note, threshold, spacing, interest: false }); // prettier-ignore
    }
  }

  private send(page: string, name: string, frame: number): void {
    const { picture } = this.rasters;
    if (picture?.id !== page) return;
    this.sent = { page, worker: null };
    this.about = null;
    this.opening = ++this.jobs;
    const { frames } = this.store.state.picture!;
    const which = frames > 1 ? { frame } : {};
    this.channel!.post({ kind: 'open', job: this.opening, file: picture.file, name, ...which });
  }

  private take(reply: Reply): void {
    const { dispatch } = this.store;
    switch (reply.kind) {
      case 'loading':
        dispatch({
          type: 'second/model',
          model: { status: 'loading', loaded: reply.loaded, total: reply.total },
        });
        break;
      case 'loaded':
      case 'lost':
        dispatch({ type: 'second/model', model: { status: 'ready', info: reply.info } });
        this.follow();
        break;
      case 'opened':
        if (reply.job !== this.opening || this.sent === null) break;
        this.sent = { ...this.sent, worker: reply.picture.id };
        this.follow();
        break;
      case 'found':
        if (reply.job === this.asking) this.takeResult(reply);
        break;
      case 'failed':
        if (reply.job === null || reply.job === this.opening || reply.job === this.asking)
          dispatch({ type: 'second/model', model: { status: 'failed', ...reply.failure } });
        break;
      case 'read':
      case 'cancelled':
        break;
    }
  }

  private takeResult({ job, found, mask }: Extract<Reply, { kind: 'found' }>): void {
    const { rasters, store } = this;
    if (store.state.compare?.models !== true) return;
    rasters.compared = mask;
    const result: Result = { ...found, id: `second-${job}`, gained: 0, lost: 0 };
    store.dispatch({ type: 'second/found', result });
    rasters.changed('compared');
  }
}

/** The page's side of the worker: jobs out, actions and rasters in. Answers to stale jobs are dropped. */
import type { Rasters } from '../rasters.js';
import type { Note, Result } from '../state/state.js';
import type { Store } from '../state/store.js';
import { say } from '../strings.js';
import type { Reply, Request } from './protocol.js';
import { changeOf } from './change.js';

/** What a worker needs to be, so that tests can stand in for it. */
export interface Channel {
  post(request: Request): void;
  onReply(listener: (reply: Reply) => void): void;
}

export function startWorker(): Channel {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return {
    post: (request) => worker.postMessage(request),
    onReply: (listener) => {
      worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => listener(data));
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        const message = event.message === '' ? 'the worker did not start' : event.message;
        listener({ kind: 'failed', job: null, failure: { code: 'INTERNAL', message } });
      });
    },
  };
}

interface Opening {
  readonly job: number;
  readonly file: Blob;
  readonly note: Note | null;
  /** The state's when opening began. */
  readonly before: Note;
}

export class Engine {
  private jobs = 0;
  private opening: Opening | null = null;
  private reading = 0;
  private segmenting = 0;

  constructor(
    private readonly channel: Channel,
    private readonly store: Store,
    private readonly rasters: Rasters,
  ) {
    channel.onReply((reply) => this.take(reply));
  }

  /** @param model address of the model's folder. @param runtime of onnxruntime's files; both absolute */
  load(model: string, runtime: string, featureBytes: number): void {
    this.channel.post({ kind: 'load', model, runtime, featureBytes });
  }

  /** Opens an image file. @param name data, for display. @param note unless one is typed meanwhile; null: none */
  open(file: Blob, name: string, note: Note | null = null, frame?: number): void {
    this.store.dispatch({ type: 'picture/reading', name });
    const job = ++this.jobs;
    this.opening = { job, file, note, before: this.store.state.note };
    this.channel.post({ kind: 'open', job, file, name, ...(frame === undefined ? {} : { frame }) });
  }

  /** Reads and segments the state's note on the open picture. */
  ask(): void {
    const { picture, note, threshold, model, view } = this.store.state;
    if (model.status !== 'ready') return;
    this.reading = ++this.jobs;
    this.channel.post({ kind: 'read', job: this.reading, note });
    if (picture === null || (model.info.readsNotes && note.text.trim() === '')) {
      this.segmenting = 0; // an answer under way is about another note
      this.forget();
      return;
    }
    this.segmenting = ++this.jobs;
    this.store.dispatch({ type: 'result/asked' });
    const { id, spacing } = picture;
    const interest = view.interest && model.info.hasInterest;
    this.channel.post({
      kind: 'segment',
      job: this.segmenting,
      picture: id,
      note,
      threshold,
      spacing,
      interest,
    });
  }

  private take(reply: Reply): void {
    const { dispatch } = this.store;
    switch (reply.kind) {
      case 'loading':
        dispatch({ type: 'model/loading', loaded: reply.loaded, total: reply.total });
        break;
      case 'loaded':
        dispatch({ type: 'model/ready', info: reply.info });
        break;
      case 'lost':
        dispatch({ type: 'model/ready', info: reply.info });
        dispatch({ type: 'saved/set', saved: { text: say('gpuStopped'), failed: false } });
        break;
      case 'opened':
        this.takePicture(reply);
        break;
      case 'read':
        if (reply.job === this.reading) dispatch({ type: 'note/read', reading: reply.reading });
        break;
      case 'found':
        if (reply.job === this.segmenting) this.takeResult(reply);
        break;
      case 'cancelled':
        break;
      case 'failed':
        this.takeFailure(reply);
        break;
    }
  }

  private takePicture({ job, picture, image }: Extract<Reply, { kind: 'opened' }>): void {
    const { opening } = this;
    if (opening?.job !== job) return;
    this.opening = null;
    this.segmenting = 0;
    this.rasters.open({ id: picture.id, file: opening.file, image });
    const { note, picture: last } = this.store.state;
    const isTyped = note !== opening.before; // meanwhile: it is about this picture
    const bare = last === null ? note : { ...note, text: '' };
    this.store.dispatch({ type: 'picture/opened', picture, note: isTyped ? note : (opening.note ?? bare) });
  }

  private takeResult({ job, found, mask, probability }: Extract<Reply, { kind: 'found' }>): void {
    const { rasters, store } = this;
    const { gained, lost } = changeOf(rasters.model, mask);
    rasters.before = rasters.mask;
    rasters.model = mask;
    rasters.mask = { ...mask, data: mask.data.slice() }; // edits write into it
    rasters.probability = probability;
    const result: Result = { ...found, id: `result-${job}`, gained, lost };
    store.dispatch({ type: 'result/found', result });
    rasters.changed('probability');
    rasters.changed('mask');
  }

  /** No mask stays that is about another note. */
  private forget(): void {
    const { rasters, store } = this;
    if (store.state.result === null && !store.state.computing) return;
    rasters.probability = null;
    rasters.model = null;
    rasters.mask = null;
    rasters.before = null;
    store.dispatch({ type: 'result/none' });
    rasters.changed('probability');
    rasters.changed('mask');
  }

  private takeFailure({ job, failure }: Extract<Reply, { kind: 'failed' }>): void {
    const { dispatch } = this.store;
    if (job === null) dispatch({ type: 'model/failed', failure });
    else if (job === this.opening?.job) {
      this.opening = null;
      dispatch({ type: 'picture/failed', failure });
    } else if (job === this.segmenting) {
      this.forget();
      dispatch({ type: 'result/failed', failure });
    }
  }
}

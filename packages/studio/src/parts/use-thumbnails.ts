/** Small pictures of the rows in view, made by a worker. */
import { useEffect, useMemo, useReducer } from 'preact/hooks';
import type { Cases } from '../cases/cases.js';
import type { ThumbnailJob, ThumbnailReply } from '../cases/thumbnail-worker.js';
import { Thumbnails } from '../cases/thumbnails.js';

interface Asked {
  readonly resolve: (bitmap: ImageBitmap) => void;
  readonly reject: (error: Error) => void;
}

/** Starts its worker with the first picture, and ends it with the list. */
class ThumbnailMaker {
  private worker: Worker | null = null;
  private readonly asked = new Map<number, Asked>();
  private jobs = 0;

  make(file: Blob, truth: Blob | null): Promise<ImageBitmap> {
    this.worker ??= this.start();
    const job = ++this.jobs;
    this.worker.postMessage({ job, file, truth } satisfies ThumbnailJob);
    return new Promise((resolve, reject) => this.asked.set(job, { resolve, reject }));
  }

  end(): void {
    this.worker?.terminate();
    this.worker = null;
  }

  private start(): Worker {
    const worker = new Worker(new URL('../cases/thumbnail-worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data: { job, bitmap } }: MessageEvent<ThumbnailReply>) => {
      const asked = this.asked.get(job);
      this.asked.delete(job);
      if (bitmap === null) asked?.reject(new Error('no image'));
      else if (asked === undefined) bitmap.close();
      else asked.resolve(bitmap);
    });
    return worker;
  }
}

export function useThumbnails(cases: Cases, shown: readonly string[]): Thumbnails<ImageBitmap> {
  const [, again] = useReducer((count: number, _: null) => count + 1, 0);
  const made = useMemo(() => {
    const maker = new ThumbnailMaker();
    const make = async (id: string): Promise<ImageBitmap> => {
      const files = cases.filesOf(id);
      if (files === null) throw new Error('no file');
      return maker.make(await files.image.file(), (await files.truth?.file()) ?? null);
    };
    const thumbnails = new Thumbnails(make, () => again(null));
    return { maker, thumbnails };
  }, [cases]);
  useEffect(() => made.thumbnails.want(shown), [shown.join('\n')]);
  useEffect(
    () => () => {
      made.thumbnails.close();
      made.maker.end();
    },
    [made],
  );
  return made.thumbnails;
}

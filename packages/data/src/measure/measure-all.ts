/** Measures all cases in worker threads, keeping only figures. */
import { Worker } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import { oneLine } from '@reclmis/files';
import type { Problem } from '../layouts/layout.js';
import type { Case, Split } from '../types.js';
import { addCounts, LEVELS, SHARE_BINS } from './histogram.js';
import { type CaseMeasure, measureCases, type MeasureJob, type MeasureResult } from './measure.js';
import { type MeasureReply, MEASURER } from './worker.js';

/** Cases per job: few enough to show progress. */
const JOB = 8;
const FEW = 32;

export interface SplitCases {
  readonly dir: string;
  readonly split: Split;
  readonly cases: readonly Case[];
}

export interface MeasureOptions {
  /** 0: this thread. Default 2, or 0 for few cases. */
  readonly workers?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** By split, sorted by id. */
export interface Measures {
  readonly cases: readonly (CaseMeasure & { readonly split: Split })[];
  readonly problems: readonly Problem[];
  /** As `MeasureResult`. */
  readonly levels: Float64Array;
  readonly areaShares: Float64Array;
}

/** @throws INTERRUPTED by the signal */
export async function measureAll(
  splits: readonly SplitCases[],
  options: MeasureOptions = {},
): Promise<Measures> {
  const { onProgress, signal } = options;
  const jobs = splits.flatMap(({ dir, split, cases }) =>
    Array.from({ length: Math.ceil(cases.length / JOB) }, (_, i): MeasureJob => ({
      dir,
      split,
      cases: cases.slice(i * JOB, (i + 1) * JOB),
    })),
  );
  const total = splits.reduce((sum, { cases }) => sum + cases.length, 0);
  const workers = options.workers ?? (total < FEW ? 0 : 2);
  const found: (CaseMeasure & { split: Split })[][] = [];
  const problems: Problem[][] = [];
  const levels = new Float64Array(3 * LEVELS);
  const areaShares = new Float64Array(SHARE_BINS);
  let next = 0;
  let done = 0;
  const drain = async (measure: (job: MeasureJob) => Promise<MeasureResult>): Promise<void> => {
    for (;;) {
      if (signal?.aborted) throw new ReclmisError('INTERRUPTED', `stopped after ${done} of ${total} cases`);
      const at = next++;
      const job = jobs[at];
      if (!job) return;
      const result = await measure(job);
      found[at] = result.cases.map((one) => ({ ...one, split: job.split }));
      problems[at] = [...result.problems];
      addCounts(levels, result.levels);
      addCounts(areaShares, result.areaShares);
      done += job.cases.length;
      onProgress?.(done, total);
    }
  };
  if (workers === 0) await drain(measureCases);
  else {
    const threads = Array.from({ length: Math.min(workers, jobs.length) }, () => new MeasureThread());
    try {
      await Promise.all(threads.map((thread) => drain((job) => thread.run(job))));
    } finally {
      await Promise.all(threads.map((thread) => thread.close()));
    }
  }
  return { cases: found.flat(), problems: problems.flat(), levels, areaShares };
}

class MeasureThread {
  private readonly worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: MEASURER,
    execArgv: [],
  });

  run(job: MeasureJob): Promise<MeasureResult> {
    const { worker } = this;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(
          new ReclmisError('INTERNAL', `a measuring thread failed (${oneLine(error)})`, { cause: error }),
        );
      };
      worker.once('error', fail);
      worker.once('message', (reply: MeasureReply) => {
        worker.off('error', fail);
        if ('result' in reply) resolve(reply.result);
        else reject(new ReclmisError(reply.error.code, reply.error.message, { remedy: reply.error.remedy }));
      });
      worker.postMessage(job);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, toReclmisError } from '@reclmis/core';
import { measureCases, type MeasureJob, type MeasureResult } from './measure.js';

/** Importing this file elsewhere must do nothing. */
export const MEASURER = 'reclmis-measure';

/** An error loses its class on the way and is rebuilt. */
export type MeasureReply =
  | { readonly result: MeasureResult }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly remedy: string } };

if (!isMainThread && parentPort !== null && workerData === MEASURER) {
  const port = parentPort;
  port.on('message', (job: MeasureJob) => {
    measureCases(job).then(
      (result) => port.postMessage({ result } satisfies MeasureReply),
      (cause: unknown) => {
        const { code, message, remedy } = toReclmisError(cause);
        port.postMessage({ error: { code, message, remedy } } satisfies MeasureReply);
      },
    );
  });
}

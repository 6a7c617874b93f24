/** The decoders' thread in Node. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isMainThread, parentPort } from 'node:worker_threads';
import { answer } from './answer.js';
import type { JobMessage, JobReply } from './jobs.js';
import { WASM_FILES, WasmDecoders } from './wasm.js';

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const require = createRequire(import.meta.url);
  const decoders = new WasmDecoders(async (kind) => ({
    wasmBinary: await readFile(require.resolve(WASM_FILES[kind])),
  }));
  port.on('message', ({ number, job }: JobMessage) => {
    void answer(job, decoders).then((given) => {
      const reply: JobReply = { number, ...given };
      port.postMessage(reply, 'data' in given ? [given.data.buffer as ArrayBuffer] : []);
    });
  });
}

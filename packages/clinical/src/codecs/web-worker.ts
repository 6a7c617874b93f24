/** The decoders' thread in browsers. */
import { answer } from './answer.js';
import type { JobMessage, JobReply } from './jobs.js';
import { WasmDecoders, type WasmKind } from './wasm.js';

interface WorkerScope {
  onmessage: ((event: { readonly data: JobMessage }) => void) | null;
  postMessage(reply: JobReply, transfer: ArrayBuffer[]): void;
}

declare const WorkerGlobalScope: unknown;

/** Files of the packages' WebAssembly. Written out, so that bundlers find, copy and address them. */
const BUNDLED: Readonly<Record<WasmKind, () => URL>> = {
  jpeg: () => new URL('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm', import.meta.url),
  'jpeg-ls': () => new URL('@cornerstonejs/codec-charls/decodewasm', import.meta.url),
  j2k: () => new URL('@cornerstonejs/codec-openjpeg/decodewasm', import.meta.url),
  htj2k: () => new URL('@cornerstonejs/codec-openjph/wasm', import.meta.url),
};

if (typeof WorkerGlobalScope !== 'undefined') {
  const scope = globalThis as unknown as WorkerScope;
  let decoders: WasmDecoders | null = null;
  scope.onmessage = ({ data: { number, job, base } }) => {
    decoders ??= new WasmDecoders((kind) =>
      Promise.resolve({
        locateFile: (file: string) => (base === undefined ? BUNDLED[kind]().href : `${base}${file}`),
      }),
    );
    void answer(job, decoders, () => scope.postMessage({ number, loaded: true }, [])).then((given) => {
      scope.postMessage({ number, ...given }, 'data' in given ? [given.data.buffer as ArrayBuffer] : []);
    });
  };
}

// Vite, for the page of this folder:
//   npm install @reclmis/runtime vite
//   MODEL=/path/to/exported/model npx vite            the page, for working on it
//   npx vite build                                    the page, for a server; put the model beside it as model/
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';

const ORT = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
/** WebAssembly, and the same with WebGPU. */
const ORT_FILES = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);
const MODEL = process.env.MODEL ?? 'model';
const TYPES = { '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };
/** A page has threads with these headers alone; the server of the built page has to send them too. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A folder's files as they are: Vite would rewrite modules, and threads begin in theirs. */
const folder = (dir) => (request, response) => {
  const name = basename(request.url.split('?')[0]);
  const type = TYPES[/\.\w+$/.exec(name)?.[0]] ?? 'application/octet-stream';
  createReadStream(join(dir, name))
    .on('open', () => response.writeHead(200, { ...headers, 'Content-Type': type }))
    .on('error', () => response.writeHead(404).end())
    .pipe(response);
};

const files = {
  name: 'onnxruntime-and-model',
  configureServer({ middlewares }) {
    middlewares.use('/ort', folder(ORT));
    middlewares.use('/model', folder(MODEL));
  },
  generateBundle() {
    for (const name of ORT_FILES)
      this.emitFile({ type: 'asset', fileName: `ort/${name}`, source: readFileSync(join(ORT, name)) });
  },
};

export default defineConfig({
  plugins: [files],
  server: { headers },
  preview: { headers },
  // Without the copies of the same files that onnxruntime's bundles refer to.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  build: { target: 'es2022' },
});

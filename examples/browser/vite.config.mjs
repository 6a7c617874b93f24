// Vite, for the page of this folder:
//   npm install @reclmis/runtime onnxruntime-web@1.30.0 @reclmis/phantom vite
//   npx vite                                          to work on the page, with the model that knows only drawn phantoms
//   MODEL=/path/to/exported/model npx vite            with another
//   npx vite build                                    for a server; with the model as model/
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODEL as PHANTOM } from '@reclmis/phantom';
import { defaultClientConditions, defineConfig } from 'vite';

const ORT = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
/** WebAssembly, without and with WebGPU. */
const ORT_FILES = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);
const MODEL = process.env.MODEL ?? fileURLToPath(PHANTOM);
const TYPES = { '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };
/** Threads need these headers, from the built page's server too. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Serves files unchanged: Vite would rewrite the modules that threads start from. */
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
    for (const name of readdirSync(MODEL).filter((one) => /\.(json|onnx|txt)$/.test(one)))
      this.emitFile({ type: 'asset', fileName: `model/${name}`, source: readFileSync(join(MODEL, name)) });
  },
};

export default defineConfig({
  plugins: [files],
  server: { headers },
  preview: { headers },
  // Without copies of the files inside onnxruntime's bundles.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  build: { target: 'es2022' },
});

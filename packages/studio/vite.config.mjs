// The page as static files in dist/page, from what tsc compiled into dist, and onnxruntime's files in dist/ort. Model,
// samples and onnxruntime's files are no part of the page: `reclmis studio` serves them next to it, `--build` copies them.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';
import { POLICY } from './dist/index.js';

/** The page states its policy itself, for servers that send none. */
const policy = {
  name: 'policy',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

/** WebAssembly, without and with WebGPU: 41 MB of onnxruntime-web's 139. */
const RUNTIME_FILES = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);
const runtime = {
  name: 'runtime',
  closeBundle() {
    const from = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
    const to = join(import.meta.dirname, 'dist', 'ort');
    mkdirSync(to, { recursive: true });
    for (const name of RUNTIME_FILES) copyFileSync(join(from, name), join(to, name));
  },
};

export default defineConfig({
  base: './',
  plugins: [policy, runtime],
  // Without copies of the files inside onnxruntime's bundles.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    assetsInlineLimit: 0, // the policy allows no data: address
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
  },
});

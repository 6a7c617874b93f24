// The page as static files in dist/page, from what tsc compiled into dist. Model, samples and onnxruntime's files are
// no part of it: `reclmis studio` serves them next to it, `reclmis studio --build` copies them.
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

export default defineConfig({
  base: './',
  plugins: [policy],
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

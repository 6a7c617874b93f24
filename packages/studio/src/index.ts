/**
 * The studio's page as static files, for servers.
 *
 * @packageDocumentation
 */

/** Folder of the built page, a `file:` URL that ends with a slash. It has no model: that belongs next to it, as `model/`. */
export const PAGE = new URL('./page/', import.meta.url);

/** Folder of onnxruntime's files, which belong next to the page as `ort/`: WebAssembly, without and with WebGPU. */
export const RUNTIME = new URL('./ort/', import.meta.url);

export { FOLLOW_RUN, PLACES } from './places.js';

/**
 * The page's Content-Security-Policy: its own files only. Without `frame-ancestors`, which a meta tag cannot state.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

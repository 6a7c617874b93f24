/** In a browser: WebGPU if available, else WebAssembly with threads and SIMD. */
import { ReclmisError } from '@reclmis/core';
import { decodeInBrowser } from './browser-image.js';
import { openModel } from './model.js';
import { openNetwork, type OnnxRuntime } from './onnx.js';
import type { Network, Platform } from './seams.js';
import type { LoadOptions, Model } from './types.js';
import { urlSource } from './url-source.js';

export type * from './types.js';

type BrowserDevice = 'webgpu' | 'wasm';

/**
 * Loads an exported model from a URL, absolute or relative to the page. The caller disposes it.
 * @throws MODEL_MISSING, MODEL_INVALID, RUNTIME_MISSING, DEVICE_MISSING, DEVICE_WRONG, OPTION_INVALID; the
 * signal's reason
 */
export async function loadModel(source: string | URL, options: LoadOptions = {}): Promise<Model> {
  const { signal } = options;
  return openModel(urlSource(absolute(source), signal), await browserPlatform(options), options);
}

function absolute(address: string | URL): string {
  try {
    return new URL(address, globalThis.location.href).href;
  } catch (cause) {
    throw new ReclmisError('MODEL_MISSING', `${String(address)}: expected an address`, { cause });
  }
}

async function browserPlatform(options: LoadOptions): Promise<Platform> {
  const { device: asked, threads } = options;
  if (asked !== undefined && asked !== 'webgpu' && asked !== 'wasm')
    throw new ReclmisError('DEVICE_MISSING', `device: expected webgpu or wasm in a browser, got ${asked}`);
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new ReclmisError('OPTION_INVALID', `threads: expected a whole number from 1, got ${threads}`);
  let device: BrowserDevice = asked ?? ((await hasFastWebGpu()) ? 'webgpu' : 'wasm');
  return {
    get device() {
      return device;
    },
    giveUp() {
      if (device === 'wasm' || asked !== undefined) return false;
      device = 'wasm'; // WebGPU may exist and still not work
      return true;
    },
    open: (bytes) => openOn(device, bytes, options),
    decode: decodeInBrowser,
    sha256,
  };
}

/** Emulated on the CPU, WebGPU is slower than WebAssembly. */
async function hasFastWebGpu(): Promise<boolean> {
  interface Adapter {
    readonly isFallbackAdapter?: boolean;
    readonly info?: { readonly isFallbackAdapter?: boolean };
  }
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter != null && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false);
}

/** @throws RUNTIME_MISSING, DEVICE_MISSING; any error for bytes that are no model. */
async function openOn(device: BrowserDevice, bytes: Uint8Array, options: LoadOptions): Promise<Network> {
  const ort = await loadRuntime(device, options);
  try {
    return await openNetwork(ort, bytes, { executionProviders: [device] });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (!text.includes('no available backend')) throw cause;
    if (device === 'webgpu') throw new ReclmisError('DEVICE_MISSING', `webgpu: ${text}`, { cause });
    throw new ReclmisError('RUNTIME_MISSING', `onnxruntime-web does not start (${text})`, { cause });
  }
}

/** The build of onnxruntime-web with WebGPU is twice as large. */
async function loadRuntime(
  device: BrowserDevice,
  { threads = navigator.hardwareConcurrency, wasmPaths }: LoadOptions,
): Promise<OnnxRuntime> {
  const { InferenceSession, Tensor, env } = await (
    device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm')
  ).catch((cause: unknown) => {
    throw new ReclmisError('RUNTIME_MISSING', 'onnxruntime-web does not load', { cause });
  });
  // Read once. Threads load the file with their code; in a bundle that would be the page's own program, and
  // onnxruntime would wait for ever.
  if (wasmPaths !== undefined) env.wasm.wasmPaths = `${absolute(wasmPaths).replace(/\/$/, '')}/`;
  env.wasm.numThreads = wasmPaths !== undefined && globalThis.crossOriginIsolated ? threads : 1;
  return { InferenceSession, Tensor };
}

async function sha256(bytes: Uint8Array): Promise<string> {
  if (!globalThis.isSecureContext)
    throw new ReclmisError(
      'RUNTIME_MISSING',
      'SHA-256 needs https or localhost: serve the page that way, or load with verify: false',
    );
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

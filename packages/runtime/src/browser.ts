/** In a browser: WebGPU if available, else WebAssembly with threads and SIMD. */
import { defined, isHubAddress, ReclmisError } from '@reclmis/core';
import { decodeInBrowser } from './browser-image.js';
import { hubSource } from './hub-source.js';
import { browserCache } from './model-cache.js';
import { openModel } from './open-model.js';
import { openNetwork, type OnnxRuntime } from './onnx.js';
import { MAX_PIXELS } from './picture.js';
import type { Decoded, Network, Platform, Source } from './seams.js';
import type { Device, ImageSource, LoadOptions, Model, OpenOptions } from './types.js';
import { recoveringNetwork, type SharedDevice } from './recovering.js';
import { urlSource } from './url-source.js';

export type { Decoded } from './seams.js';
export type * from './types.js';

type BrowserDevice = 'webgpu' | 'wasm';

/**
 * Loads an exported model from a URL, absolute or relative to the page, or from a hub: `hf:owner/name@revision/folder`. The
 * caller disposes it.
 * @throws MODEL_MISSING, MODEL_INVALID, RUNTIME_MISSING, DEVICE_MISSING, DEVICE_WRONG, OPTION_INVALID; of a hub also
 * HUB_MISSING, HUB_REFUSED; the signal's reason
 */
export async function loadModel(source: string | URL, options: LoadOptions = {}): Promise<Model> {
  const { signal, wasmModel } = options;
  const platform = await browserPlatform(options);
  const place = (device: Device): string | URL => (device === 'wasm' ? (wasmModel ?? source) : source);
  const open = async (on: Platform): Promise<Model> =>
    openModel(await sourceOf(place(on.device), options), on, options);
  if (wasmModel === undefined || platform.device === 'wasm' || options.device !== undefined)
    return open(platform);
  try {
    return await open(withoutGivingUp(platform));
  } catch (error) {
    signal?.throwIfAborted();
    const fallback = await browserPlatform({ ...options, device: 'wasm' });
    const model = await open(fallback);
    options.onFallback?.(fallbackError(error));
    return model;
  }
}

async function sourceOf(place: string | URL, { hubUrl, signal }: LoadOptions): Promise<Source> {
  const address = String(place);
  return isHubAddress(address) ? hubSource(address, hubUrl, signal) : urlSource(absolute(place), signal);
}

/** Its own model is not for the other device. */
const withoutGivingUp = (platform: Platform): Platform => ({
  ...platform,
  get device() {
    return platform.device;
  },
  giveUp: () => false,
});

const fallbackError = (cause: unknown): ReclmisError =>
  cause instanceof ReclmisError
    ? cause
    : new ReclmisError(
        'INFERENCE_FAILED',
        `webgpu: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );

/**
 * Decodes an image to the pixels that `segment` sees: as displayed, 8 bits, red, green and blue. DICOM and NIfTI also give
 * their geometry (`clinical`).
 * @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_MISSING, OPTION_INVALID (no such frame)
 */
export async function decodeImage(image: ImageSource, options: OpenOptions = {}): Promise<Decoded> {
  const { maxPixels = MAX_PIXELS, frame, window, decoders } = options;
  return decodeInBrowser(image, { maxPixels, ...defined({ frame, window, decoders }) });
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
  let epoch = 0;
  /** WebGPU may exist and still not work, or stop. */
  const fallBack = (why: unknown): boolean => {
    if (device === 'wasm' || asked !== undefined) return false;
    device = 'wasm';
    epoch += 1;
    options.onFallback?.(fallbackError(why));
    return true;
  };
  const shared: SharedDevice = {
    get epoch() {
      return epoch;
    },
    fallBack,
  };
  return {
    get device() {
      return device;
    },
    giveUp: fallBack,
    cache: options.cache === true ? browserCache() : null,
    open: (bytes, kept) =>
      device === 'webgpu' && asked === undefined
        ? recoveringNetwork(shared, () => openOn(device, bytes, options, kept))
        : openOn(device, bytes, options, kept),
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
async function openOn(
  device: BrowserDevice,
  bytes: Uint8Array,
  options: LoadOptions,
  kept: readonly string[] = [],
): Promise<Network> {
  const ort = await loadRuntime(device, options);
  const onDevice =
    device === 'webgpu' && kept.length > 0
      ? { preferredOutputLocation: Object.fromEntries(kept.map((name) => [name, 'gpu-buffer' as const])) }
      : {};
  try {
    return await openNetwork(ort, bytes, { executionProviders: [device], ...onDevice });
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

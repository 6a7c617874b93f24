/** Segments images by notes with exported models, in a browser: WebGPU where it is there, else WebAssembly with threads and SIMD. */
import { checkImage, ReclmisError, type RgbImage } from '@reclmis/core';
import { openModel } from './model.js';
import { openNetwork } from './onnx.js';
import type { Platform } from './seams.js';
import type { Device, ImageSource, LoadOptions, Model } from './types.js';
import { urlSource } from './url-source.js';

export type * from './types.js';

/** `LoadOptions` of a browser. */
export interface BrowserLoadOptions extends LoadOptions {
  /** Address of the folder with onnxruntime-web's .wasm and .mjs files; default: where the bundler has put them. */
  readonly wasmPaths?: string;
}

/**
 * Loads an exported model from an address, absolute or relative to the page. The caller disposes of it.
 * @throws MODEL_MISSING, MODEL_INVALID, RUNTIME_MISSING, DEVICE_MISSING; the signal's reason when it is aborted.
 */
export async function loadModel(source: string | URL, options: BrowserLoadOptions = {}): Promise<Model> {
  const address = new URL(source, globalThis.location.href).href;
  return openModel(urlSource(address, options.signal), await browserPlatform(options), options);
}

async function browserPlatform({ device, threads, wasmPaths }: BrowserLoadOptions): Promise<Platform> {
  const chosen: Device = device ?? ((await hasWebGpu()) ? 'webgpu' : 'wasm');
  if (chosen !== 'webgpu' && chosen !== 'wasm')
    throw new ReclmisError('DEVICE_MISSING', `device: expected webgpu or wasm in a browser, got ${chosen}`);
  const ort = await import('onnxruntime-web/webgpu').catch((cause: unknown) => {
    throw new ReclmisError('RUNTIME_MISSING', 'onnxruntime-web does not load', { cause });
  });
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = new URL(wasmPaths, globalThis.location.href).href;
  // Threads need a page that is isolated from other origins (COOP and COEP headers).
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? (threads ?? navigator.hardwareConcurrency) : 1;
  return {
    device: chosen,
    open: (bytes) => openNetwork(ort, bytes, { executionProviders: [chosen] }),
    decode,
    sha256: async (bytes) => {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
      return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    },
  };
}

async function hasWebGpu(): Promise<boolean> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
  return (await gpu?.requestAdapter().catch(() => null)) != null;
}

/** Pixels as they are stored: neither colour profiles nor alpha change them. */
async function decode(image: ImageSource, maxPixels: number): Promise<RgbImage> {
  if (typeof image === 'string')
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'image: expected pixels, bytes or a Blob, got a path');
  if (!(image instanceof Uint8Array) && !(image instanceof Blob)) {
    checkImage(image, 'segment');
    return image;
  }
  const blob = image instanceof Blob ? image : new Blob([new Uint8Array(image)]);
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw new ReclmisError('IMAGE_UNREADABLE', 'image: the browser cannot decode it', { cause });
  });
  try {
    const { width, height } = bitmap;
    if (width * height > maxPixels)
      throw new ReclmisError(
        'IMAGE_TOO_LARGE',
        `image: ${width} x ${height} pixels, the limit is ${maxPixels}`,
      );
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new ReclmisError('IMAGE_UNREADABLE', 'image: the browser gives no canvas');
    context.fillStyle = 'black'; // alpha is composited onto black, as in Node
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    const data = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
      data[to] = rgba[from] ?? 0;
      data[to + 1] = rgba[from + 1] ?? 0;
      data[to + 2] = rgba[from + 2] ?? 0;
    }
    return { width, height, data };
  } finally {
    bitmap.close();
  }
}

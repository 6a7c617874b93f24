/**
 * Decoders in WebAssembly: libjpeg-turbo, CharLS, OpenJPEG and OpenJPH as Cornerstone builds them, each loaded on first
 * use. Runs in the decoders' thread alone.
 */
import { unreadable } from '../dicom/faults.js';
import type { CodecKind, Job } from './jobs.js';

export type WasmKind = Exclude<CodecKind, 'jpeg-extended' | 'jpeg-lossless'>;

/** Gives Emscripten what it needs to find a decoder's WebAssembly. */
export type WasmSource = (kind: WasmKind) => Promise<Record<string, unknown>>;

interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): {
    readonly width: number;
    readonly height: number;
    readonly bitsPerSample: number;
    readonly componentCount: number;
  };
  /** A view of WebAssembly's memory: gone after `delete`. */
  getDecodedBuffer(): Uint8Array;
  getInterleaveMode?(): number;
  delete(): void;
}

interface Instance {
  readonly HEAPU8: Uint8Array;
  readonly [decoder: string]: unknown;
}

type Factory = (options: Record<string, unknown>) => Promise<Instance>;

/** Files of the packages' WebAssembly, by kind. */
export const WASM_FILES: Readonly<Record<WasmKind, string>> = {
  jpeg: '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm',
  'jpeg-ls': '@cornerstonejs/codec-charls/decodewasm',
  j2k: '@cornerstonejs/codec-openjpeg/decodewasm',
  htj2k: '@cornerstonejs/codec-openjph/wasm',
};

const CLASSES: Readonly<Record<WasmKind, string>> = {
  jpeg: 'JPEGDecoder',
  'jpeg-ls': 'JpegLSDecoder',
  j2k: 'J2KDecoder',
  htj2k: 'HTJ2KDecoder',
};

// One `import` each, so that bundlers find them.
const FACTORIES: Readonly<Record<WasmKind, () => Promise<unknown>>> = {
  jpeg: () => import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs'),
  'jpeg-ls': () => import('@cornerstonejs/codec-charls/decodewasmjs'),
  j2k: () => import('@cornerstonejs/codec-openjpeg/decodewasmjs'),
  htj2k: () => import('@cornerstonejs/codec-openjph'),
};

/** WebAssembly that does not load, rather than a damaged frame. */
export class MissingDecoder extends Error {}

export class WasmDecoders {
  private readonly instances = new Map<WasmKind, Promise<Instance>>();
  private readonly loaded: Instance[] = [];

  constructor(private readonly source: WasmSource) {}

  /** Bytes of all memories. */
  get memory(): number {
    return this.loaded.reduce((sum, { HEAPU8 }) => sum + HEAPU8.length, 0);
  }

  /** @throws MissingDecoder, or whatever the decoder throws: numbers, strings and errors */
  async decode(kind: WasmKind, job: Job): Promise<{ readonly data: Uint8Array; readonly planes: boolean }> {
    const instance = await this.instance(kind);
    const Class = instance[CLASSES[kind]] as new () => Decoder;
    const decoder = new Class();
    try {
      decoder.getEncodedBuffer(job.bytes.length).set(job.bytes);
      decoder.decode();
      const { width, height, bitsPerSample, componentCount } = decoder.getFrameInfo();
      if (
        width !== job.width ||
        height !== job.height ||
        componentCount !== job.components ||
        bitsPerSample > 8 !== (job.depth === 2)
      )
        throw unreadable('the decoder finds a compressed frame of another size than its header');
      const planes = kind === 'jpeg-ls' && componentCount > 1 && decoder.getInterleaveMode?.() === 0;
      return { data: decoder.getDecodedBuffer().slice(), planes };
    } finally {
      decoder.delete();
    }
  }

  /** Loads a decoder ahead of its first frame. @throws MissingDecoder */
  async load(kind: WasmKind): Promise<void> {
    await this.instance(kind);
  }

  private instance(kind: WasmKind): Promise<Instance> {
    let instance = this.instances.get(kind);
    if (instance === undefined) {
      instance = this.start(kind);
      this.instances.set(kind, instance);
    }
    return instance;
  }

  private async start(kind: WasmKind): Promise<Instance> {
    try {
      const module = (await FACTORIES[kind]()) as { readonly default?: unknown };
      const factory = (module.default ?? module) as Factory;
      const silent = { print: () => undefined, printErr: () => undefined };
      const instance = await factory({ ...silent, ...(await this.source(kind)) });
      this.loaded.push(instance);
      return instance;
    } catch (error) {
      throw new MissingDecoder(error instanceof Error ? error.message : String(error));
    }
  }
}

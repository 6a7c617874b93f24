/**
 * Segments images by notes in Node. Browsers get `browser.ts` under the same name.
 *
 * @packageDocumentation
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defined, isHubAddress, ReclmisError } from '@reclmis/core';
import {
  fetchHubModel,
  oneLine,
  openImageBytes,
  openRegular,
  readImageWithHeader,
  systemCode,
} from '@reclmis/files';
import { knowImage } from './inputs.js';
import { openModel } from './open-model.js';
import { MAX_PIXELS } from './picture.js';
import type { Decoded, DecodeOptions, Platform, Source } from './seams.js';
import { networkOpener } from './threaded-network.js';
import type { Device, ImageSource, LoadOptions, Model, OpenOptions } from './types.js';
import { urlSource } from './url-source.js';

export type { Decoded } from './seams.js';
export { checkRuntime } from './self-test.js';
export type * from './types.js';

/**
 * Loads an exported model from a folder, a `file:` URL, an http(s) URL, or a hub: `hf:owner/name@revision/folder`, which is
 * fetched into the cache. The caller disposes it.
 * @throws MODEL_MISSING, MODEL_INVALID, RUNTIME_MISSING, DEVICE_MISSING, DEVICE_WRONG, OPTION_INVALID; of a hub also as
 * `fetchHubModel` of `@reclmis/files`; the signal's reason
 */
export async function loadModel(source: string | URL, options: LoadOptions = {}): Promise<Model> {
  const address = String(source);
  return openModel(
    isHubAddress(address) ? await hubSource(address, options) : sourceOf(address, options.signal),
    nodePlatform(options.device ?? 'cpu', options.threads),
    options,
  );
}

/**
 * Decodes an image to the pixels that `segment` sees: as displayed, 8 bits, red, green and blue. DICOM and NIfTI also give
 * their geometry (`clinical`).
 * @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_MISSING, OPTION_INVALID (no such frame)
 */
export async function decodeImage(image: ImageSource, options: OpenOptions = {}): Promise<Decoded> {
  const { maxPixels = MAX_PIXELS, frame, window, decoders } = options;
  return decodeInNode(image, { maxPixels, ...defined({ frame, window, decoders }) });
}

async function hubSource(address: string, { hubUrl, offline, signal }: LoadOptions): Promise<Source> {
  const { folder, origin } = await fetchHubModel(address, { hubUrl, offline, signal });
  return { ...folderSource(folder), origin };
}

function sourceOf(address: string, signal: AbortSignal | undefined): Source {
  try {
    if (/^https?:/.test(address)) return urlSource(address, signal);
    return folderSource(address.startsWith('file:') ? fileURLToPath(address) : address);
  } catch (cause) {
    const shown = address.replace(/\/\/[^/]*@/, '//').replace(/[?#].*/, ''); // no names and keys in messages
    throw new ReclmisError('MODEL_MISSING', `${shown}: is not an address (${oneLine(cause)})`, { cause });
  }
}

function nodePlatform(device: Device, threads = availableParallelism()): Platform {
  if (device !== 'cpu' && device !== 'cuda')
    throw new ReclmisError('DEVICE_MISSING', `device: expected cpu or cuda in Node, got ${device}`);
  if (!Number.isInteger(threads) || threads < 1)
    throw new ReclmisError('OPTION_INVALID', `threads: expected a whole number from 1, got ${threads}`);
  const settings = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // A network's threads would go on waiting busily after its run, on the cores of the next network's.
    extra: { session: { force_spinning_stop: '1' } },
  };
  const open = networkOpener(settings);
  return {
    device,
    open: device === 'cpu' ? open : (bytes) => open(bytes).catch(refuseDevice),
    decode: decodeInNode,
    sha256: (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
  };
}

async function decodeInNode(
  image: ImageSource,
  { maxPixels, frame, window }: DecodeOptions,
): Promise<Decoded> {
  const known = await knowImage(image, ', or the path of one');
  if (known.kind === 'pixels') return known;
  const options = defined({ maxPixels, frame, window });
  return known.kind === 'file'
    ? (await openImageBytes(known.bytes, 'image', options)).read()
    : readImageWithHeader(pathOf(known.place), options);
}

/** Only this machine's images; nothing is fetched. @throws IMAGE_UNSUPPORTED */
function pathOf(place: string | URL): string {
  if (typeof place === 'string') return place;
  try {
    return fileURLToPath(place);
  } catch (cause) {
    throw new ReclmisError('IMAGE_UNSUPPORTED', `image: expected a file: URL, got ${place.protocol}`, {
      cause,
      remedy: 'Fetch the image first and pass its bytes.',
    });
  }
}

/** onnxruntime's message if a device's libraries are missing. */
function refuseDevice(cause: unknown): never {
  if (!/Failed to load (?:shared )?library|execution provider/i.test(oneLine(cause))) throw cause;
  throw new ReclmisError('DEVICE_MISSING', `device: onnxruntime has no cuda here (${oneLine(cause)})`, {
    cause,
    remedy: 'Use --device cpu, or install onnxruntime-node, whose installation fetches its CUDA libraries.',
  });
}

function folderSource(folder: string): Source {
  return {
    where: folder,
    async read(name, limit, onBytes) {
      const path = join(folder, name);
      const file = await openRegular(path).catch((cause: unknown) => {
        const missing = ['ENOENT', 'ENOTDIR'].includes(systemCode(cause));
        throw new ReclmisError(
          missing ? 'MODEL_MISSING' : 'MODEL_INVALID',
          `${path}: ${missing ? 'file not found' : `cannot be read (${oneLine(cause)})`}`,
          { cause },
        );
      });
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw new ReclmisError('MODEL_INVALID', `${path}: is not a file`);
        if (stats.size > limit)
          throw new ReclmisError(
            'MODEL_INVALID',
            `${path}: expected at most ${limit} bytes, got ${stats.size}`,
          );
        const bytes = await file.readFile();
        onBytes?.(bytes.length);
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

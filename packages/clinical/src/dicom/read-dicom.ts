/**
 * A DICOM file as an image: header, geometry and windows at once, each frame's pixels when asked for. Grey values go
 * through the modality transformation, the window, and the inversion of MONOCHROME1, to 0..255.
 */
import { about, ReclmisError, type RgbImage, type Warning, type WindowChoice } from '@reclmis/core';
import type { FrameDecoder } from './codec.js';
import { stackSlices } from '../grid.js';
import type { DicomImage, FrameGeometry, Rendering } from '../types.js';
import { toRgb } from './colour.js';
import type { DataSet } from './data-set.js';
import { unreadable } from './faults.js';
import { framesOf } from './frames.js';
import { aspectStep, geometryOf } from './geometry.js';
import { groupsOf, type Groups } from './groups.js';
import { refuseNonImages } from './kinds.js';
import { modalityOf } from './modality.js';
import { openFile } from './open-file.js';
import { paletteOf, type Palette } from './palette.js';
import { pixelFormatOf, type PixelFormat } from './pixel-format.js';
import { type GreyRendering, limitsOf, renderGrey } from './render.js';
import { sourceOf } from './source.js';
import { storedFrame, type StoredFrame } from './stored.js';
import { TAG } from './tags.js';
import { OF_VOLUME, voiOf } from './window.js';

export interface ReadDicomOptions {
  /** What messages call the file, such as its path; default "the DICOM file". */
  readonly name?: string;
  /** Default: the first window of the file, or else percentiles of the pixels. */
  readonly window?: WindowChoice;
  /** Most pixels of a frame, width x height; default 64,000,000. */
  readonly maxPixels?: number;
  /** Most bytes of a deflated data set; default 256 MiB. */
  readonly maxInflated?: number;
  /**
   * In browsers, address of the folder with the decoders' WebAssembly files, absolute or relative to the page; default:
   * where the bundler put them. Ignored in Node.
   */
  readonly decoders?: string;
}

export type ReadDicom = (bytes: Uint8Array, options?: ReadDicomOptions) => Promise<DicomImage>;

const MAX_PIXELS = 64_000_000;
const MAX_INFLATED = 256 * 1024 * 1024;

/** Returns a reader that decompresses by what `decoderFor` gives. */
export function dicomReader(decoderFor: (options: ReadDicomOptions) => FrameDecoder): ReadDicom {
  return (bytes, options = {}) => {
    const name = options.name ?? 'the DICOM file';
    const open = (): DicomImage => opened(bytes, options, name, decoderFor(options));
    return about(name, () => Promise.resolve().then(open));
  };
}

function opened(
  bytes: Uint8Array,
  { window, maxPixels = MAX_PIXELS, maxInflated = MAX_INFLATED }: ReadDicomOptions,
  name: string,
  decode: FrameDecoder,
): DicomImage {
  const { dataSet, syntax } = openFile(bytes, maxInflated);
  refuseNonImages(dataSet);
  const format = pixelFormatOf(dataSet, maxPixels);
  const frameBytes = framesOf(dataSet, format, syntax.compression);
  const groups = groupsOf(dataSet);
  const source = sourceOf(dataSet, syntax.uid, groups(0, TAG.frameAnatomy));
  const colour = format.samples === 3 || format.photometric === 'PALETTE COLOR';
  const palette = format.photometric === 'PALETTE COLOR' ? paletteOf(dataSet, format.signed) : null;

  const warnings: Warning[] = [];
  if (colour && window !== undefined)
    warnings.push({
      code: 'WINDOW_IGNORED',
      message: 'the image has colours, which no grey level window applies to',
    });
  const greyOf = (frame: number): GreyRendering =>
    greyRendering(
      dataSet,
      groups,
      frame,
      format,
      window,
      frame === 0 ? (one) => warnings.push(one) : () => undefined,
    );
  const geometryAt = (frame: number): FrameGeometry =>
    geometryOf(dataSet, (sequence) => groups(frame, sequence), source.modality);
  const ownFirst = colour ? null : greyOf(0);
  const { frames } = format;
  const together = ownFirst?.voi.kind === 'percentile' && isVolume(frames, geometryAt, greyOf);
  const first = together ? { ...ownFirst, voi: OF_VOLUME } : ownFirst;
  const known: Rendering = {
    steps: stepsOf(syntax.name, format, first, aspectStep(dataSet)),
    window: first?.voi.kind === 'window' ? { centre: first.voi.centre, width: first.voi.width } : null,
    inverted: first?.inverted ?? false,
  };

  const stored = async (frame: number): Promise<StoredFrame> => {
    const part = frameBytes(frame);
    if (syntax.compression === 'none') return storedFrame(part, format, frame, syntax.little);
    const decoded = await decode({ compression: syntax.compression, bytes: part, format });
    return { ...decoded, bits: Math.min(decoded.bits, format.stored) };
  };
  async function* all(): AsyncGenerator<{ stored: StoredFrame; rendering: GreyRendering }> {
    for (let one = 0; one < frames; one += 1) yield { stored: await stored(one), rendering: greyOf(one) };
  }
  let limits: Promise<readonly [low: number, high: number]> | null = null;
  const shown = async (frame: number): Promise<GreyRendering> => {
    const own = frame === 0 ? first! : greyOf(frame);
    if (!together) return own;
    limits ??= limitsOf(all(), format.width * format.height);
    return { ...own, voi: OF_VOLUME, limits: await limits };
  };
  const grey = async (frame: number): Promise<ReturnType<typeof renderGrey>> =>
    renderGrey(await stored(frame), format.width, format.height, await shown(frame));

  return {
    format: 'dicom',
    width: format.width,
    height: format.height,
    frames: format.frames,
    colour,
    bits: format.stored,
    rendering: known,
    warnings,
    source,
    geometryOf(frame): FrameGeometry {
      checkFrame(frame, format.frames, name);
      return geometryAt(frame);
    },
    frame: (frame) =>
      about(name, async () => {
        checkFrame(frame, format.frames, 'frame');
        if (palette !== null) return throughPalette(await stored(frame), palette, format);
        return colour ? inColour(await stored(frame), format) : (await grey(frame)).image;
      }),
    renderingOf: (frame) =>
      about(name, async () => {
        checkFrame(frame, format.frames, 'frame');
        if (colour) return known;
        const rendering = await shown(frame);
        const { window: applied } =
          rendering.voi.kind === 'percentile' ? await grey(frame) : { window: voiWindow(rendering) };
        return {
          steps: stepsOf(syntax.name, format, rendering, aspectStep(dataSet)),
          window: applied,
          inverted: rendering.inverted,
        };
      }),
  };
}

/** With more frames than this, each is shown by itself: reading all takes too long. */
const MOST_SLICES = 10_000;

/** Whether frames are slices of one stack, and none of them states a window: then one window makes them comparable. */
function isVolume(
  frames: number,
  geometryAt: (frame: number) => FrameGeometry,
  greyOf: (frame: number) => GreyRendering,
): boolean {
  if (frames < 2 || frames > MOST_SLICES || geometryAt(0).plane === null) return false;
  const each = Array.from({ length: frames }, (_, frame) => frame);
  try {
    stackSlices(each.map(geometryAt));
    return each.every((frame) => greyOf(frame).voi.kind === 'percentile');
  } catch (error) {
    if (error instanceof ReclmisError) return false; // a damaged frame fails by itself
    throw error;
  }
}

function voiWindow({ voi }: GreyRendering): Rendering['window'] {
  return voi.kind === 'window' ? { centre: voi.centre, width: voi.width } : null;
}

function checkFrame(frame: number, frames: number, where: string): void {
  if (Number.isInteger(frame) && frame >= 0 && frame < frames) return;
  throw new ReclmisError('INTERNAL', `${where}: expected a frame from 0 to ${frames - 1}, got ${frame}`);
}

function greyRendering(
  dataSet: DataSet,
  groups: Groups,
  frame: number,
  { signed, photometric }: PixelFormat,
  choice: WindowChoice | undefined,
  warn: (warning: Warning) => void,
): GreyRendering {
  const places = (sequence: number): DataSet[] => {
    const group = groups(frame, sequence);
    return group === null ? [dataSet] : [group, dataSet];
  };
  const modality = modalityOf(places(TAG.pixelTransformation), signed);
  const [fill] = dataSet.words(TAG.pixelPadding, signed);
  const [limit = fill] = dataSet.words(TAG.pixelPaddingRange, signed);
  return {
    modality,
    voi: voiOf(places(TAG.frameVoi), choice, modality.signed, warn),
    inverted: photometric === 'MONOCHROME1' || dataSet.code(TAG.presentationLutShape) === 'INVERSE',
    signed,
    padding:
      fill === undefined || limit === undefined
        ? null
        : { from: Math.min(fill, limit), to: Math.max(fill, limit) },
  };
}

function stepsOf(
  syntax: string,
  { samples, photometric, stored, signed }: PixelFormat,
  grey: GreyRendering | null,
  aspect: string | null,
): string[] {
  const steps = [`${syntax}, ${photometric}, ${stored} bits${signed ? ', signed' : ''}`];
  if (grey !== null) {
    if (grey.modality.step !== null) steps.push(grey.modality.step);
    if (grey.voi.kind === 'percentile' && grey.padding !== null)
      steps.push('padding left out of the percentiles');
    steps.push(grey.voi.step);
    if (grey.inverted) steps.push('inverted');
  } else if (photometric === 'PALETTE COLOR') steps.push('colours by the file’s palette');
  else steps.push(photometric === 'RGB' ? 'colours as stored' : 'colours converted to RGB');
  if (samples === 3 && stored !== 8) steps.push('scaled to 8 bits');
  if (aspect !== null) steps.push(aspect);
  return steps;
}

function inColour(
  { data, shift, bits, rgb }: StoredFrame,
  { width, height, photometric }: PixelFormat,
): RgbImage {
  const expected = width * height * 3;
  if (data.length < expected) throw unreadable(`expected ${expected} values, got ${data.length}`);
  const ybr = !rgb && (photometric === 'YBR_FULL' || photometric === 'YBR_FULL_422');
  return { width, height, data: toRgb(data.subarray(0, expected), shift, bits, ybr) };
}

function throughPalette(
  { data, shift, bits }: StoredFrame,
  { first, colours }: Palette,
  { width, height, signed }: PixelFormat,
): RgbImage {
  const out = new Uint8Array(width * height * 3);
  const last = colours.length / 3 - 1;
  const mask = 2 ** bits - 1;
  for (let i = 0, o = 0; i < width * height; i += 1, o += 3) {
    let value = (data[i]! >>> shift) & mask;
    if (signed && value > mask >> 1) value -= mask + 1;
    const entry = Math.min(last, Math.max(0, value - first)) * 3;
    out[o] = colours[entry]!;
    out[o + 1] = colours[entry + 1]!;
    out[o + 2] = colours[entry + 2]!;
  }
  return { width, height, data: out };
}

/** Makes small pictures in a worker: decoding a radiograph takes longer than a frame. */
import { displayedFrame, type DisplayedFrame, displayedPixels, readClinical } from '@reclmis/clinical';
import { CLINICAL_HEAD_BYTES, clinicalFormat } from '@reclmis/core';
import { outlineOf, trace } from '../stage/outline.js';
import { thumbnailPlace } from './marks.js';
import { THUMBNAIL } from './thumbnails.js';

/** As `--reference` of tokens.css: a worker has no styles. */
const REFERENCE = '#56b4e9';

export interface ThumbnailJob {
  readonly job: number;
  readonly file: Blob;
  /** The true mask's file, whose outline is drawn over the picture. */
  readonly truth: Blob | null;
}

export interface ThumbnailReply {
  readonly job: number;
  /** Null: the file is no image that can be read. */
  readonly bitmap: ImageBitmap | null;
}

globalThis.addEventListener('message', ({ data }: MessageEvent<ThumbnailJob>) => {
  const { job } = data;
  void thumbnailOf(data)
    .catch(() => null)
    .then((bitmap) => {
      const reply: ThumbnailReply = { job, bitmap };
      globalThis.postMessage(reply, { transfer: bitmap ? [bitmap] : [] });
    });
});

async function thumbnailOf({ file, truth }: ThumbnailJob): Promise<ImageBitmap> {
  const head = new Uint8Array(await file.slice(0, CLINICAL_HEAD_BYTES).arrayBuffer());
  const isClinical = clinicalFormat(head) !== null;
  const frame = isClinical ? await middleFrame(file) : null;
  const whole = frame === null ? await createImageBitmap(file) : await bitmapOf(frame);
  const { width, height } = whole;
  const place = thumbnailPlace(width, height);
  try {
    const small = await createImageBitmap(whole, {
      resizeWidth: Math.max(1, Math.round(width * place.scale)),
      resizeHeight: Math.max(1, Math.round(height * place.scale)),
      resizeQuality: 'medium',
    });
    const canvas = new OffscreenCanvas(THUMBNAIL, THUMBNAIL);
    const context = canvas.getContext('2d')!;
    context.drawImage(small, -place.left, -place.top);
    small.close();
    if (truth !== null)
      await drawTruth(context, truth, { width, height }, frame, place).catch(() => undefined); // opening the case says why
    return canvas.transferToImageBitmap();
  } finally {
    whole.close();
  }
}

async function drawTruth(
  context: OffscreenCanvasRenderingContext2D,
  file: Blob,
  image: { readonly width: number; readonly height: number },
  frame: DisplayedFrame | null,
  { scale, left, top }: ReturnType<typeof thumbnailPlace>,
): Promise<void> {
  const { readTruth } = await import('./truth.js');
  const mask = await readTruth(new Uint8Array(await file.arrayBuffer()), 'mask', image, frame);
  context.setTransform(scale, 0, 0, scale, -left, -top);
  const path = new Path2D();
  trace(path, outlineOf(mask), true);
  for (const [colour, wide] of [
    ['rgb(0 0 0 / 0.5)', 6],
    [REFERENCE, 3],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = wide / scale;
    context.stroke(path);
  }
}

/** The middle slice. */
async function middleFrame(file: Blob): Promise<DisplayedFrame> {
  const source = await readClinical(new Uint8Array(await file.arrayBuffer()));
  return displayedFrame('image', source, source.frames >> 1);
}

async function bitmapOf(frame: DisplayedFrame): Promise<ImageBitmap> {
  const { width, height, data } = await displayedPixels(frame);
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data[to] = data[from]!;
    pixels.data[to + 1] = data[from + 1]!;
    pixels.data[to + 2] = data[from + 2]!;
    pixels.data[to + 3] = 255;
  }
  return createImageBitmap(pixels);
}

/** Makes small pictures in a worker: decoding a radiograph takes longer than a frame. */
import { displayedFrame, displayedPixels, readClinical } from '@reclmis/clinical';
import { CLINICAL_HEAD_BYTES, clinicalFormat } from '@reclmis/core';
import { THUMBNAIL } from './thumbnails.js';

export interface ThumbnailJob {
  readonly job: number;
  readonly file: Blob;
}

export interface ThumbnailReply {
  readonly job: number;
  /** Null: the file is no image that can be read. */
  readonly bitmap: ImageBitmap | null;
}

globalThis.addEventListener('message', ({ data }: MessageEvent<ThumbnailJob>) => {
  const { job, file } = data;
  void thumbnailOf(file)
    .catch(() => null)
    .then((bitmap) => {
      const reply: ThumbnailReply = { job, bitmap };
      globalThis.postMessage(reply, { transfer: bitmap ? [bitmap] : [] });
    });
});

async function thumbnailOf(file: Blob): Promise<ImageBitmap> {
  const head = new Uint8Array(await file.slice(0, CLINICAL_HEAD_BYTES).arrayBuffer());
  const whole = clinicalFormat(head) === null ? await createImageBitmap(file) : await clinicalBitmap(file);
  const scale = THUMBNAIL / Math.min(whole.width, whole.height);
  const [width, height] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [x, y] = [(width! - THUMBNAIL) / 2, (height! - THUMBNAIL) / 2].map((cut) =>
    Math.max(0, Math.round(cut)),
  );
  try {
    const small = await createImageBitmap(whole, {
      ...{ resizeWidth: width!, resizeHeight: height!, resizeQuality: 'medium' },
    });
    try {
      return await createImageBitmap(small, x!, y!, THUMBNAIL, THUMBNAIL);
    } finally {
      small.close();
    }
  } finally {
    whole.close();
  }
}

/** The middle slice, as displayed. */
async function clinicalBitmap(file: Blob): Promise<ImageBitmap> {
  const source = await readClinical(new Uint8Array(await file.arrayBuffer()));
  const { width, height, data } = await displayedPixels(displayedFrame('image', source, source.frames >> 1));
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data[to] = data[from]!;
    pixels.data[to + 1] = data[from + 1]!;
    pixels.data[to + 2] = data[from + 2]!;
    pixels.data[to + 3] = 255;
  }
  return createImageBitmap(pixels);
}

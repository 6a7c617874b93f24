/** DICOM and NIfTI through a model whose networks pass the picture on: the mask must lie where the file's pixels are bright. */
import { imageFile, niftiFile } from '@reclmis/clinical/testing';
import { readSeg, writeSeg } from '@reclmis/clinical';
import { MANIFEST_FILE, ONNX_TYPES, type ReclmisError } from '@reclmis/core';
import { manifestJson, modelBytes, value } from '@reclmis/core/testing';
import { openImageBytes } from '@reclmis/files';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openModel } from './open-model.js';
import type { Network, Platform, Source } from './seams.js';
import type { Model } from './types.js';

const S = 4;
const { float32: FLOAT, int64: INT64 } = ONNX_TYPES;
const FILES: Readonly<Record<string, Uint8Array>> = {
  'segmenter.onnx': modelBytes(
    [value('image', FLOAT, ['B', 3, S, S]), value('note', FLOAT, ['B', 3, 1])],
    [value('probability', FLOAT, ['B', 1, S, S])],
  ),
  'text-encoder.onnx': modelBytes([value('tokens', INT64, ['B', 3])], [value('note', FLOAT, ['B', 3, 1])]),
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const file = (name: string): object => ({
  ...{ name, bytes: FILES[name]!.length },
  sha256: sha256(FILES[name]!),
});
const MANIFEST = manifestJson({
  ...{ size: S, tokens: 3, width: 1, words: 'upper left right lung', file },
  note: { sides: 'patient' },
});
const sourceOf = (manifest: object): Source => ({
  where: 'memory',
  read: (name) =>
    Promise.resolve(
      name === MANIFEST_FILE ? new TextEncoder().encode(JSON.stringify(manifest)) : FILES[name]!,
    ),
});

/** Probability: the red plane. Decoding as in Node. */
const platform: Platform = {
  device: 'cpu',
  open: (bytes) => {
    const isText = bytes.length === FILES['text-encoder.onnx']!.length;
    const network: Network = {
      run(inputs) {
        if (isText)
          return Promise.resolve(Float32Array.from(inputs['tokens']!.data as BigInt64Array, Number));
        const images = inputs['image']!.data as Float32Array;
        return Promise.resolve(
          Float32Array.from({ length: images.length / 3 }, (_, i) => {
            const plane = S * S;
            return images[Math.floor(i / plane) * 3 * plane + (i % plane)]!;
          }),
        );
      },
      keep: () => Promise.reject(new Error('the graph is whole')),
      release: () => Promise.resolve(),
    };
    return Promise.resolve(network);
  },
  decode: async (image, options) => (await openImageBytes(image as Uint8Array, 'image', options)).read(),
  sha256: (bytes) => Promise.resolve(sha256(bytes)),
};
const open = (manifest: object = MANIFEST): Promise<Model> => openModel(sourceOf(manifest), platform);

/** Bright in the upper left quarter of 4 x 4 pixels. */
const QUARTER = Array.from({ length: 16 }, (_, p) => (p % 4 < 2 && p < 8 ? 1000 : 0));
const QUARTER_MASK = QUARTER.map((level) => (level > 0 ? 1 : 0));
const radiograph = (patient: string | null, laterality = ''): Uint8Array =>
  imageFile({
    width: 4,
    height: 4,
    pixels: QUARTER,
    more: [
      [0x00281050, 'DS', '500'],
      [0x00281051, 'DS', '1000'],
      [0x00181164, 'DS', '0.5\\0.25'],
      ...(patient === null ? [] : ([[0x00200020, 'CS', patient]] as const)),
      ...(laterality === '' ? [] : ([[0x00200062, 'CS', laterality]] as const)),
    ],
  });
const NOTE = 'upper left lung';

describe('segment', () => {
  it.each(['L\\F', 'R\\F', 'L\\H', 'F\\L', 'H\\R', 'F\\R'])(
    'gives a mask on the pixels as stored: %s',
    async (patient) => {
      const model = await open();
      const { mask, probability, clinical } = await model.segment(radiograph(patient), NOTE);
      expect([...mask.data]).toEqual(QUARTER_MASK);
      expect([...probability].map((p) => (p > 0.5 ? 1 : 0))).toEqual(QUARTER_MASK);
      expect(clinical?.source.geometryOf(0).pixel).toEqual({ width: 0.25, height: 0.5, at: 'detector' });
    },
  );

  it('warns of an unknown orientation, and of a note about the other side', async () => {
    const model = await open();
    const codes = async (bytes: Uint8Array): Promise<string[]> =>
      (await model.segment(bytes, NOTE)).warnings.map(({ code }) => code);
    expect(await codes(radiograph(null))).toContain('ORIENTATION_UNKNOWN');
    expect(await codes(radiograph('L\\F', 'R'))).toContain('LATERALITY_DIFFERS');
    expect(await codes(radiograph('L\\F', 'L'))).not.toContain('LATERALITY_DIFFERS');
  });

  it('shows the image in the window asked for, which NIfTI states by figures alone', async () => {
    const model = await open();
    const low = { centre: -50, width: 10 };
    const { mask, clinical } = await model.segment(radiograph('L\\F'), NOTE, { window: low });
    expect([...mask.data]).toEqual(QUARTER.map(() => 1));
    expect(clinical?.source.rendering.window).toEqual(low);
    const volume = niftiFile({
      dims: [3, 4, 4, 1],
      voxels: Uint8Array.from(QUARTER_MASK, (one) => 200 * one),
    });
    const nifti = await model.segment(volume, NOTE, { window: low });
    expect([...nifti.mask.data]).toEqual(QUARTER.map(() => 1));
    await expect(model.segment(volume, NOTE, { window: 1 })).rejects.toMatchObject({
      code: 'IMAGE_WINDOW_UNKNOWN' satisfies ReclmisError['code'],
    });
  });

  it('shows the image in the window of the training, unless another is asked for', async () => {
    const image = { ...(MANIFEST as { image: object }).image, window: '-50/10' };
    const model = await open({ ...MANIFEST, image });
    expect([...(await model.segment(radiograph('L\\F'), NOTE)).mask.data]).toEqual(QUARTER.map(() => 1));
    const own = await model.segment(radiograph('L\\F'), NOTE, { window: 0 });
    expect([...own.mask.data]).toEqual(QUARTER_MASK);
  });

  it('takes one slice of a volume', async () => {
    const voxels = Uint8Array.from([...QUARTER_MASK, ...QUARTER_MASK.toReversed()], (one) => 200 * one);
    const volume = niftiFile({ dims: [3, 4, 4, 2], voxels });
    const model = await open();
    const second = await model.segment(volume, NOTE, { frame: 1 });
    expect([...second.mask.data]).toEqual(QUARTER_MASK.toReversed());
    expect(second.clinical?.frame).toBe(1);
    await expect(model.segment(volume, NOTE)).rejects.toMatchObject({
      code: 'IMAGE_UNSUPPORTED' satisfies ReclmisError['code'],
    });
    await expect(model.segment(volume, NOTE, { frame: 2 })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('leaves classes on the pixels as stored too', async () => {
    const model = await open();
    const { labels, classes, clinical } = await model.segmentClasses(radiograph('R\\F'), {
      finding: { note: NOTE, label: 7 },
    });
    expect([...labels.data]).toEqual(QUARTER_MASK.map((one) => 7 * one));
    expect([...classes[0]!.mask.data]).toEqual(QUARTER_MASK);
    expect(clinical?.orientation).toBe(2);
  });

  it('has all that a SEG takes', async () => {
    const model = await open();
    const { mask, clinical } = await model.segment(radiograph('R\\F'), NOTE);
    if (clinical?.source.format !== 'dicom') throw new Error('expected DICOM');
    const { source, frame } = clinical;
    const { bytes } = writeSeg({
      sources: [{ source: source.source, frame, frames: source.frames, geometry: source.geometryOf(frame) }],
      segments: [{ label: 'Finding', frames: [mask] }],
      algorithm: model.manifest.name,
    });
    expect([...readSeg(bytes).pixels(0).data]).toEqual(QUARTER_MASK);
  });
});

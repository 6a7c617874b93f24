/** A small run, its export, and images of other sizes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageToPlanes, resizePlane } from '@reclmis/core';
import { decodeImage, encodePng } from '@reclmis/files';
import { drawPhantom, writePhantom } from '@reclmis/data';
import { loadConfig, openRun, train } from '@reclmis/lab';
import { exportModel } from '@reclmis/export';

const S = 32;

export interface SmallModel {
  readonly run: string;
  readonly model: string;
}

/** Trains and exports in a second or two. */
export async function makeSmallModel(root: string): Promise<SmallModel> {
  const [data, run, model] = ['data', 'run', 'model'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await writePhantom(data, { size: S, count: 24, seed: 1 });
  const config = loadConfig(undefined, {
    'model.baseWidth': 4,
    'model.imageSize': S,
    'model.layers': 1,
    'text.encoder': 'words',
    'data.dir': data,
    'data.workers': 0,
    'train.epochs': 6,
    'train.batchSize': 4,
    'train.lr': 1e-2,
    seed: 2,
    'train.threads': 1,
  });
  await train(config, { out: run });
  await exportModel(run, { out: model, threads: 1 });
  return { run, model };
}

export interface Picture {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly note: string;
}

/** Writes phantoms, some cut to oblongs, as PNG files into a new folder. */
export async function writePictures(folder: string): Promise<Picture[]> {
  mkdirSync(folder);
  const sizes = [
    [50, 50],
    [200, 200],
    [301, 187],
    [96, 240],
    [128, 128],
  ] as const;
  return Promise.all(
    sizes.map(async ([width, height], i) => {
      const { image, note } = drawPhantom(7, i, Math.max(width, height));
      const rows = Array.from({ length: height }, (_, y) =>
        image.data.subarray(y * image.width, y * image.width + width),
      );
      const data = Uint8Array.from(rows.flatMap((row) => [...row]));
      const bytes = await encodePng({ width, height, data }, 1);
      const file = `${i}.png`;
      writeFileSync(join(folder, file), bytes);
      return { file, bytes, note };
    }),
  );
}

/** Probabilities by libtorch at the images' sizes. */
export async function probabilitiesByTorch(
  run: string,
  pictures: readonly Picture[],
): Promise<Float32Array[]> {
  using model = openRun(run).loadModel({ threads: 1 });
  const all: Float32Array[] = [];
  for (const { bytes, file, note } of pictures) {
    const image = await decodeImage(bytes, file);
    const plane = model.probabilities(imageToPlanes(image, S, 'area'), [note]); // [1,1,S,S]
    all.push(resizePlane(plane, S, S, image.width, image.height));
  }
  return all;
}

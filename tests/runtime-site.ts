/** For tests of the runtime in a browser: what a page is served, and what it makes of the pictures. */
import { join } from 'node:path';
import type { LoadOptions } from '@reclmis/runtime';
import { bundle, type OpenPage, ORT_FILES, RUNTIME_PAGE } from './browser-page.js';
import { makeSmallModel, type Picture, probabilitiesByTorch, writePictures } from './small-model.js';

/** The page with the runtime, onnxruntime's files, a small model and pictures. */
export interface RuntimeSite {
  /** Folders by the path below which they are served. */
  readonly folders: Readonly<Record<'/' | '/model/' | '/images/' | '/ort/', string>>;
  readonly pictures: readonly Picture[];
  /** Probabilities of the pictures by libtorch, at each one's own size. */
  readonly byTorch: readonly Float32Array[];
  /** All of them, ascending. */
  readonly sorted: readonly number[];
  /** From which probability on 30 % of all pixels are in the mask: where masks have edges. */
  readonly least: number;
}

/** Makes it all in an empty folder. */
export async function makeRuntimeSite(root: string): Promise<RuntimeSite> {
  const { run, model } = await makeSmallModel(root);
  const folders = {
    '/': join(root, 'page'),
    '/model/': model,
    '/images/': join(root, 'images'),
    '/ort/': ORT_FILES,
  };
  const pictures = await writePictures(folders['/images/']);
  const byTorch = await probabilitiesByTorch(run, pictures);
  const sorted = byTorch.flatMap((plane) => [...plane]).sort((a, b) => a - b);
  await bundle(RUNTIME_PAGE, folders['/']);
  return { folders, pictures, byTorch, sorted, least: sorted[Math.floor(0.7 * sorted.length)]! };
}

/** What a model of the page makes of the pictures. */
export interface OnPage {
  readonly device: string;
  /** At the site's `least`. */
  readonly masks: readonly number[][];
  readonly probabilities: readonly number[][];
}

/** Segments the site's pictures in a page. */
export function segmentOnPage(
  { page }: OpenPage,
  { pictures, least }: RuntimeSite,
  options: Pick<LoadOptions, 'device' | 'wasmPaths'> = {},
): Promise<OnPage> {
  return page.evaluate(
    async ({ cases, least, options }) => {
      const model = await runtime.loadModel('/model/', options);
      const masks: number[][] = [];
      const probabilities: number[][] = [];
      for (const { file, note } of cases) {
        const image = await (await fetch(`/images/${file}`)).blob();
        const { mask, probability } = await model.segment(image, note, { threshold: least });
        masks.push([...mask.data]);
        probabilities.push([...probability]);
      }
      await model.dispose();
      return { device: model.device, masks, probabilities };
    },
    { cases: pictures.map(({ file, note }) => ({ file, note })), least, options },
  );
}

/** Share of the pixels in which two masks differ. @throws RangeError where their sizes do. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`masks of ${a.length} and ${b.length} pixels`);
  return Array.from(a).filter((value, i) => value !== b[i]).length / a.length;
}

/** What browser tests of the runtime serve, and how a page segments it. */
import { join } from 'node:path';
import type { LoadOptions } from '@reclmis/runtime';
import { bundle, type OpenPage, ORT_FILES, RUNTIME_PAGE } from './browser-page.js';
import { makeSmallModel, type Picture, probabilitiesByTorch, writePictures } from './small-model.js';

export interface RuntimeSite {
  /** By URL path. */
  readonly folders: Readonly<Record<'/' | '/model/' | '/images/' | '/ort/', string>>;
  readonly pictures: readonly Picture[];
  /** By libtorch, at each picture's size. */
  readonly byTorch: readonly Float32Array[];
  readonly sorted: readonly number[];
  /** 30 % of all pixels are at least this, so masks have edges. */
  readonly least: number;
}

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

/** A page's results. */
export interface OnPage {
  readonly device: string;
  /** At the site's `least`. */
  readonly masks: readonly number[][];
  readonly probabilities: readonly number[][];
}

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

/**
 * Probabilities of one picture for three notes: of it open, bit by bit; of `segment` by a model that keeps nothing it has
 * seen, bit by bit; and their greatest difference from those of the graph that isn't cut.
 */
export function openedOnPage(
  { page }: OpenPage,
  options: Pick<LoadOptions, 'device' | 'wasmPaths'>,
): Promise<{
  readonly opened: number[][];
  readonly alone: number[][];
  readonly fromWhole: number;
  readonly cut: boolean;
}> {
  return page.evaluate(async (options) => {
    const notes = ['upper left lung', 'lower right lung', 'upper left lung'];
    const bits = (values: Float32Array): number[] => [
      ...new Uint32Array(values.buffer, values.byteOffset, values.length),
    ];
    const picture = await (await fetch('/images/2.png')).blob();
    const model = await runtime.loadModel('/model/', options);
    const forgetful = await runtime.loadModel('/model/', { ...options, featureBytes: 1 });
    const whole = await runtime.loadModel('/model/', { ...options, featureBytes: 0 });
    const image = await model.open(picture);
    const [opened, alone]: [number[][], number[][]] = [[], []];
    let fromWhole = 0;
    for (const note of notes) {
      const { probability } = await image.segment(note);
      opened.push(bits(probability));
      alone.push(bits((await forgetful.segment(picture, note)).probability));
      const uncut = await whole.segment(picture, note);
      for (const [i, value] of probability.entries())
        fromWhole = Math.max(fromWhole, Math.abs(value - uncut.probability[i]!));
    }
    await image.dispose();
    const cut = model.manifest.segmenter.features != null;
    await Promise.all([model.dispose(), forgetful.dispose(), whole.dispose()]);
    return { opened, alone, fromWhole, cut };
  }, options);
}

/** Share of pixels that differ. @throws RangeError for different sizes */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`masks of ${a.length} and ${b.length} pixels`);
  return Array.from(a).filter((value, i) => value !== b[i]).length / a.length;
}

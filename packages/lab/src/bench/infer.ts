/** Measures inference from decoded pictures to masks at their own size. Notes' features are kept. */
import { imagesToPlanes, type Mask, segmented } from '@reclmis/core';
import { countFlops, emptyCache, profileOperators, resetPeak, scope } from '@reclmis/torch';
import type { Config } from '../config/config.js';
import { prepareEngine } from '../engine/engine.js';
import { Segmenter } from '../engine/segmenter.js';
import { openSession } from '../train/session.js';
import { PhaseClock } from './clock.js';
import { madeData, madeNotes, madePictures } from './made.js';
import { countParameters, frozenParameters } from './parameters.js';
import { measurePeak } from './peak.js';
import { type BenchOptions, type BenchReport, type PhaseProfile, report } from './report.js';
import { counts, withoutSchedule } from './train.js';

/** Unlike the model's, so that resizing is measured too. */
export const PICTURE_SIZE = 512;

/** @throws OPTION_INVALID, CONFIG_INVALID, DEVICE_MISSING, PRECISION_UNSUPPORTED, WEIGHTS_MISSING */
export async function benchInfer(asked: Config, options: BenchOptions = {}): Promise<BenchReport> {
  const { steps, warmup } = counts(options);
  const { encoder } = asked.text;
  const config: Config = {
    ...asked,
    text: { ...asked.text, encoder: encoder === 'auto' ? 'words' : encoder },
  };
  const { batchSize } = config.train;
  const engine = prepareEngine(config);
  const peak = options.peak === false ? null : measurePeak(engine, batchSize);
  emptyCache();

  const session = openSession(withoutSchedule(config), madeData(batchSize));
  try {
    const parameters = countParameters(session.model.eval(), config.text.contextLength);
    const readsFeatures = session.model.learnsFromNotes && session.model.noteInput !== 'ids';
    const tower = readsFeatures ? frozenParameters(encoder) : 0;
    const clock = new PhaseClock(engine.device);
    const segmenter = new Segmenter(session.model, session.encoder, engine, config.data.resize, clock.mark);
    const pictures = madePictures(batchSize, PICTURE_SIZE);
    const notes = madeNotes(batchSize);
    const segment = (): Mask[] => segmentPictures(segmenter, pictures, notes, clock);

    if (session.model.readsNotes) scope(() => void session.encoder.encode(notes, engine.device)); // kept, so not counted
    clock.begin();
    const { flops } = countFlops(segment);
    for (let i = 1; i < warmup; i++) segment();
    resetPeak(engine.device);
    const secondsPerImage: number[] = [];
    for (let i = 0; i < steps; i++) {
      clock.begin();
      const before = clock.now();
      segment();
      secondsPerImage.push((clock.now() - before) / batchSize);
      clock.end();
      options.onStep?.(warmup + i + 1, warmup + steps);
    }
    const by = options.profile ?? null;
    return report({
      kind: 'infer',
      config,
      engine,
      trainableParameters: parameters.trained,
      inferenceParameters: parameters.inference,
      frozenParameters: parameters.frozen + tower,
      data: 'made',
      secondsPerImage,
      secondsPerPhase: clock.medians,
      waitShare: null,
      flops,
      peak,
      profile: by && profile(segment, by, engine.device),
    });
  } finally {
    await session.close();
  }
}

function segmentPictures(
  segmenter: Segmenter,
  pictures: ReturnType<typeof madePictures>,
  notes: readonly string[],
  clock: PhaseClock,
): Mask[] {
  const S = segmenter.size;
  const planes = imagesToPlanes(pictures, S, segmenter.resize); // [B,3,S,S]
  clock.mark('preprocess');
  const probabilities = segmenter.probabilities(planes, notes); // [B,1,S,S]; marks copy, text and forward
  const masks = pictures.map((picture, i) => segmented(probabilities, i, S, picture).mask);
  clock.mark('threshold');
  return masks;
}

function profile(segment: () => void, by: 'operator' | 'shape', device: string): PhaseProfile[] {
  const { rest } = profileOperators(segment, { shapes: by === 'shape', device });
  return [{ phase: 'inference', operators: rest }];
}

/**
 * Measures training on synthetic batches or, with a data folder, on real ones through the loader.
 *
 * Order: the machine's peak, warm-up (its first step counts FLOPs), measured steps, one profiled step on
 * request. On CUDA waiting at each phase would prevent overlap, so further steps time the phases.
 */
import { ReclmisError } from '@reclmis/core';
import { countFlops, emptyCache, type Flops, profileOperators, resetPeak } from '@reclmis/torch';
import type { Config } from '../config/config.js';
import type { Batch } from '@reclmis/data';
import { prepareEngine } from '../engine/engine.js';
import { chooseEncoder } from '../text/choose.js';
import { openSession, openTrainingData, type Session } from '../train/session.js';
import { type StepPhase, trainStep } from '../train/step.js';
import { PhaseClock } from './clock.js';
import { madeBatch, madeData } from './made.js';
import { measurePeak } from './peak.js';
import { type BenchOptions, type BenchReport, type PhaseProfile, report } from './report.js';

const PHASE_STEPS = 3;

/**
 * @param asked on synthetic data, the encoder `auto` becomes `words`: kept features cost the same for all
 * @throws OPTION_INVALID, CONFIG_INVALID, DEVICE_MISSING, PRECISION_UNSUPPORTED and codes of the data
 */
export async function benchTrain(asked: Config, options: BenchOptions = {}): Promise<BenchReport> {
  const { steps, warmup } = counts(options);
  const made = asked.data.dir === '';
  const config = withEncoder(asked, made);
  const { batchSize } = config.train;
  const engine = prepareEngine(config);
  const data = made ? madeData(batchSize) : await openTrainingData(config);
  if (data.train.cases.length < batchSize) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `--batch: expected at most the ${data.train.cases.length} training cases, got ${batchSize}`,
    );
  }
  const peak = options.peak === false ? null : measurePeak(engine, batchSize);
  emptyCache();

  const session = openSession(withoutSchedule(config), data);
  try {
    session.model.train();
    const clock = new PhaseClock(engine.device);
    const observed = { ...session, onPhase: clock.mark };
    const onCuda = engine.device.startsWith('cuda');
    const further = onCuda ? PHASE_STEPS : 0;
    const all = warmup + steps + further;
    const secondsPerImage: number[] = [];
    let flops: Flops | null = null;
    let waited = 0;
    let spent = 0;
    let done = 0;
    let last: Batch | null = null;
    for await (const batch of batches(session, made)) {
      const number = done + 1;
      const lr = session.rate(0);
      if (done === warmup) resetPeak(engine.device);
      if (flops === null) {
        flops = countFlops(() => trainStep(session, batch, number, lr)).flops;
      } else if (done < warmup) {
        trainStep(session, batch, number, lr);
      } else {
        clock.begin();
        const before = clock.now();
        const timesPhases = !onCuda || done >= warmup + steps;
        trainStep(timesPhases ? observed : session, batch, number, lr);
        const seconds = clock.now() - before + batch.waitMs / 1000;
        if (timesPhases) {
          if (!made) clock.add('wait', batch.waitMs / 1000);
          clock.end();
        }
        if (done < warmup + steps) {
          secondsPerImage.push(seconds / batch.count);
          waited += batch.waitMs / 1000;
          spent += seconds;
        }
      }
      done += 1;
      last = batch;
      options.onStep?.(done, all);
      if (done === all) break;
      await new Promise(setImmediate); // as in training, for the loader's messages
    }
    if (!flops || !last) throw new ReclmisError('INTERNAL', 'the loader returned no batch');
    return report({
      kind: 'train',
      config,
      engine,
      trainableParameters: session.model.parameterCount({ trainable: true }),
      inferenceParameters: null,
      frozenParameters: null,
      data: made ? 'made' : data.train.name,
      secondsPerImage,
      secondsPerPhase: clock.medians,
      waitShare: made ? null : waited / spent,
      flops,
      peak,
      profile: options.profile ? profileStep(session, last, done + 1, options.profile) : null,
    });
  } finally {
    await session.close();
  }
}

/** Full batches, without end. */
async function* batches(session: Session, made: boolean): AsyncGenerator<Batch, void, undefined> {
  const { batchSize } = session.config.train;
  if (made) {
    const batch = madeBatch(batchSize, session.config.model.imageSize);
    for (;;) yield batch;
  }
  for (let epoch = 1; ; epoch++) {
    for await (const batch of session.trainLoader.batches(epoch)) if (batch.count === batchSize) yield batch;
  }
}

function profileStep(
  session: Session,
  batch: Batch,
  step: number,
  by: 'operator' | 'shape',
): readonly PhaseProfile[] {
  const phases: PhaseProfile[] = [];
  profileOperators(
    (lap) => {
      const onPhase = (phase: StepPhase): void => void phases.push({ phase, operators: lap() });
      trainStep({ ...session, onPhase }, batch, step, session.rate(0));
    },
    { shapes: by === 'shape', device: session.engine.device },
  );
  return phases;
}

/** Its warm-up might be longer than synthetic data. */
export function withoutSchedule(config: Config): Config {
  return { ...config, train: { ...config.train, schedule: 'constant', warmupSteps: 0 } };
}

function withEncoder(config: Config, made: boolean): Config {
  if (made && config.text.encoder === 'auto')
    return { ...config, text: { ...config.text, encoder: 'words' } };
  return { ...config, text: chooseEncoder(config.text).text };
}

/** @throws OPTION_INVALID */
export function counts({ steps = 10, warmup = 2 }: BenchOptions): { steps: number; warmup: number } {
  const atLeastOne = (name: string, value: number): void => {
    if (Number.isSafeInteger(value) && value >= 1) return;
    throw new ReclmisError('OPTION_INVALID', `${name}: expected a whole number of at least 1, got ${value}`);
  };
  atLeastOne('--steps', steps);
  atLeastOne('--warmup', warmup);
  return { steps, warmup };
}

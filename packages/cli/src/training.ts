/** Training on the terminal: a bar per epoch with the time left, then figures. */
import type { Config, EpochRecord, Overrides, Parallel, RunSummary, TrainListeners } from '@reclmis/lab';
import type { EpochHook } from './epoch-hook.js';
import { interruptSignal, releaseInterrupt } from './interrupt.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';
import { duration, percent } from './table.js';

export async function trainWithProgress(
  config: Config,
  out: string,
  output: Output,
  parallel: Parallel | null = null,
  hook: EpochHook | null = null,
): Promise<RunSummary> {
  const { train } = await import('@reclmis/lab');
  const told = hook && ((record: EpochRecord): void => hook.tell(out, record));
  return shown(output, told, (listeners) =>
    train(config, { out, ...listeners, ...(parallel && { parallel }) }),
  );
}

/** @param overrides settings unlike the run's own. */
export async function resumeWithProgress(
  run: string,
  overrides: Overrides,
  output: Output,
  parallel: Parallel | null = null,
  hook: EpochHook | null = null,
): Promise<RunSummary> {
  const { resumeTraining } = await import('@reclmis/lab');
  const told = hook && ((record: EpochRecord): void => hook.tell(run, record));
  return shown(output, told, (listeners) =>
    resumeTraining(run, { overrides, ...listeners, ...(parallel && { parallel }) }),
  );
}

async function shown(
  output: Output,
  told: ((record: EpochRecord) => void) | null,
  work: (listeners: TrainListeners) => Promise<RunSummary>,
): Promise<RunSummary> {
  let bar: Progress | null = null;
  let begun = performance.now();
  let done = 0;
  let epochs = 0;
  try {
    return await work({
      signal: interruptSignal(),
      onStart: ({ config, data, engine, model, stepsPerEpoch }) => {
        begun = performance.now();
        epochs = config.train.epochs;
        const trainable = model.parameters().filter(({ requiresGrad }) => requiresGrad);
        const count = trainable.reduce((sum, { numel }) => sum + numel, 0);
        const threads = `${engine.threads} thread${engine.threads === 1 ? '' : 's'}`;
        output.say(
          `${(count / 1e6).toFixed(1)} million parameters; ${data.train.cases.length} training and ${data.val.cases.length} ` +
            `validation cases of ${data.train.name}; ${epochs} epochs of ${stepsPerEpoch} steps on ${engine.device} (${threads})`,
        );
      },
      onNotice: (line) => output.notice(line),
      onStep: ({ epoch, step, steps, stepOfEpoch, stepsPerEpoch, losses }) => {
        done += 1;
        bar ??= new Progress({
          label: `epoch ${epoch}/${epochs}`,
          total: stepsPerEpoch,
          quiet: output.quiet,
        });
        const left = ((performance.now() - begun) / 1000 / done) * (steps - step);
        bar.update(stepOfEpoch, `loss ${losses.total.toFixed(3)}, run: ${duration(left)} left`);
      },
      onEpoch: (record) => {
        bar?.stop(describeEpoch(record));
        bar = null;
        told?.(record);
      },
    });
  } finally {
    releaseInterrupt();
  }
}

function describeEpoch({ losses, validation, best, secondsPerImage }: EpochRecord): string {
  return (
    `loss ${losses.total.toFixed(3)}, validation Dice ${percent(validation.dice)} IoU ${percent(validation.iou)}` +
    `${best ? ' (best)' : ''}, ${secondsPerImage.toFixed(3)} s/image`
  );
}

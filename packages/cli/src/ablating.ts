/** A study on the terminal: a bar per run with the time left of the study. */
import type { StudyListeners, StudyOutcome, Task, TaskWork, Parallel } from '@reclmis/lab';
import { interruptSignal } from './interrupt.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';
import { duration, percent } from './table.js';

/** An evaluation's time, roughly, relative to a training's. */
const TEST_SHARE = 0.03;

/** Progress in runs, which nearly all take equally long. */
export class StudyClock {
  private begun: number | null = null;
  private done = 0;
  private current = 0;

  /** @param now seconds from any origin. */
  constructor(
    private readonly total: number,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  start(): void {
    this.begun ??= this.now();
  }

  /** Share of the current run done in this session, [0, 1]. */
  progress(share: number): void {
    this.current = share;
  }

  /** @param weight its share of a whole run. */
  end(weight: number): void {
    this.done += weight;
    this.current = 0;
  }

  /** Seconds left; null if unknown. */
  get left(): number | null {
    const done = this.done + this.current;
    if (done <= 0 || this.begun === null) return null;
    return ((this.now() - this.begun) / done) * Math.max(0, this.total - done);
  }
}

export async function studyWithProgress(
  tasks: readonly Task[],
  output: Output,
  parallel: Parallel | null,
): Promise<StudyOutcome> {
  const { runStudy } = await import('@reclmis/lab');
  return runStudy(tasks, {
    ...shown(tasks, output),
    signal: interruptSignal(),
    ...(parallel && { parallel }),
  });
}

function shown(tasks: readonly Task[], output: Output): StudyListeners {
  let clock = new StudyClock(0);
  let work: readonly TaskWork[] = [];
  let number = 0;
  let of = 0;
  let label = '';
  let weight = 0;
  let epochs = 0;
  let firstStep: number | null = null;
  let step = 0;
  let bar: Progress | null = null;
  const left = (): string => {
    const seconds = clock.left ?? 0;
    return seconds < 0.5 ? '' : `, study ${duration(seconds)} left`;
  };
  const end = (text: string): void => {
    bar?.stop(text);
    bar = null;
  };
  return {
    onPlan: (planned) => {
      work = planned;
      of = work.filter((todo) => todo !== 'nothing').length;
      clock = new StudyClock(work.reduce((sum, todo) => sum + weightOf(todo), 0));
      const count = (todo: TaskWork): number => work.filter((other) => other === todo).length;
      output.say(
        `${tasks.length} runs: ${count('nothing')} done, ${count('train')} to train, ${count('resume')} to resume, ${count('evaluate')} to evaluate`,
      );
    },
    onTask: (task, todo) => {
      clock.start();
      number += 1;
      weight = weightOf(todo);
      firstStep = null;
      epochs = task.config.train.epochs;
      label = `[${number}/${of}] ${task.cell.name}, seed ${task.seed}`;
    },
    onNotice: (line) => {
      if (number <= 1) output.notice(line);
    },
    onStep: ({ epoch, step: taken, steps, losses }) => {
      step = taken;
      firstStep ??= step - 1;
      bar ??= new Progress({ label, total: steps, quiet: output.quiet });
      clock.progress((1 - TEST_SHARE) * ((step - firstStep) / Math.max(1, steps - firstStep)));
      bar.update(step, `epoch ${epoch}/${epochs}, loss ${losses.total.toFixed(3)}${left()}`);
    },
    onTest: (done, all) => {
      bar?.update(step, `test ${done}/${all}${left()}`);
    },
    onScore: (_, { mean, checkpoint, images }) => {
      clock.end(weight);
      const text = `test Dice ${percent(mean.dice)} IoU ${percent(mean.iou)} (${images} images, epoch ${checkpoint.epoch})${left()}`;
      if (bar) end(text);
      else output.notice(`${label}: ${text}`);
    },
    onFailure: (_, error) => {
      end('diverged');
      clock.end(weight);
      output.notice(`${label}: ${error.code}: ${error.message}`);
    },
  };
}

function weightOf(work: TaskWork): number {
  return work === 'nothing' ? 0 : work === 'evaluate' ? TEST_SHARE : 1;
}

/** One training process: `node rank.js JOB` with torchrun's variables. JOB and printed result are JSON. */
import { basename } from 'node:path';
import { defined } from '@reclmis/core';
import { scope } from '@reclmis/torch';
import { loadConfig, type Overrides } from '../../config/config.js';
import type { Batch } from '@reclmis/data';
import { planLaunch } from '../../launch/plan.js';
import { checkpointFolder } from '../../run/checkpoint.js';
import { Parallel } from '../parallel.js';
import { resumePaths } from '../../run/resume-files.js';
import { resumeTraining } from '../resume.js';
import { openSession, openTrainingData, type Session } from '../session.js';
import { trainStep, type StepLosses } from '../step.js';
import { train } from '../train.js';

export type Job =
  | { readonly kind: 'step'; readonly settings: Overrides; readonly evaluating: boolean }
  | {
      readonly kind: 'train' | 'resume';
      readonly settings: Overrides;
      readonly out: string;
      readonly stop?: { readonly rank: number; readonly step: number };
    };

export interface StepResult {
  readonly losses: StepLosses;
  readonly gradientNorm?: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}

/** On the first batch, with a learning rate of 0. */
export async function step(
  settings: Overrides,
  evaluating: boolean,
  parallel: Parallel | null,
): Promise<StepResult> {
  const config = loadConfig(undefined, settings);
  const session = openSession(config, await openTrainingData(config), parallel);
  try {
    if (evaluating) session.model.eval();
    else session.model.train();
    const { losses, gradientNorm } = trainStep(session, await firstBatch(session), 1, 0);
    const gradients: Record<string, number[]> = {};
    for (const [key, parameter] of session.model.namedParameters()) {
      const values = scope(() => parameter.grad?.toFloat32Array());
      if (values) gradients[key] = [...values];
    }
    return { losses, gradients, ...defined({ gradientNorm }) };
  } finally {
    await session.close();
  }
}

async function firstBatch({ trainLoader }: Session): Promise<Batch> {
  for await (const batch of trainLoader.batches(1)) return batch;
  throw new Error('no batch');
}

async function run(job: Job, parallel: Parallel): Promise<unknown> {
  if (job.kind === 'step') return step(job.settings, job.evaluating, parallel);
  const controller = new AbortController();
  const listeners = {
    parallel,
    signal: controller.signal,
    onStep: ({ step: done }: { readonly step: number }): void => {
      if (job.stop?.rank === parallel.rank && job.stop.step === done) controller.abort();
    },
  };
  const summary =
    job.kind === 'train'
      ? await train(loadConfig(undefined, job.settings), { out: job.out, ...listeners })
      : await resumeTraining(job.out, { overrides: job.settings, ...listeners });
  const points = resumePaths(checkpointFolder(job.out)).map((path) => basename(path));
  return { status: summary.status, steps: summary.steps, records: summary.records, points };
}

if (process.argv[2] !== undefined) {
  const plan = planLaunch(process.env, { cores: 1, gpus: 0 });
  if (plan.kind !== 'worker') throw new Error('expected to be a worker');
  const parallel = await Parallel.join(plan, 'cpu', process.env['ADDRESS']);
  const result = await run(JSON.parse(process.argv[2]) as Job, parallel);
  process.stdout.write(JSON.stringify(result));
  await parallel.leave();
}

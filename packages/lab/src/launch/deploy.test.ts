/** Checks deploy/ against the code: the manifests' variables, and the batch scripts with a fake Slurm. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { planLaunch } from './plan.js';

const DEPLOY = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-deploy-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | undefined)?.[key],
    value,
  );
}

function documents(name: string): unknown[] {
  return parseAllDocuments(readFileSync(join(DEPLOY, 'kubernetes', name), 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as unknown;
  });
}

describe('the Indexed Job', () => {
  const [service, job] = documents('indexed-job.yaml');
  const pod = ['spec', 'template', 'spec'];
  const container = at(job, ...pod, 'containers', 0);
  const env = at(container, 'env') as { name: string; value?: string; valueFrom?: unknown }[];
  const names = env.map(({ name }) => name);

  it('gives every pod a plan of its own', () => {
    const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const pods = at(job, 'spec', 'completions') as number;
    expect(at(job, 'spec', 'parallelism')).toBe(pods);
    expect(at(job, 'spec', 'completionMode')).toBe('Indexed');
    expect(
      at(
        env.find(({ name }) => name === 'PET_NODE_RANK'),
        'valueFrom',
        'fieldRef',
        'fieldPath',
      ),
    ).toBe("metadata.annotations['batch.kubernetes.io/job-completion-index']");
    for (let index = 0; index < pods; index++) {
      const plan = planLaunch({ ...given, PET_NODE_RANK: String(index) }, { cores: 8, gpus: 0 });
      expect(plan).toEqual({
        kind: 'spawn',
        source: 'kubeflow',
        firstRank: index,
        localSize: 1,
        size: pods,
        meeting: { host: 'reclmis-0.reclmis', port: 29500 },
      });
    }
    expect(names.filter((name) => name.startsWith('PET_')).sort()).toEqual([
      'PET_MASTER_ADDR',
      'PET_MASTER_PORT',
      'PET_NNODES',
      'PET_NODE_RANK',
      'PET_NPROC_PER_NODE',
    ]);
  });

  it('names its pods by its Service', () => {
    const name = at(job, 'metadata', 'name') as string;
    expect(at(service, 'spec', 'clusterIP')).toBe('None');
    expect(at(service, 'spec', 'selector')).toEqual({ 'batch.kubernetes.io/job-name': name });
    expect(at(job, ...pod, 'subdomain')).toBe(at(service, 'metadata', 'name'));
  });

  it('fails for good on every status but that of a run to be resumed', () => {
    const rules = at(job, 'spec', 'podFailurePolicy', 'rules') as unknown[];
    const values = at(rules[1], 'onExitCodes', 'values');
    const lasting = new Set(Object.values(ERRORS).map(({ exitCode }) => exitCode));
    lasting.delete(ERRORS.PREEMPTED.exitCode);
    lasting.delete(ERRORS.INTERRUPTED.exitCode);
    expect(values).toEqual([...lasting].sort((a, b) => a - b));
    expect(at(rules[1], 'onExitCodes', 'containerName')).toBe(at(container, 'name'));
  });
});

describe('the TrainJob', () => {
  const [runtime, job] = documents('trainjob.yaml');

  it('refers to its runtime, whose container Trainer fills in, and leaves the reserved variables alone', () => {
    expect(at(job, 'spec', 'runtimeRef', 'name')).toBe(at(runtime, 'metadata', 'name'));
    expect(at(job, 'spec', 'runtimeRef', 'kind')).toBe(at(runtime, 'kind'));
    const replicated = at(runtime, 'spec', 'template', 'spec', 'replicatedJobs', 0);
    expect(at(replicated, 'name')).toBe('node');
    expect(at(replicated, 'template', 'metadata', 'labels')).toEqual({
      'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer',
    });
    expect(at(replicated, 'template', 'spec', 'template', 'spec', 'containers', 0, 'name')).toBe('node');
    const env = at(job, 'spec', 'trainer', 'env') as { name: string }[];
    expect(env.filter(({ name }) => name.startsWith('PET_'))).toEqual([]);
  });
});

describe('the batch scripts', () => {
  const scripts = readdirSync(join(DEPLOY, 'slurm')).filter((name) => name.endsWith('.sbatch'));

  it.each(scripts)('%s is sound Bash, and asks for a signal before the end and for requeueing', (name) => {
    const file = join(DEPLOY, 'slurm', name);
    expect(spawnSync('bash', ['-n', file]).status).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^#SBATCH --signal=(B:)?USR1@\d+$/m);
    expect(text).toMatch(/^#SBATCH --requeue$/m);
  });

  /** Fake programs on the PATH that record their calls. */
  function slurm(program: string): { dir: string; env: NodeJS.ProcessEnv; calls: () => string[] } {
    const dir = mkdtempSync(join(root, 'slurm-'));
    const log = join(dir, 'calls');
    const write = (name: string, body: string): void => {
      writeFileSync(join(dir, name), `#!/bin/bash\necho "${name} $*" >> ${log}\n${body}\n`);
      chmodSync(join(dir, name), 0o755);
    };
    write('reclmis', program);
    write('scontrol', '');
    write('srun', 'while [[ $1 == --* ]]; do shift; done; exec "$@"');
    const env = {
      PATH: `${dir}:${process.env['PATH'] ?? ''}`,
      DATA: '/d',
      RUN: join(dir, 'run'),
      SLURM_JOB_ID: '7',
    };
    return { dir, env, calls: () => readFileSync(log, 'utf8').trim().split('\n') };
  }

  const run = (name: string, env: NodeJS.ProcessEnv): number | null =>
    spawnSync('bash', [join(DEPLOY, 'slurm', name)], { env }).status;

  it.each(scripts)(
    '%s begins a run, goes on with it, and is requeued until it has saved too often',
    (name) => {
      const { env, calls } = slurm('exit 75');
      expect(run(name, env)).toBe(75);
      expect(calls().find((call) => call.startsWith('reclmis'))).toMatch(
        new RegExp(`^reclmis train --preset qata-cov19 .*--data /d --out ${env['RUN'] ?? ''} `),
      );
      expect(calls().at(-1)).toBe('scontrol requeue 7');
      mkdirSync(env['RUN'] ?? '');
      writeFileSync(join(env['RUN'] ?? '', 'config.yaml'), '');
      expect(run(name, { ...env, SLURM_RESTART_COUNT: '20' })).toBe(75);
      expect(calls().at(-1)).toMatch(new RegExp(`^reclmis train --resume ${env['RUN'] ?? ''} `));
    },
  );

  it.each(scripts)('%s ends for good with another status', (name) => {
    const { env, calls } = slurm('exit 3');
    expect(run(name, env)).toBe(3);
    expect(calls().some((call) => call.startsWith('scontrol'))).toBe(false);
  });

  it('one-node.sbatch passes the signal on and waits until the run has saved', async () => {
    const { dir, env, calls } = slurm(
      `trap 'sleep 1; touch "$RUN-saved"; exit 75' USR1; touch "$RUN-ready"; while :; do sleep 0.1; done`,
    );
    const child = spawn('bash', [join(DEPLOY, 'slurm', 'one-node.sbatch')], { env, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (!existsSync(join(dir, 'run-ready'))) await sleep(50);
    child.kill('SIGUSR1');
    expect(await ended).toBe(75);
    expect(existsSync(join(dir, 'run-saved'))).toBe(true);
    expect(calls().at(-1)).toBe('scontrol requeue 7');
  });
});

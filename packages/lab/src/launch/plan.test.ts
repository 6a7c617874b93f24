import { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import {
  type Environment,
  type LaunchPlan,
  planLaunch,
  threadsOfWorker,
  threadsPerWorker,
  type WorkerPlan,
} from './plan.js';
import { firstHost, portOfJob, tasksOnNode } from './slurm.js';

const plan = (env: Environment, nproc?: number): LaunchPlan =>
  planLaunch(env, { cores: 8, gpus: 0, ...(nproc === undefined ? {} : { nproc }) });

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ReclmisError);
    expect((error as ReclmisError).code).toBe('LAUNCH_INVALID');
    return (error as ReclmisError).message;
  }
  throw new Error('expected a refusal');
}

describe('a plan without a launcher', () => {
  it('is one process, or as many as are asked for', () => {
    expect(plan({})).toEqual({ kind: 'alone' });
    expect(plan({ RANK: '', WORLD_SIZE: ' ' })).toEqual({ kind: 'alone' });
    expect(plan({}, 1)).toEqual({ kind: 'alone' });
    expect(plan({}, 2)).toEqual({
      kind: 'spawn',
      source: 'nproc',
      firstRank: 0,
      localSize: 2,
      size: 2,
      meeting: null,
    });
    for (const nproc of [0, -1, 1.5, NaN]) expect(refusal(() => plan({}, nproc))).toContain(String(nproc));
  });

  it('is one process where a launcher has no other', () => {
    const worker = { RANK: '0', WORLD_SIZE: '1', MASTER_ADDR: 'localhost', MASTER_PORT: '29500' };
    for (const env of [worker, { PET_NNODES: '1', PET_NPROC_PER_NODE: '1' }]) {
      expect(plan(env)).toEqual({ kind: 'alone' });
      expect(plan(env, 1)).toEqual({ kind: 'alone' });
      expect(refusal(() => plan(env, 2))).toContain('asks for 2 processes');
    }
  });

  it('shares the cores', () => {
    expect([1, 2, 3, 16].map((workers) => threadsPerWorker(8, workers))).toEqual([8, 4, 2, 1]);
  });
});

describe('the threads of a worker', () => {
  const worker = (source: WorkerPlan['source']): WorkerPlan => ({
    kind: 'worker',
    source,
    rank: 0,
    size: 4,
    localRank: 0,
    localSize: 4,
    meeting: { host: 'head', port: 1 },
  });

  it('are what its launcher says, else its part of the cores', () => {
    const slurm = { SLURM_CPUS_PER_TASK: '6' };
    expect(threadsOfWorker({}, worker('torchrun'), 8)).toBe(2);
    expect(threadsOfWorker(slurm, worker('torchrun'), 8)).toBe(2);
    expect(threadsOfWorker(slurm, worker('slurm'), 6)).toBe(6);
    expect(threadsOfWorker({ ...slurm, OMP_NUM_THREADS: '3' }, worker('slurm'), 6)).toBe(3);
    expect(refusal(() => threadsOfWorker({ OMP_NUM_THREADS: '4,2' }, worker('slurm'), 6))).toContain(
      'OMP_NUM_THREADS',
    );
  });
});

describe("torchrun's contract", () => {
  const env = {
    RANK: '5',
    WORLD_SIZE: '8',
    LOCAL_RANK: '1',
    LOCAL_WORLD_SIZE: '4',
    MASTER_ADDR: 'head',
    MASTER_PORT: '29500',
  };
  const expected = {
    kind: 'worker',
    source: 'torchrun',
    rank: 5,
    size: 8,
    localRank: 1,
    localSize: 4,
    meeting: { host: 'head', port: 29500 },
  };

  it('is read, also where torchrun itself runs under another launcher', () => {
    expect(plan(env)).toEqual(expected);
    expect(plan({ ...env, SLURM_PROCID: '0', SLURM_NTASKS: '2', PET_NNODES: '2' })).toEqual(expected);
    expect(plan(env, 4)).toEqual(expected);
  });

  it('says of a store that its agent serves, and which attempt this is', () => {
    const agent = { ...env, TORCHELASTIC_USE_AGENT_STORE: 'True' };
    expect(plan({ ...agent, TORCHELASTIC_RESTART_COUNT: '2' })).toEqual({ ...expected, attempt: 2 });
    expect(plan(agent)).toEqual({ ...expected, attempt: 0 });
    expect(plan({ ...env, TORCHELASTIC_USE_AGENT_STORE: 'False' })).toEqual(expected);
    expect(refusal(() => plan({ ...agent, TORCHELASTIC_RESTART_COUNT: 'x' }))).toContain(
      'TORCHELASTIC_RESTART_COUNT',
    );
  });

  it('takes one machine for granted without the local variables', () => {
    const { LOCAL_RANK: _rank, LOCAL_WORLD_SIZE: _size, ...bare } = env;
    expect(plan(bare)).toMatchObject({ rank: 5, localRank: 5, localSize: 8 });
  });

  it.each([
    [{ RANK: '8' }, "RANK is '8': expected a whole number from 0 to 7"],
    [{ RANK: '-1' }, 'RANK'],
    [{ RANK: '0x1' }, 'RANK'],
    [{ RANK: undefined }, 'RANK: expected a value'],
    [{ WORLD_SIZE: undefined }, 'WORLD_SIZE: expected a value'],
    [{ WORLD_SIZE: '0' }, 'WORLD_SIZE'],
    [{ LOCAL_RANK: '4' }, 'LOCAL_RANK'],
    [{ LOCAL_WORLD_SIZE: '9' }, 'LOCAL_WORLD_SIZE'],
    [{ RANK: '0' }, 'LOCAL_RANK 1 lies above RANK 0'],
    [{ MASTER_ADDR: undefined }, 'MASTER_ADDR'],
    [{ MASTER_PORT: '65536' }, 'MASTER_PORT'],
    [{ MASTER_PORT: undefined }, 'MASTER_PORT'],
  ])('refuses %j', (change: Environment, message) => {
    expect(refusal(() => plan({ ...env, ...change }))).toContain(message);
  });

  it('refuses another number of processes than the command asks for', () => {
    expect(refusal(() => plan(env, 2))).toContain(
      'asks for 2 processes on this machine, the environment for 4',
    );
  });
});

describe("Kubeflow Trainer's contract", () => {
  const env = {
    PET_NNODES: '3',
    PET_NPROC_PER_NODE: '2',
    PET_NODE_RANK: '1',
    PET_MASTER_ADDR: 'job-node-0-0.job',
    PET_MASTER_PORT: '29400',
  };

  it('starts the workers of this node with their ranks among all', () => {
    expect(plan(env)).toEqual({
      kind: 'spawn',
      source: 'kubeflow',
      firstRank: 2,
      localSize: 2,
      size: 6,
      meeting: { host: 'job-node-0-0.job', port: 29400 },
    });
  });

  it('counts processes per node as torchrun does', () => {
    const local = (value: string | undefined, gpus: number): LaunchPlan =>
      planLaunch({ ...env, PET_NPROC_PER_NODE: value }, { cores: 8, gpus });
    expect(local(undefined, 4)).toMatchObject({ localSize: 1, size: 3, firstRank: 1 });
    expect(local('auto', 4)).toMatchObject({ localSize: 4 });
    expect(local('auto', 0)).toMatchObject({ localSize: 8 });
    expect(local('cpu', 4)).toMatchObject({ localSize: 8 });
    expect(local('gpu', 4)).toMatchObject({ localSize: 4 });
    expect(refusal(() => local('gpu', 0))).toContain('no CUDA device');
  });

  it('needs no meeting point for one node', () => {
    expect(plan({ PET_NNODES: '1', PET_NPROC_PER_NODE: '2' })).toMatchObject({
      firstRank: 0,
      size: 2,
      meeting: null,
    });
  });

  it.each([
    [{ PET_NNODES: '1:3' }, 'cannot change during a run'],
    [{ PET_NNODES: undefined }, 'PET_NNODES'],
    [{ PET_NODE_RANK: '3' }, 'PET_NODE_RANK'],
    [{ PET_NODE_RANK: undefined }, 'PET_NODE_RANK'],
    [{ PET_NPROC_PER_NODE: 'many' }, 'PET_NPROC_PER_NODE'],
    [{ PET_NNODES: '60000' }, 'at most 65536'],
    [{ PET_MASTER_ADDR: undefined }, 'PET_MASTER_ADDR'],
    [{ PET_MASTER_PORT: '0' }, 'PET_MASTER_PORT'],
  ])('refuses %j', (change: Environment, message) => {
    expect(refusal(() => plan({ ...env, ...change }))).toContain(message);
  });
});

describe("Slurm's contract", () => {
  const env = {
    SLURM_PROCID: '9',
    SLURM_NTASKS: '64',
    SLURM_STEP_NUM_TASKS: '11',
    SLURM_LOCALID: '1',
    SLURM_NODEID: '2',
    SLURM_TASKS_PER_NODE: '4(x2),3',
    SLURM_JOB_NODELIST: 'node[01-03,7]',
    SLURM_JOB_ID: '123456',
  };
  const expected = {
    kind: 'worker',
    source: 'slurm',
    rank: 9,
    size: 11,
    localRank: 1,
    localSize: 3,
    meeting: { host: 'node01', port: 23456 },
  };

  it('is read, the step before the job, and MASTER_* before what is derived', () => {
    expect(plan(env)).toEqual(expected);
    expect(
      plan({ ...env, SLURM_STEP_TASKS_PER_NODE: '5,5,1', SLURM_LOCALID: '0', SLURM_STEP_NODELIST: 'n7' }),
    ).toEqual({
      ...expected,
      localRank: 0,
      localSize: 1,
      meeting: { host: 'n7', port: 23456 },
    });
    expect(plan({ ...env, MASTER_ADDR: '10.0.0.1', MASTER_PORT: '4000' })).toEqual({
      ...expected,
      meeting: { host: '10.0.0.1', port: 4000 },
    });
  });

  it('does not take a batch script, or a step of one task, for a task of many', () => {
    // What sbatch gives a batch script of 4 nodes with one task each: a task's variables, but no step.
    const batch = {
      SLURM_PROCID: '0',
      SLURM_LOCALID: '0',
      SLURM_NODEID: '0',
      SLURM_NTASKS: '4',
      SLURM_TASKS_PER_NODE: '1(x4)',
      SLURM_JOB_NODELIST: 'gnode[10,20,25,37]',
      SLURM_JOB_ID: '200505',
    };
    for (const env of [batch, { ...batch, SLURM_STEP_NUM_TASKS: '1' }]) {
      expect(plan(env)).toEqual({ kind: 'alone' });
      expect(plan(env, 2)).toMatchObject({ kind: 'spawn', source: 'nproc', localSize: 2, size: 2 });
    }
  });

  it.each([
    [{ SLURM_PROCID: '11' }, 'SLURM_PROCID'],
    [{ SLURM_LOCALID: undefined }, 'SLURM_LOCALID'],
    [{ SLURM_LOCALID: '3' }, 'less than the 3 tasks of this node'],
    [{ SLURM_NODEID: '3' }, 'names 3 nodes, this is node 3'],
    [{ SLURM_JOB_NODELIST: undefined }, 'SLURM_STEP_NODELIST'],
    [{ SLURM_JOB_ID: undefined }, 'SLURM_JOB_ID'],
  ])('refuses %j', (change: Environment, message) => {
    expect(refusal(() => plan({ ...env, ...change }))).toContain(message);
  });

  it.each([
    ['node[01-03,7]', 'node01'],
    ['node7', 'node7'],
    ['alpha,beta[1-2]', 'alpha'],
    ['rack[1-2]n[05-08]', 'rack1n05'],
    ['gpu[003,001]-ib.cluster,x', 'gpu003-ib.cluster'],
  ])('takes the first host of %s', (list, host) => {
    expect(firstHost(list)).toBe(host);
  });

  it.each(['', ',a', 'node[01', 'node[]', 'node[a-b]', 'node[1-]', 'a b', '-o', 'node]'])(
    "refuses the node list '%s'",
    (list) => {
      expect(refusal(() => firstHost(list))).toContain("Slurm's node list");
    },
  );

  it('counts the tasks of a node and keeps ports within their range', () => {
    expect([0, 1, 2].map((node) => tasksOnNode('4(x2),3', node))).toEqual([4, 4, 3]);
    for (const list of ['', '0', '4(x0)', '4x2', '4,']) refusal(() => tasksOnNode(list, 9));
    expect([portOfJob(1), portOfJob(11999), portOfJob(12000)]).toEqual([20001, 31999, 20000]);
  });
});

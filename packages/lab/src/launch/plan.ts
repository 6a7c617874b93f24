/**
 * Finds this process's place among those that train together, from its environment.
 *
 * Reads the variables of torchrun, Kubeflow Trainer (PET_*) and Slurm's `srun`, in this order: torchrun may
 * run under the others. With TORCHELASTIC_USE_AGENT_STORE its agent already serves a store at MASTER_PORT. A
 * batch script without `srun` is one process, despite SLURM_PROCID=0 and the allocation's SLURM_NTASKS: only
 * `srun` sets SLURM_STEP_NUM_TASKS. Sources: torch/distributed/elastic/agent/server/local_elastic_agent.py;
 * Kubeflow Trainer's pkg/constants; Slurm's src/common/env.c.
 */
import { ReclmisError } from '@reclmis/core';
import { firstHost, portOfJob, tasksOnNode } from './slurm.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Rank 0's store. */
export interface MeetingPoint {
  readonly host: string;
  readonly port: number;
}

export interface AlonePlan {
  readonly kind: 'alone';
}

export interface WorkerPlan {
  readonly kind: 'worker';
  readonly source: 'torchrun' | 'slurm';
  /** From 0. */
  readonly rank: number;
  /** Processes on all machines. */
  readonly size: number;
  /** From 0 on this machine; selects the device. */
  readonly localRank: number;
  readonly localSize: number;
  readonly meeting: MeetingPoint;
  /**
   * The attempt, from 0, if torchrun's agent serves the store, which keeps earlier attempts' entries; absent
   * if rank 0 serves it.
   */
  readonly attempt?: number;
}

/** This process starts `localSize` workers, with ranks from `firstRank`. */
export interface SpawnPlan {
  readonly kind: 'spawn';
  readonly source: 'nproc' | 'kubeflow';
  readonly firstRank: number;
  readonly localSize: number;
  readonly size: number;
  /** Null if all workers are here. */
  readonly meeting: MeetingPoint | null;
}

export type LaunchPlan = AlonePlan | WorkerPlan | SpawnPlan;

export interface LaunchOptions {
  /** On this machine, at least 1; default: by the environment. */
  readonly nproc?: number;
  /** For PET_NPROC_PER_NODE=cpu. */
  readonly cores: number;
  /** For PET_NPROC_PER_NODE=gpu. */
  readonly gpus: number;
}

const MOST_RANKS = 65536;

/** @throws LAUNCH_INVALID for a variable missing, out of range, or contradicting another or `nproc` */
export function planLaunch(env: Environment, options: LaunchOptions): LaunchPlan {
  const plan = torchrun(env) ?? kubeflow(env, options) ?? slurm(env);
  if (options.nproc === undefined) return plan === null || plan.size === 1 ? { kind: 'alone' } : plan;
  const nproc = whole('the number of processes', String(options.nproc), 1, MOST_RANKS);
  if (plan === null) {
    if (nproc === 1) return { kind: 'alone' };
    return { kind: 'spawn', source: 'nproc', firstRank: 0, localSize: nproc, size: nproc, meeting: null };
  }
  if (plan.localSize === nproc) return plan.size === 1 ? { kind: 'alone' } : plan;
  throw invalid(
    `the command asks for ${nproc} processes on this machine, the environment for ${plan.localSize} (${plan.source})`,
  );
}

export function threadsPerWorker(cores: number, localSize: number): number {
  return Math.max(1, Math.floor(cores / localSize));
}

/**
 * OMP_NUM_THREADS, which launchers set; else SLURM_CPUS_PER_TASK, since a task may see only its own cores;
 * else a share of the cores.
 * @throws LAUNCH_INVALID
 */
export function threadsOfWorker(env: Environment, plan: WorkerPlan, cores: number): number {
  for (const name of ['OMP_NUM_THREADS', plan.source === 'slurm' ? 'SLURM_CPUS_PER_TASK' : '']) {
    if (given(env, name) !== null) return number(env, name, 1, 1024);
  }
  return threadsPerWorker(cores, plan.localSize);
}

function torchrun(env: Environment): WorkerPlan | null {
  if (given(env, 'RANK') === null && given(env, 'WORLD_SIZE') === null) return null;
  const size = number(env, 'WORLD_SIZE', 1, MOST_RANKS);
  const rank = number(env, 'RANK', 0, size - 1);
  // Older launchers set neither: all ranks are on one machine.
  const localSize = given(env, 'LOCAL_WORLD_SIZE') === null ? size : number(env, 'LOCAL_WORLD_SIZE', 1, size);
  const localRank = given(env, 'LOCAL_RANK') === null ? rank : number(env, 'LOCAL_RANK', 0, localSize - 1);
  const meeting = { host: text(env, 'MASTER_ADDR'), port: number(env, 'MASTER_PORT', 1, 65535) };
  if (localRank > rank) throw invalid(`LOCAL_RANK ${localRank} lies above RANK ${rank}`);
  const plan = { kind: 'worker', source: 'torchrun', rank, size, localRank, localSize, meeting } as const;
  if (given(env, 'TORCHELASTIC_USE_AGENT_STORE') !== 'True') return plan;
  const restarts = 'TORCHELASTIC_RESTART_COUNT';
  return { ...plan, attempt: given(env, restarts) === null ? 0 : number(env, restarts, 0, 1e9) };
}

function kubeflow(env: Environment, options: LaunchOptions): SpawnPlan | null {
  if (given(env, 'PET_NNODES') === null && given(env, 'PET_NODE_RANK') === null) return null;
  const asked = text(env, 'PET_NNODES');
  if (asked.includes(':')) {
    throw invalid(
      `PET_NNODES is '${asked}': expected a single number, as the number of nodes cannot change during a run`,
    );
  }
  const nodes = number(env, 'PET_NNODES', 1, MOST_RANKS);
  const node =
    nodes === 1 && given(env, 'PET_NODE_RANK') === null ? 0 : number(env, 'PET_NODE_RANK', 0, nodes - 1);
  const localSize = processesPerNode(env, options);
  const size = nodes * localSize;
  if (size > MOST_RANKS)
    throw invalid(`${nodes} nodes of ${localSize} processes: expected at most ${MOST_RANKS}`);
  const alone = nodes === 1 && given(env, 'PET_MASTER_ADDR') === null;
  const meeting = alone
    ? null
    : { host: text(env, 'PET_MASTER_ADDR'), port: number(env, 'PET_MASTER_PORT', 1, 65535) };
  return { kind: 'spawn', source: 'kubeflow', firstRank: node * localSize, localSize, size, meeting };
}

/** torchrun's `gpu`, `cpu`, `auto` (devices if any, else cores) or a number; default 1. */
function processesPerNode(env: Environment, machine: LaunchOptions): number {
  switch (given(env, 'PET_NPROC_PER_NODE')) {
    case null:
      return 1;
    case 'auto':
      return machine.gpus > 0 ? machine.gpus : machine.cores;
    case 'cpu':
      return machine.cores;
    case 'gpu':
      if (machine.gpus > 0) return machine.gpus;
      throw invalid('PET_NPROC_PER_NODE is gpu, and this machine has no CUDA device');
    default:
      return number(env, 'PET_NPROC_PER_NODE', 1, MOST_RANKS);
  }
}

/** The job may have more tasks than this step. */
function slurm(env: Environment): WorkerPlan | null {
  if (given(env, 'SLURM_STEP_NUM_TASKS') === null) return null; // not a task of `srun`
  const size = number(env, 'SLURM_STEP_NUM_TASKS', 1, MOST_RANKS);
  if (size === 1) return null;
  const rank = number(env, 'SLURM_PROCID', 0, size - 1);
  const localRank = number(env, 'SLURM_LOCALID', 0, rank);
  const perNode = given(env, 'SLURM_STEP_TASKS_PER_NODE') ?? given(env, 'SLURM_TASKS_PER_NODE');
  const node = given(env, 'SLURM_NODEID') === null ? 0 : number(env, 'SLURM_NODEID', 0, size - 1);
  const localSize = perNode === null ? size : tasksOnNode(perNode, node);
  if (localRank >= localSize) {
    throw invalid(`SLURM_LOCALID is ${localRank}: expected less than the ${localSize} tasks of this node`);
  }
  if (localSize > size) throw invalid(`${localSize} tasks on this node, but SLURM_STEP_NUM_TASKS is ${size}`);
  return { kind: 'worker', source: 'slurm', rank, size, localRank, localSize, meeting: slurmMeeting(env) };
}

/** MASTER_ADDR and MASTER_PORT override the step's first host and the job's port. */
function slurmMeeting(env: Environment): MeetingPoint {
  const nodes = given(env, 'SLURM_STEP_NODELIST') ?? given(env, 'SLURM_JOB_NODELIST');
  const host = given(env, 'MASTER_ADDR') ?? (nodes === null ? null : firstHost(nodes));
  if (host === null) throw invalid('SLURM_STEP_NODELIST: expected the nodes of the step, got nothing');
  if (given(env, 'MASTER_PORT') !== null) return { host, port: number(env, 'MASTER_PORT', 1, 65535) };
  return { host, port: portOfJob(number(env, 'SLURM_JOB_ID', 1, 0xffffffff)) };
}

/** Null if absent or empty. */
function given(env: Environment, name: string): string | null {
  const value = env[name]?.trim() ?? '';
  return value === '' ? null : value;
}

function text(env: Environment, name: string): string {
  const value = given(env, name);
  if (value === null) throw invalid(`${name}: expected a value, as related variables are set, got nothing`);
  return value;
}

function number(env: Environment, name: string, least: number, most: number): number {
  return whole(name, text(env, name), least, most);
}

function whole(name: string, value: string, least: number, most: number): number {
  const result = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
  if (!(result >= least && result <= most)) {
    throw invalid(`${name} is '${value}': expected a whole number from ${least} to ${most}`);
  }
  return result;
}

function invalid(message: string): ReclmisError {
  return new ReclmisError('LAUNCH_INVALID', message);
}

/**
 * Data-parallel training over c10d: each process takes its share of every batch, as `launch/plan.ts` says.
 * Only rank 0 writes files and decides by clock or disk; it tells the others.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError } from '@reclmis/core';
import { distributed, noGrad, scope, type Tensor, zeros } from '@reclmis/torch';
import { Heartbeat, type Pulse } from '../launch/heartbeat.js';
import type { WorkerPlan } from '../launch/plan.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { Optimizer } from '../run/checkpoint.js';

/** May wait for another rank's long validation or slow disk. */
const COLLECTIVE_MS = 30 * 60_000;
const MEETING_MS = 5 * 60_000;
/** For the heartbeat to name the lost rank. */
const VERDICT_MS = 5000;

export class Parallel {
  private constructor(
    readonly rank: number,
    readonly size: number,
    readonly localRank: number,
    readonly localSize: number,
    /** On CPU tensors. */
    readonly control: distributed.Group,
    /** On tensors of the model's device. */
    readonly group: distributed.Group,
    private readonly store: distributed.Store,
    private readonly heartbeat: Heartbeat,
  ) {}

  /**
   * @param address this process's end of the connections; default: the one from which it reaches the meeting
   * point
   * @throws DISTRIBUTED_MISSING, DISTRIBUTED_FAILED
   */
  static async join(plan: WorkerPlan, device: string, address?: string): Promise<Parallel> {
    const { rank, size, localRank, localSize } = plan;
    const own = address ?? (await addressTowards(plan.meeting));
    const { store, host } = meet(plan, own);
    const shared = { store, rank, size, address: own, timeoutMs: COLLECTIVE_MS };
    const control = new distributed.Group(shared);
    const group = device.startsWith('cuda') ? new distributed.Group({ ...shared, backend: 'nccl' }) : control;
    const heartbeat = await Heartbeat.start({
      rank,
      size,
      host,
      agree: (words) => {
        if (words !== null) store.set('heartbeat', words);
        return words ?? store.get('heartbeat');
      },
    });
    return new Parallel(rank, size, localRank, localSize, control, group, store, heartbeat);
  }

  get pulse(): Pulse {
    return this.heartbeat.pulse;
  }

  get leads(): boolean {
    return this.rank === 0;
  }

  /** True if `here` is true in any process. */
  any(here: boolean): boolean {
    return this.control.max(here ? 1 : 0) === 1;
  }

  /** Rank 0's value, as JSON. */
  told<T>(here: T): T {
    return JSON.parse(this.control.broadcastText(this.leads ? JSON.stringify(here) : '')) as T;
  }

  /** Every process's value, as JSON, in rank order. */
  all<T>(here: T): T[] {
    return this.control.gatherText(JSON.stringify(here)).map((text) => JSON.parse(text) as T);
  }

  /** @throws DISTRIBUTED_FAILED naming the first rank unlike rank 0 */
  requireSame(what: string, here: string): void {
    const all = this.all(here);
    const other = all.findIndex((value) => value !== all[0]);
    if (other < 0) return;
    throw new ReclmisError('DISTRIBUTED_FAILED', `rank ${other}: ${what} differs from rank 0’s`, {
      remedy: 'Give every process the same data, settings and version.',
    });
  }

  shareModel(model: SegmentationModel): void {
    for (const tensor of model.stateDict().values()) this.share(tensor);
  }

  shareOptimizer(model: SegmentationModel, optimizer: Optimizer): void {
    scope(() => {
      const own = optimizer.stateDict();
      const keys = this.told([...own.keys()]);
      const parameters = model.namedParameters();
      const state = new Map(
        keys.map((key) => {
          const [name, part] = split(key);
          const like = parameters.get(name);
          const empty = part === 'step' ? zeros([], { dtype: 'int64' }) : like?.detach().zerosLike();
          const tensor = own.get(key) ?? empty;
          if (!tensor) throw new ReclmisError('INTERNAL', `rank ${this.rank}: no parameter ${name}`);
          this.share(tensor);
          return [key, tensor] as const;
        }),
      );
      if (!this.leads) optimizer.loadStateDict(state);
    });
  }

  private share(tensor: Tensor): void {
    noGrad(() =>
      scope(() => {
        const dense = tensor.detach().clone({ memoryFormat: 'contiguous' });
        (tensor.device === 'cpu' ? this.control : this.group).broadcast(dense);
        if (!this.leads) tensor.copy_(dense);
      }),
    );
  }

  /** After a failed collective: the heartbeat may name the lost rank, and ends this process. */
  async verdict(): Promise<void> {
    await sleep(VERDICT_MS);
  }

  /** All processes call it at the end. */
  async leave(): Promise<void> {
    await this.heartbeat.leave();
    if (this.group !== this.control) this.group.dispose();
    this.control.dispose();
    this.store.dispose();
  }
}

/**
 * Opens the run's store and finds rank 0's host. The store of torchrun's agent may hold entries of earlier
 * attempts, so rank 0 serves another port and announces it there.
 * @param own this process's address. @throws DISTRIBUTED_FAILED
 */
function meet(
  { rank, meeting, attempt }: WorkerPlan,
  own: string,
): { store: distributed.Store; host: string } {
  const isServer = rank === 0;
  const common = { isServer, timeoutMs: MEETING_MS };
  if (attempt === undefined)
    return { store: new distributed.Store({ ...meeting, ...common }), host: meeting.host };
  using agent = new distributed.Store({ ...meeting, isServer: false, timeoutMs: MEETING_MS });
  const key = `reclmis/attempt-${attempt}`;
  if (isServer) {
    // Others could not use the loopback address.
    const host = own.startsWith('127.') || own === '::1' ? meeting.host : own;
    const store = new distributed.Store({ host, port: 0, ...common });
    agent.set(key, JSON.stringify({ host, port: store.port }));
    return { store, host };
  }
  const { host, port } = JSON.parse(agent.get(key)) as WorkerPlan['meeting'];
  return { store: new distributed.Store({ host, port, ...common }), host };
}

function split(key: string): [string, string] {
  const dot = key.lastIndexOf('.');
  return [key.slice(0, dot), key.slice(dot + 1)];
}

/** Sends nothing. */
function addressTowards({ host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const failed = (cause: Error): void => {
      socket.close();
      reject(
        new ReclmisError('DISTRIBUTED_FAILED', `${host} cannot be reached: ${cause.message}`, { cause }),
      );
    };
    socket.once('error', failed);
    socket.connect(port, host, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
}

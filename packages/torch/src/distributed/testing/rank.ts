/**
 * A group's process: `node rank.js CASE` with RANK, WORLD_SIZE and MASTER_PORT; prints its result as JSON.
 */
import type { ReclmisError } from '@reclmis/core';
import { manualSeed, nn, scope, setThreads, Tensor } from '../../index.js';
import { Group } from '../group.js';
import { Reducer } from '../reducer.js';
import { Store } from '../store.js';
import { batchStatisticsOver } from '../sync-batch-norm.js';

const rank = Number(process.env['RANK']);
const size = Number(process.env['WORLD_SIZE']);

/** Values that vary with place and process; float64, to compare gradients to many digits. */
export function values(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((product, side) => product * side, 1);
  return Tensor.fromFloat64(
    Float64Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + seed) + 0.2 * seed),
    shape,
  );
}

/** A small net with both forms of batch normalisation. */
export class Net extends nn.Module {
  readonly conv = this.child('conv', new nn.Conv2d(2, 4, 3, { padding: 1 }));
  readonly norm = this.child('norm', new nn.BatchNorm2d(4));
  readonly head = this.child('head', new nn.Linear(4, 3));
  readonly last = this.child('last', new nn.BatchNorm1d(3));

  forward(x: Tensor): Tensor {
    return this.last.forward(this.head.forward(this.norm.forward(this.conv.forward(x)).relu().mean([2, 3])));
  }
}

/** Mean of a loss that weighs every output differently. @param x [B,2,5,5] */
export function loss(net: Net, x: Tensor, from: number): Tensor {
  const y = net.forward(x); // [B,3]
  return y
    .mul(values([16, 3], 7).narrow(0, from, x.size(0)))
    .square()
    .sum([1])
    .mean();
}

export function stateOf(net: Net): Record<string, number[]> {
  const parameters = net.namedParameters();
  const entries = [...net.stateDict()].map(([key, tensor]) => [
    key,
    [...scope(() => (parameters.has(key) ? (tensor.grad ?? tensor.zerosLike()) : tensor).toFloat64Array())],
  ]);
  return Object.fromEntries(entries) as Record<string, number[]>;
}

export function makeNet(): Net {
  manualSeed(11);
  return new Net().to('cpu', 'float64');
}

/** A rank's share of `all` cases. */
export function shareOf(all: number, of: number, size: number): { from: number; count: number } {
  const from = Math.floor((of * all) / size);
  return { from, count: Math.floor(((of + 1) * all) / size) - from };
}

const CASES: Readonly<Record<string, (group: Group) => unknown>> = {
  collectives: (group) => {
    const sum = values([3], rank);
    group.allReduce(sum);
    const root = values([2, 2], rank);
    group.broadcast(root, size - 1);
    const all = group.allGather(values([2], rank)).map((x) => [...x.toFloat64Array()]);
    group.barrier();
    return {
      sum: [...sum.toFloat64Array()],
      root: [...root.toFloat64Array()],
      all,
      max: group.max(10 - rank),
      texts: group.gatherText(rank === 0 ? '' : `rank ${rank} ü`.repeat(rank)),
      from0: group.broadcastText(`said by ${rank}`),
      bytes: group.bytesReduced,
    };
  },
  sum: (group) => {
    const x = values([4], rank);
    x.requiresGrad_();
    const y = group.sum(x.square());
    y.mul(values([4], 5))
      .sum()
      .mul(rank + 1)
      .backward();
    return { y: [...y.detach().toFloat64Array()], gradient: [...(x.grad?.toFloat64Array() ?? [])] };
  },
  // Unequal shares.
  step: (group) => {
    const net = makeNet();
    net.train();
    const parameters = net.parameters();
    const reducer = new Reducer(group, parameters);
    const { from, count } = shareOf(15, rank, size);
    const before = group.bytesReduced ?? 0;
    const results = [0, 1].map(() => {
      for (const parameter of parameters) parameter.clearGrad();
      scope(() => {
        const x = values([15, 2, 5, 5], 1).narrow(0, from, count);
        nn.withBatchStatistics(batchStatisticsOver(group, { counts: true }), () => {
          const own = loss(net, x, from).mul((count * size) / 15);
          reducer.prepare(own);
          own.backward();
        });
      });
      return stateOf(net);
    });
    const bytes = ((group.bytesReduced ?? 0) - before) / 2;
    reducer.dispose();
    net.dispose();
    return { results, bytes };
  },
  // The last rank has no case and repeats one that must not count.
  idle: (group) => {
    const net = makeNet();
    net.train();
    const reducer = new Reducer(group, net.parameters());
    const busy = size - 1;
    const counts = rank < busy;
    const { from, count } = counts ? shareOf(5, rank, busy) : { from: 0, count: 2 };
    scope(() => {
      const x = values([15, 2, 5, 5], 1).narrow(0, from, count);
      nn.withBatchStatistics(batchStatisticsOver(group, { counts }), () => {
        const own = loss(net, x, from).mul(counts ? (count * size) / 5 : 0);
        reducer.prepare(own);
        own.backward();
      });
    });
    const result = stateOf(net);
    reducer.dispose();
    net.dispose();
    return result;
  },
  // A gradient whose strides differ from the weight's in dimensions of size 1, as oneDNN's bfloat16
  // convolutions give.
  layout: (group) => {
    const weight = values([1, 4, 1, 1], 0);
    weight.requiresGrad_();
    const reducer = new Reducer(group, [weight]);
    scope(() => {
      const own = weight
        .permute([0, 2, 3, 1]) // [1,1,1,4]
        .mul(values([1, 1, 1, 4], rank))
        .sum();
      reducer.prepare(own);
      own.backward();
    });
    reducer.dispose();
    return [...(weight.grad?.toFloat64Array() ?? [])];
  },
  lost: (group) => {
    group.barrier();
    if (rank === size - 1) process.kill(process.pid, 'SIGKILL');
    const begun = performance.now();
    try {
      for (;;) group.allReduce(values([3], rank));
    } catch (error) {
      const { code, message } = error as ReclmisError;
      return { code, message, seconds: (performance.now() - begun) / 1000 };
    }
  },
};

if (process.argv[2] !== undefined) {
  setThreads(1);
  const store = new Store({
    host: '127.0.0.1',
    port: Number(process.env['MASTER_PORT']),
    isServer: rank === 0,
    timeoutMs: 60_000,
  });
  const group = new Group({ store, rank, size, address: `127.0.0.${rank + 1}`, timeoutMs: 60_000 });
  const result = CASES[process.argv[2]]?.(group);
  process.stdout.write(JSON.stringify(result));
  if (process.argv[2] !== 'lost') group.barrier(); // the store's server leaves last
}

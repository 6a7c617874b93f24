import { ReclmisError } from '@reclmis/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { manualSeed, memory, setThreads } from '../runtime.js';
import { keep, noGrad, scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { trace } from '../trace.js';
import { Conv2d, Linear, Module, MultiheadAttention } from './index.js';
import { type Tap, withTaps } from './tap.js';

class Net extends Module {
  readonly first = this.child('first', new Linear(3, 4));
  readonly block = this.child('block', new Block());
  forward(x: Tensor): Tensor {
    return this.block.forward(this.first.forward(x).relu_());
  }
}

class Block extends Module {
  readonly inner = this.child('inner', new Linear(4, 2));
  forward(x: Tensor): Tensor {
    return scope(() => this.inner.forward(x).mul(2));
  }
}

/** Its child is never called by itself. */
class Bare extends Module {
  readonly parts = this.child('parts', new Parts());
}
class Parts extends Module {
  readonly weight = this.child('weight', new Linear(1, 1));
}

beforeAll(() => setThreads(1));

const input = (): Tensor => Tensor.fromFloat32([1, -2, 3], [1, 3]);

describe('withTaps', () => {
  it('hears outputs and inputs in the order of the calls, and only while the body runs', () => {
    manualSeed(1);
    using net = new Net();
    scope(() => {
      const heard: string[] = [];
      const said = (path: string) => (output: unknown, inputs: readonly unknown[]) => {
        heard.push(`${path} ${String(inputs[0])} -> ${String(output)}`);
      };
      const x = input();
      const paths = ['block', 'first', 'block.inner', ''];
      const plain = net.forward(x).toFloat32Array();
      const tapped = withTaps(net, new Map(paths.map((path) => [path, said(path)])), () => net.forward(x));
      expect(heard).toEqual([
        'first Tensor(float32[1,3]) -> Tensor(float32[1,4])',
        'block.inner Tensor(float32[1,4]) -> Tensor(float32[1,2])',
        'block Tensor(float32[1,4]) -> Tensor(float32[1,2])',
        ' Tensor(float32[1,3]) -> Tensor(float32[1,2])',
      ]);
      expect(tapped.toFloat32Array()).toEqual(plain);
      net.forward(x);
      expect(heard).toHaveLength(4);
      expect(Object.keys(net.first)).not.toContain('forward');
    });
  });

  it('replaces an output, and chains several taps of one module', () => {
    using net = new Net();
    scope(() => {
      const zero = (output: unknown): unknown => (output as Tensor).mul(0);
      const add = (output: unknown): unknown => (output as Tensor).add(1);
      const out = withTaps(net, new Map([['block', zero]]), () =>
        withTaps(net, new Map([['block', add]]), () => net.forward(input())),
      );
      expect([...out.toFloat32Array()]).toEqual([1, 1]); // 0 * y, then + 1
      const other = withTaps(net, new Map([['block', zero]]), () => net.forward(input()));
      expect([...other.toFloat32Array()].map(Math.abs)).toEqual([0, 0]);
    });
  });

  it('does not report what taps themselves run', () => {
    using net = new Net();
    scope(() => {
      let heard = 0;
      const inner = (): void => {
        heard += 1;
      };
      const again = (_: unknown, inputs: readonly unknown[]): void =>
        void net.block.forward(inputs[0] as Tensor);
      const taps = new Map<string, Tap>([
        ['block', again],
        ['block.inner', inner],
      ]);
      withTaps(net, taps, () => net.forward(input()));
      expect(heard).toBe(1);
    });
  });

  it('is removed after a throw of the body or of a tap', () => {
    using net = new Net();
    const fail = (): never => {
      throw new Error('enough');
    };
    scope(() => {
      expect(() => withTaps(net, new Map([['first', fail]]), () => net.forward(input()))).toThrow('enough');
      expect(() => withTaps(net, new Map([['first', () => undefined]]), fail)).toThrow('enough');
      expect(net.forward(input()).shape).toEqual([1, 2]);
    });
  });

  it('names a path that does not exist and one that cannot be run', () => {
    using net = new Net();
    using bare = new Bare();
    const none = new Map([['blok', () => undefined]]);
    const parts = new Map([['parts', () => undefined]]);
    expect(() => withTaps(net, none, () => 0)).toThrow(ReclmisError);
    expect(() => withTaps(net, none, () => 0)).toThrow(/layer blok: is not part of the model/);
    expect(() => withTaps(bare, parts, () => 0)).toThrow(/layer parts: cannot be run by itself/);
  });

  it('leaves no memory behind once what was kept is disposed of', () => {
    using net = new Net();
    const run = (): void =>
      scope(() => {
        const kept: Tensor[] = [];
        const hear = (output: unknown): void => void kept.push(keep((output as Tensor).detach()));
        withTaps(net, new Map([['block.inner', hear]]), () => net.forward(input()));
        expect(kept[0]?.shape).toEqual([1, 2]); // the scope inside `block` has ended
        for (const tensor of kept) tensor.dispose();
      });
    run();
    const before = memory();
    for (let i = 0; i < 20; i++) run();
    expect(memory().handles).toBe(before.handles);
    expect(memory().liveBytes).toBe(before.liveBytes);
  });

  it('changes nothing in a trace, before, during or after', () => {
    manualSeed(2);
    using conv = new Conv2d(1, 2, 3);
    scope(() => {
      const image = Tensor.fromFloat32(new Float32Array(16), [1, 1, 4, 4]);
      const record = (): string[] => {
        const traced = trace({ image }, () => ({ out: conv.forward(image) }));
        const names = traced.calls.map(({ name }) => name);
        traced.dispose();
        return names;
      };
      const plain = record();
      const during = withTaps(conv, new Map([['', () => undefined]]), record);
      expect(plain).toHaveLength(1);
      expect(during).toEqual(plain);
      expect(record()).toEqual(plain);
    });
  });

  it('gets an attention’s weights by its own arithmetic', () => {
    manualSeed(3);
    using attention = new MultiheadAttention(4, 2);
    scope(() =>
      noGrad(() => {
        const x = Tensor.fromFloat32(
          Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
          [1, 3, 4],
        );
        let weights: Tensor | null = null;
        const ask = (_: unknown, inputs: readonly unknown[]): void => {
          const [query, key, value] = inputs as Tensor[];
          weights = attention.forwardWithWeights(query as Tensor, key as Tensor, value as Tensor).weights;
        };
        withTaps(attention, new Map([['', ask]]), () => attention.forward(x, x, x));
        expect((weights as Tensor | null)?.shape).toEqual([1, 2, 3, 3]);
        const sums = (weights as Tensor | null)?.sum([-1]).toFloat32Array() ?? [];
        for (const sum of sums) expect(sum).toBeCloseTo(1, 6); // float32
      }),
    );
  });
});

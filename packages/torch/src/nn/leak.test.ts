import { beforeAll, expect, test } from 'vitest';
import { AdamW, clipGradNorm } from '../optim/index.js';
import { manualSeed, memory, setThreads } from '../runtime.js';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  maxPool2d,
  Module,
  MultiheadAttention,
  upsampleNearest2d,
} from './index.js';

/** Image and words meet in an attention, and a map comes out. */
class Net extends Module {
  readonly conv = this.child('conv', new Conv2d(1, 8, 3, { padding: 1 }));
  readonly norm = this.child('norm', new BatchNorm2d(8));
  readonly words = this.child('words', new Embedding(10, 8, { paddingIndex: 0 }));
  readonly attention = this.child('attention', new MultiheadAttention(8, 2, { dropout: 0.1 }));
  readonly layerNorm = this.child('layer_norm', new LayerNorm(8));
  readonly drop = this.child('drop', new Dropout(0.1));
  readonly head = this.child('head', new Linear(8, 1));

  /** image [B, 1, 8, 8], ids [B, T] -> [B, 1, 8, 8] */
  forward(image: Tensor, ids: Tensor): Tensor {
    const map = maxPool2d(this.norm.forward(this.conv.forward(image)).relu(), 2); // [B, 8, 4, 4]
    const [B, C, H, W] = map.shape4();
    const patches = map.flatten(2).transpose(1, 2); // [B, 16, 8]
    const words = this.words.forward(ids); // [B, T, 8]
    const met = this.attention.forward(patches, words, words, { keyPadding: ids.eq(0) }); // [B, 16, 8]
    const mixed = this.drop.forward(this.layerNorm.forward(patches.add(met))); // [B, 16, 8]
    const out = this.head
      .forward(mixed)
      .transpose(1, 2)
      .reshape([B, C / C, H, W]); // [B, 1, 4, 4]
    return upsampleNearest2d(out, 2); // [B, 1, 8, 8]
  }
}

beforeAll(() => setThreads(1)); // faster for tensors this small

test('200 training steps leave bytes and handles where they were after step 5, and learn', () => {
  manualSeed(1);
  const start = memory();
  const net = new Net();
  const optimiser = new AdamW(net.namedParameters(), { lr: 1e-2 });
  const pixels = Float32Array.from({ length: 4 * 64 }, (_, i) => Math.sin(i * i));
  const losses: number[] = [];
  let after5 = memory();
  for (let step = 1; step <= 200; step++) {
    optimiser.zeroGrad();
    const loss = scope(() => {
      const image = Tensor.fromFloat32(pixels, [4, 1, 8, 8]);
      const ids = Tensor.fromInt64([1, 2, 0, 3, 0, 0, 4, 5, 6, 7, 8, 9], [4, 3]);
      // Target: the mean brightness of each 2 x 2 block.
      const target = upsampleNearest2d(image.avgPool2d([2, 2]), 2);
      const loss = net.forward(image, ids).mseLoss(target);
      loss.backward();
      return loss.item();
    });
    clipGradNorm(net.parameters(), 1);
    optimiser.step();
    losses.push(loss);
    if (step === 5) after5 = memory();
  }
  const end = memory();
  expect(end.handles).toBe(after5.handles);
  expect(end.liveBytes).toBe(after5.liveBytes);
  // It really trains: the loss falls below a third of its start.
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) / 3);
  net.zeroGrad();
  optimiser.dispose();
  optimiser.dispose();
  net.dispose();
  expect(memory().handles).toBe(start.handles);
  expect(memory().liveBytes).toBe(start.liveBytes);
});

test('a throw in the middle of a step leaves no handle behind', () => {
  const net = new Net();
  const before = memory();
  const run = (): void =>
    scope(() => {
      const image = Tensor.fromFloat32(new Float32Array(64), [1, 1, 8, 8]);
      net.forward(image, Tensor.fromInt64([1, 2], [2, 1])); // batches of 1 and 2
    });
  expect(run).toThrow(/MultiheadAttention: expected/);
  expect(memory().handles).toBe(before.handles);
  expect(memory().liveBytes).toBe(before.liveBytes);
  net.dispose();
});

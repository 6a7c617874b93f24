import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReclmisError } from '@reclmis/core';
import { scope, setThreads } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LViT } from '../model/lvit.js';
import { UNet } from '../model/unet.js';
import { HALVES, objective } from '../model/losses.js';
import { goldenPath } from '../testing/golden.js';
import { runParity } from './parity.js';
import { type PeerGolden, rebuildPeer, rebuildPeerInputs } from './peer.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-peers-parity-'));
beforeAll(() => setThreads(1));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const S = 32;
const OPTIONS = { baseWidth: 8, imageSize: S, textWidth: 12, contextLength: 5, dropout: 0.1 };

function makeGolden(peer: 'unet' | 'lvit'): PeerGolden {
  using fresh = peer === 'lvit' ? new LViT(OPTIONS) : new UNet(OPTIONS);
  const blank: PeerGolden = {
    seed: 7,
    batch: 2,
    text_shape: peer === 'lvit' ? [2, 5, 12] : null,
    text_stream: 200_000,
    mask_boxes: [
      [4, 20, 6, 24],
      [0, 8, 0, 32],
    ],
    parameters: [
      ['upVit9.CTBN.norm.weight', [4], false],
      ['upVit9.CTBN.norm.running_mean', [4], true], // as in the authors' file: a layer that takes no part
      ...[...fresh.stateDict()].map(([key, { shape }]): [string, number[], boolean] => [
        key,
        [...shape],
        true,
      ]),
    ],
    outputs: {
      probability: { shape: [2, 1, S, S], mean: 0, std: 0, first: [] },
      losses: { dice: 0, bce: 0, seg: 0 },
    },
    gradient_norms: { 'outc.bias': 0 },
  };
  using model = rebuildPeer(peer, blank, 'blank');
  return scope(() => {
    const { images, masks, note } = rebuildPeerInputs(blank);
    const out = model.forwardTraining(images, note);
    const { total, values } = objective(out, masks, ['dice', 'bce'], HALVES);
    total.backward();
    const p = out.probability.detach();
    const norms = [...model.namedParameters()].map(([key, x]) => [key, x.grad?.norm().item() ?? 0] as const);
    return {
      ...blank,
      outputs: {
        probability: {
          shape: [2, 1, S, S],
          mean: p.mean().item(),
          std: p.std(null, { correction: 1 }).item(),
          first: [...p.reshape([-1]).narrow(0, 0, 8).toFloat32Array()],
        },
        losses: { dice: values.dice ?? 0, bce: values.bce ?? 0, seg: values.total },
      },
      gradient_norms: Object.fromEntries(norms),
    };
  });
}

function write(golden: PeerGolden): string {
  const path = join(folder, 'golden.json');
  writeFileSync(path, JSON.stringify(golden));
  return path;
}

describe.each(['unet', 'lvit'] as const)('a golden file of %s', (peer) => {
  let golden: PeerGolden;
  beforeAll(() => {
    golden = makeGolden(peer);
  });
  const changed = (change: (golden: PeerGolden) => void): string => {
    const copy = structuredClone(golden);
    change(copy);
    return write(copy);
  };

  it('is told by its keys, and parity holds for it', () => {
    const report = runParity(write(golden));
    expect(report.model).toBe(peer === 'lvit' ? 'LViT' : 'U-Net');
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    const gradients = report.rows.filter(({ kind }) => kind === 'gradient');
    expect(gradients).toHaveLength(Object.keys(golden.gradient_norms).length);
  });

  it.each<[string, string, (golden: PeerGolden) => void]>([
    ['a loss', 'bce', ({ outputs }) => (outputs.losses.bce += 2e-4)],
    ['a mean', 'probability', ({ outputs }) => (outputs.probability.mean += 2e-4)],
    ['a gradient', 'up4.nConvs.0.conv.weight', (g) => (g.gradient_norms['up4.nConvs.0.conv.weight'] = 1)],
    ['the seed', 'probability', (g) => (g.seed += 1)],
  ])('fails once %s is another', (_, row, change) => {
    const report = runParity(changed(change));
    expect(report.passed).toBe(false);
    expect(report.rows.find(({ name }) => name === row)?.ok).toBe(false);
  });

  it.each<[string, (golden: PeerGolden) => void]>([
    ['notes for the wrong model', (g) => (g.text_shape = peer === 'lvit' ? null : [2, 5, 12])],
    ['a parameter too few', (g) => g.parameters.pop()],
    ['a box outside the image', (g) => (g.mask_boxes[0] = [0, 33, 0, 4])],
    ['an infinite gradient', (g) => (g.gradient_norms['outc.weight'] = Infinity)], // null in JSON
    ['a lost gradient', (g) => delete g.gradient_norms['outc.weight']],
  ])('is refused with %s', (_, change) => {
    expect(() => runParity(changed(change))).toThrow(
      expect.objectContaining({ code: 'GOLDEN_INVALID' }) as ReclmisError,
    );
  });
});

describe.each([
  ['unet', 78],
  ['lvit', 254],
] as const)('against the outputs of %s’s authors', (name, compared) => {
  it('parity holds in every norm of a gradient', () => {
    setThreads(2);
    const report = runParity(goldenPath(name));
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.worstOutput).toBeLessThan(1e-6);
    expect(report.worstLoss).toBeLessThan(1e-6);
    expect(report.worstGradient).toBeLessThan(5e-3);
    expect(report.rows.filter(({ kind }) => kind === 'gradient')).toHaveLength(compared);
  }, 180_000);
});

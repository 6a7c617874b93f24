/** A golden file's `options`: taken where they are settings of the model, compared where its shapes or code say the same, never passed over. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReclmisError } from '@reclmis/core';
import { scope, setThreads } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HALVES, objective, requiredLosses } from '../model/losses.js';
import { buildModel } from '../model/registry.js';
import { modelSchema } from '../model/settings.js';
import { runParity } from './parity.js';
import { type PeerGolden, rebuildPeer, rebuildPeerInputs } from './peer.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-parity-options-'));
beforeAll(() => setThreads(1));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const S = 64;
type Peer = 'lavt' | 'convirt' | 'gloria';
const SIZES: Readonly<Record<Peer, Record<string, unknown>>> = {
  lavt: { width: 8, depths: [2, 2], heads: [1, 2], window: 4 },
  convirt: { blocks: [1, 1, 1, 1] },
  gloria: { blocks: [1, 1, 1, 1] },
};

/** A file of what the model computes under these options of the file. */
function makeGolden(peer: Peer, options: Record<string, unknown>): PeerGolden {
  using fresh = buildModel(
    { ...modelSchema.parse({ name: peer }), baseWidth: 4, imageSize: S, options: SIZES[peer] },
    { width: 12, contextLength: 5, vocabularySize: 1 },
  );
  const blank: PeerGolden = {
    seed: 3,
    batch: 2,
    text_shape: [2, 5, 12],
    text_stream: 200_000,
    text_lengths: [5, 3],
    mask_boxes: [
      [4, 40, 6, 44],
      [0, 8, 0, 64],
    ],
    options,
    parameters: [...fresh.stateDict()].map(([key, { shape }]) => [key, [...shape], true]),
    outputs: {
      probability: { shape: [2, 1, S, S], mean: 0, std: 0, first: [] },
      losses: { dice: 0, bce: 0, seg: 0 },
    },
    gradient_norms: { any: 0 },
  };
  using model = rebuildPeer(peer, blank, 'blank');
  return scope(() => {
    const { images, masks, note } = rebuildPeerInputs(blank);
    const out = model.forwardTraining(images, note, { masks });
    const { total, values } = objective(out, masks, requiredLosses(model.auxiliary), HALVES);
    total.backward();
    const p = out.probability.detach();
    const { dice = 0, bce = 0, total: whole, ...own } = values;
    const norms = [...model.namedParameters()].flatMap(([key, { grad }]) =>
      grad ? [[key, grad.norm().item()] as const] : [],
    );
    return {
      ...blank,
      parameters: blank.parameters.map(([key, shape]) => [key, shape, !key.includes('layers.1.res_gate')]),
      outputs: {
        probability: {
          shape: [2, 1, S, S],
          mean: p.mean().item(),
          std: p.std(null, { correction: 1 }).item(),
          first: [...p.reshape([-1]).narrow(0, 0, 8).toFloat32Array()],
        },
        losses: { ...own, dice, bce, seg: (dice + bce) / 2, total: whole },
      },
      gradient_norms: Object.fromEntries(norms),
    };
  });
}

function parity(golden: PeerGolden): ReturnType<typeof runParity> {
  const path = join(folder, 'golden.json');
  writeFileSync(path, JSON.stringify(golden));
  return runParity(path);
}

describe.each<[Peer, Record<string, unknown>, Record<string, unknown>, string]>([
  ['lavt', { fusion_heads: 4 }, { fusion_heads: 1 }, 'probability'],
  ['convirt', { temperature: 0.5, image_to_text_weight: 0.25 }, { temperature: 0.1 }, 'contrastive'],
  ['gloria', { temperatures: [2, 3, 4] }, { temperatures: [4, 5, 10] }, 'local'],
])('options of a golden file of %s', (peer, options, others, changed) => {
  it('are those of the model that is compared', () => {
    const golden = makeGolden(peer, options);
    expect(parity(golden).rows.filter(({ ok }) => !ok)).toEqual([]);
    const failing = parity({ ...golden, options: others }).rows.filter(({ ok }) => !ok);
    expect(failing.map(({ name }) => name)).toContain(changed);
  });

  it('are refused where the model has no such value', () => {
    const [name = ''] = Object.keys(options);
    expect(() => parity({ ...makeGolden(peer, {}), options: { [name]: -1 } })).toThrow(
      expect.objectContaining({ code: 'GOLDEN_INVALID' }) as ReclmisError,
    );
  });
});

describe('options that settle nothing', () => {
  it('are compared with the shapes', () => {
    const golden = makeGolden('convirt', { decoder_channels: [16, 8, 4, 2, 1], image_head: [128, 64, 32] });
    expect(parity(golden).passed).toBe(true);
    const other = parity({ ...golden, options: { image_head: [128, 64, 16] } });
    expect(other.rows.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['options.image_head.2']);
  });

  it('count as a difference where nothing here reads them', () => {
    const { rows } = parity(makeGolden('gloria', { dilation: 2 }));
    const failing = rows.filter(({ ok }) => !ok);
    expect(failing.map(({ name, detail }) => [name, detail])).toEqual([
      ['options.dilation', 'the model has no such option'],
    ]);
  });
});

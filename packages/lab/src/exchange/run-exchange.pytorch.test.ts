/** Exchanges checkpoints with PyTorch itself, if the system's Python has it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openRun } from '../run/run.js';
import { writeTinyCheckpoint } from '../testing/tiny-checkpoint.js';
import { tinyMerges } from '../testing/tiny-clip.js';
import { exportRun } from './export-run.js';
import { importRun } from './import-run.js';

const PYTHON = '/usr/bin/python3';
const available = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'ignore' }).status === 0;
const root = mkdtempSync(join(tmpdir(), 'reclmis-pytorch-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Saves tensors as the authors' training does, with an optimiser's state and a numpy score. */
const SAVE = `
import sys, torch, numpy as np
source, target = sys.argv[1:]
state = torch.load(source)['state_dict']
parameter = torch.nn.Parameter(state['outc.weight'].clone())
optimizer = torch.optim.Adam([parameter], lr=3e-4)
parameter.sum().backward()
optimizer.step()
torch.save({'epoch': 12, 'best_model': True, 'model': 'RecLMIS', 'state_dict': state,
            'val_loss': np.float64(0.5), 'optimizer': optimizer.state_dict()}, target)
`;

/** Prints the keys of the second checkpoint that are not bit-identical in the first, and their number. */
const COMPARE = `
import sys, json, torch
before = torch.load(sys.argv[1])['state_dict']
after = torch.load(sys.argv[2], weights_only=True)['state_dict']
bits = lambda t: (str(t.dtype), list(t.shape), t.contiguous().numpy().tobytes())
print(json.dumps({'count': len(after), 'different': [k for k in after if k not in before or bits(before[k]) != bits(after[k])]}))
`;

describe.skipIf(!available)('with PyTorch', () => {
  it('exchanges a checkpoint equal to the bit', async () => {
    const made = join(root, 'made.pth');
    const saved = join(root, 'best_model.pth.tar');
    const vocabulary = join(root, 'merges.txt');
    writeFileSync(vocabulary, tinyMerges());
    writeTinyCheckpoint(made);
    execFileSync(PYTHON, ['-c', SAVE, made, saved]);

    const dir = join(root, 'run');
    const run = await importRun(saved, dir, { vocabulary });
    expect(run.missing).toEqual([]);
    expect(run.unexpected).toEqual([]);
    expect(openRun(dir).info.epochs).toBe(12);

    const exported = join(root, 'exported.pth');
    const { tensors } = exportRun(dir, exported);
    const answer: unknown = JSON.parse(
      execFileSync(PYTHON, ['-c', COMPARE, saved, exported], { encoding: 'utf8' }),
    );
    // The model keeps the temperature in single precision; its value is the same.
    expect(answer).toEqual({ count: tensors, different: ['clip.logit_scale'] });
  });
});

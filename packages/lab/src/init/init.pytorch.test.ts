/** Files as PyTorch and NumPy write them, and interpolation as PyTorch computes it, if the system's Python has them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTensorSource, scope, Tensor } from '@reclmis/torch';
import { afterAll, describe, expect, it } from 'vitest';
import { googleShapes, resNetShapes, swinShapes } from '../testing/published-weights.js';
import { FAMILIES, familyOf } from './families.js';
import { make, type Shapes } from './recipe.js';

const PYTHON = '/usr/bin/python3';
const available = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'ignore' }).status === 0;
const root = mkdtempSync(join(tmpdir(), 'reclmis-pytorch-init-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes tensors of given shapes, each counting from 0 in steps of 1/1024, in one of the ways in which weights are published. */
const SAVE = `
import sys, json, torch, numpy as np
from collections import OrderedDict
shapes, target, how = json.load(open(sys.argv[1])), sys.argv[2], sys.argv[3]
state = OrderedDict((k, (torch.arange(int(np.prod(s)), dtype=torch.float32) / 1024).reshape(s)) for k, s in shapes)
if how == 'legacy': torch.save(state, target, _use_new_zipfile_serialization=False)
if how == 'wrapped': torch.save({'model': state}, target)
if how == 'npz': np.savez(target, **{k: v.numpy() for k, v in state.items()})
`;

/** Interpolates tables of [rows,C] after `extra` rows, as the authors of Swin and timm's older versions do, and prints the numbers of each. */
const RESIZE = `
import sys, json, torch
def resize(values, shape, side, extra):
    rows = torch.tensor(values).reshape(-1, shape[-1])
    grid = rows[extra:]
    n = int(len(grid) ** 0.5)
    grid = torch.nn.functional.interpolate(grid.T.reshape(1, -1, n, n), size=(side, side), mode='bicubic')
    return torch.cat([rows[:extra], grid.reshape(shape[-1], -1).T]).flatten().tolist()
print(json.dumps([resize(*one) for one in json.load(open(sys.argv[1]))]))
`;

const TABLES = [
  ['bias', 23, 13, 0],
  ['bias', 13, 23, 0],
  ['positions', 24, 14, 1],
  ['positions', 14, 24, 1],
] as const;

function save(name: string, shapes: Shapes, how: 'legacy' | 'wrapped' | 'npz'): string {
  const [spec, target] = [join(root, `${name}.json`), join(root, name)];
  writeFileSync(spec, JSON.stringify([...shapes]));
  execFileSync(PYTHON, ['-c', SAVE, spec, target, how]);
  return target;
}

const counted = (at: number): number => Math.fround(at / 1024);

describe.skipIf(!available)('with PyTorch and NumPy', () => {
  it.each<[string, string, 'legacy' | 'wrapped' | 'npz', Shapes]>([
    ['se-resnet101', 'se.pth', 'legacy', resNetShapes(4, [1, 1, 1, 1], true)],
    [
      'swin',
      'swin.pth',
      'wrapped',
      swinShapes({ width: 4, depths: [1, 1, 1, 1], heads: [1, 1, 1, 1], window: 3 }),
    ],
    [
      'google-vit',
      'vit.npz',
      'npz',
      googleShapes({ width: 8, depth: 1, heads: 2, patch: 2, inputs: 3, grid: 2 }),
    ],
  ])('reads %s from %s, written %s', (id, name, how, shapes) => {
    const source = openTensorSource(save(name, shapes, how));
    try {
      const found = new Map([...source.tensors].map(([key, { shape }]) => [key, shape]));
      expect(found).toEqual(new Map(shapes));
      expect(familyOf(name, found, '').family).toBe(FAMILIES.find((family) => family.id === id));
      scope(() => {
        for (const [key, shape] of shapes) {
          const values = source.read(key).toFloat32Array();
          expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
          values.forEach((value, at) => {
            if (value !== counted(at)) throw new Error(`${key}: ${at}: ${value}`);
          });
        }
      });
    } finally {
      source.close();
    }
  });

  it('interpolates tables as PyTorch does', () => {
    const C = 4;
    const problems = TABLES.map(([table, from, to, extra]) => {
      const lead = table === 'bias' ? [] : [1];
      const values = Array.from({ length: (from * from + extra) * C }, (_, i) => Math.sin(i * i));
      const shape = [...lead, from * from + extra, C];
      return { table, values, shape, to, extra, target: [...lead, to * to + extra, C] };
    });
    const file = join(root, 'tables.json');
    writeFileSync(
      file,
      JSON.stringify(problems.map(({ values, shape, to, extra }) => [values, shape, to, extra])),
    );
    const expected = JSON.parse(
      execFileSync(PYTHON, ['-c', RESIZE, file], { encoding: 'utf8' }),
    ) as number[][];
    problems.forEach(({ table, values, shape, target }, at) => {
      const own = scope(() => {
        const given = Tensor.fromFloat32(Float32Array.from(values), shape);
        return [
          ...make({ from: ['t'], table }, () => given, target)
            .contiguous()
            .toFloat32Array(),
        ];
      });
      expect(own).toHaveLength(expected[at]!.length);
      own.forEach((value, i) => expect(value).toBeCloseTo(expected[at]![i]!, 5)); // two orders of float32 sums
    });
  });
});

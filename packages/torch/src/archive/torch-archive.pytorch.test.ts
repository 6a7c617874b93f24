/**
 * Against PyTorch itself, where the system's Python has it: it writes checkpoints in the authors' form, in the format
 * before 1.6 and as TorchScript, which must read equal to the bit; and it reads what we write, with `weights_only=True`.
 * Python starts twice in all, since importing torch takes seconds. The tests skip where there is none.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DType } from '../invoke.js';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import type { TorchTensor } from './torch-archive.js';
import { TorchArchive, stateDictOf } from './torch-archive.js';
import { writeTorchArchive } from './torch-archive-writer.js';
import { ZipWriter } from './zip-writer.js';

const PYTHON = '/usr/bin/python3';
const available = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'ignore' }).status === 0;

/** Hashes tensors by name: dtype, shape and bytes, as `hashed` below does. */
const COMMON = `
import sys, json, hashlib, collections
import torch, numpy as np
torch.set_num_threads(1)
torch.manual_seed(1)
folder = sys.argv[1]
def digest(t):
    raw = t.detach().contiguous().reshape(-1)
    raw = bytes(raw.view(torch.uint8).numpy().tobytes()) if raw.numel() else b''
    return [str(t.dtype).replace('torch.', ''), list(t.shape), hashlib.sha256(raw).hexdigest()]
def digests(tensors):
    return {name: digest(t) for name, t in tensors.items()}
`;

const WRITE = `${COMMON}
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inc = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(4, 5), torch.nn.Linear(5, 2, bias=False)])
        self.scale = torch.nn.Parameter(torch.tensor(0.5))
        self.register_buffer('ids', torch.arange(7))
        self.names = ['a', 'b']
        self.sizes = [1, 2]
        self.table = {'k': 1.5}
        self.pair = (1, 'x')
        self.nothing = None
    def forward(self, x):
        y = self.norm(self.inc(x)).mean([2, 3])
        for block in self.blocks:
            y = block(y)
        return y * self.scale + self.sizes[0] + self.table['k']

net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
for _ in range(2):
    optimizer.zero_grad()
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
state = net.state_dict()
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
checkpoint = {
    'epoch': 57, 'best_model': True, 'model': 'RecLMIS', 'state_dict': state,
    'val_loss': np.float64(0.8125), 'loss32': np.float32(0.1), 'half': np.float16(-1.5), 'step': np.int64(-7),
    'flag': np.bool_(True), 'optimizer': optimizer.state_dict(), 'scheduler': scheduler.state_dict(),
    'big': 2 ** 70, 'negative': -70000, 'raw': b'ab\\xff', 'some': {3}, 'size': torch.Size([2, 3]),
    'dtype': torch.float16, 'device': torch.device('cuda:1'), 'parameter': net.scale,
    'history': collections.defaultdict(dict, {'a': {'b': [1.5, None]}}),
}
torch.save(checkpoint, folder + '/new.pth.tar')
torch.save(checkpoint, folder + '/old.pth.tar', _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    torch.save(checkpoint, folder + f'/protocol{protocol}.pth', pickle_protocol=protocol)
base = torch.arange(24.).reshape(4, 6)
kinds = collections.OrderedDict((str(d).replace('torch.', ''), torch.tensor([0, 1, 1]).to(d)) for d in
    (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool))
kinds.update(scalar=torch.tensor(3.5), empty=torch.zeros(0, 3), turned=base.t(), part=base[1:3, 2:5], steps=base[:, ::2], tied=base)
torch.save(kinds, folder + '/pytorch_model.bin')
script = torch.jit.script(net.half().eval())
torch.jit.save(script, folder + '/script.pt')
traced = torch.jit.trace(Net().eval(), torch.zeros(1, 3, 8, 8)).half()
torch.jit.save(traced, folder + '/trace.pt')
class Evil:
    def __reduce__(self):
        import os
        return os.system, ('touch ' + folder + '/evil',)
torch.save({'state_dict': state, 'x': Evil()}, folder + '/evil.pth')
torch.save(net, folder + '/module.pth')
print(json.dumps({
    'checkpoint': digests(torch.load(folder + '/new.pth.tar')['state_dict']),
    'adam': {str(i): digests(s) for i, s in torch.load(folder + '/new.pth.tar')['optimizer']['state'].items()},
    'kinds': digests(kinds),
    'script': digests(torch.jit.load(folder + '/script.pt').state_dict()),
    'trace': digests(torch.jit.load(folder + '/trace.pt').state_dict()),
}))
`;

const READ = `${COMMON}
import zipfile
wrapped = torch.load(folder + '/ours.pth', weights_only=True)
floats = torch.load(folder + '/floats.pth')
bare = torch.load(folder + '/bare.pth', weights_only=True)
with zipfile.ZipFile(folder + '/wide.zip') as wide:
    contents = {name: wide.read(name).decode() for name in wide.namelist()}
print(json.dumps({
    'bad': zipfile.ZipFile(folder + '/ours.pth').testzip(),
    'wide': contents,
    'types': [type(wrapped).__name__, type(wrapped['state_dict']).__name__],
    'meta': {k: v for k, v in wrapped.items() if k != 'state_dict'},
    'floats': {k: v for k, v in floats.items() if k != 'state_dict'},
    'tensors': digests(wrapped['state_dict']),
    'grads': [t.requires_grad for t in wrapped['state_dict'].values()],
    'strides': list(wrapped['state_dict']['float32'].stride()),
    'bare': [type(bare).__name__, digests(bare)],
    'tied': bare['a'].data_ptr() == bare['b'].data_ptr(),
}))
`;

type Digest = [dtype: string, shape: readonly number[], sha256: string];

function digests(archive: TorchArchive, tensors: ReadonlyMap<string, TorchTensor>): Record<string, Digest> {
  return Object.fromEntries(
    [...tensors].map(([name, tensor]) => [name, scope(() => hashed(archive.read(tensor)))]),
  );
}

function hashed(tensor: Tensor): Digest {
  return [tensor.dtype, tensor.shape, createHash('sha256').update(tensor.toBytes()).digest('hex')];
}

describe.skipIf(!available)('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-pytorch-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const python = (program: string): unknown => {
    const script = join(folder, 'program.py');
    writeFileSync(script, program);
    const options = { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } } as const;
    return JSON.parse(execFileSync(PYTHON, ['-W', 'ignore', script, folder], options));
  };
  const at = (name: string): string => join(folder, name);

  describe('what it writes', () => {
    let expected: Record<'checkpoint' | 'kinds' | 'script' | 'trace', Record<string, Digest>> & {
      adam: Record<string, Record<string, Digest>>;
    };
    beforeAll(() => {
      expected = python(WRITE) as typeof expected;
    });

    test.each([
      ['new.pth.tar', 'zip'],
      ['old.pth.tar', 'legacy'],
      ['protocol3.pth', 'zip'],
      ['protocol4.pth', 'zip'],
      ['protocol5.pth', 'zip'],
    ])("%s, a checkpoint in the authors' form, reads equal to the bit", (name, kind) => {
      using archive = TorchArchive.open(at(name));
      expect(archive.kind).toBe(kind);
      expect(digests(archive, stateDictOf(archive))).toEqual(expected.checkpoint);
      const root = archive.root as ReadonlyMap<string, unknown>;
      const beside = [
        'epoch',
        'best_model',
        'model',
        'val_loss',
        'loss32',
        'half',
        'step',
        'flag',
        'big',
        'negative',
      ];
      expect(beside.map((key) => root.get(key))).toEqual([
        ...[57, true, 'RecLMIS', 0.8125, Math.fround(0.1), -1.5, -7, true, 2n ** 70n, -70000],
      ]);
      expect(root.get('raw')).toEqual(Uint8Array.of(97, 98, 255));
      expect(['some', 'size', 'dtype', 'device'].map((key) => root.get(key))).toEqual([
        ...[[3], [2, 3], 'torch.float16', 'cuda:1'],
      ]);
      expect(root.get('history')).toEqual(new Map([['a', new Map([['b', [1.5, null]]])]]));
      // The parameter is one of the state dictionary's tensors, of the same storage.
      const tensors = stateDictOf(archive);
      expect((root.get('parameter') as TorchTensor).storageKey).toBe(tensors.get('scale')!.storageKey);
      const adam = root.get('optimizer') as ReadonlyMap<
        string,
        ReadonlyMap<number, ReadonlyMap<string, TorchTensor>>
      >;
      const states = [...adam.get('state')!].map(([i, state]) => [String(i), digests(archive, state)]);
      expect(Object.fromEntries(states)).toEqual(expected.adam);
    });

    test('a state dictionary of every dtype and of views reads equal to the bit', () => {
      using archive = TorchArchive.open(at('pytorch_model.bin'));
      const tensors = stateDictOf(archive);
      expect(tensors.size).toBe(16);
      expect(
        new Set(['turned', 'part', 'steps', 'tied'].map((name) => tensors.get(name)!.storageKey)).size,
      ).toBe(1);
      expect(digests(archive, tensors)).toEqual(expected.kinds);
    });

    test.each([
      ['script.pt', 'script'],
      ['trace.pt', 'trace'],
    ] as const)('%s, TorchScript in fp16, reads equal to the bit', (name, key) => {
      using archive = TorchArchive.open(at(name));
      expect(archive.kind).toBe('torchscript');
      expect(digests(archive, stateDictOf(archive))).toEqual(expected[key]);
      expect(stateDictOf(archive).get('inc.weight')!.dtype).toBe('float16');
      if (key === 'trace') return; // tracing drops the attributes that are not tensors
      const root = archive.root as ReadonlyMap<string, unknown>;
      expect(['names', 'sizes', 'table', 'pair', 'nothing'].map((attribute) => root.get(attribute))).toEqual([
        ...[['a', 'b'], [1, 2], new Map([['k', 1.5]]), [1, 'x'], null],
      ]);
    });

    test('a pickle that calls os.system is refused and does not run', () => {
      expect(() => TorchArchive.open(at('evil.pth'))).toThrow(/asks for (posix|nt)\.system, which is not/);
      expect(() => readFileSync(at('evil'))).toThrow(/ENOENT/);
    });

    test('a whole module, saved as an object, is refused by the name of its class', () => {
      expect(() => TorchArchive.open(at('module.pth'))).toThrow(/asks for __main__\.Net, which is not/);
    });
  });

  test('what we write, it reads with weights_only=True, equal to the bit', () => {
    const meta = {
      epoch: 57,
      best_model: true,
      model: 'RecLMIS',
      nothing: null,
      big: 2 ** 40,
      negative: -70000,
    };
    const floats = { val_loss: 0.8125, tiny: 5e-324 };
    const dtypes: [DType, number][] = [
      ...([
        ['float64', 8],
        ['float32', 4],
        ['float16', 2],
        ['bfloat16', 2],
        ['int64', 8],
      ] as [DType, number][]),
      ...([
        ['int32', 4],
        ['int16', 2],
        ['int8', 1],
        ['uint8', 1],
        ['bool', 1],
      ] as [DType, number][]),
    ];
    const expected = scope(() => {
      const tensors = new Map<string, Tensor>();
      for (const [dtype, bytes] of dtypes) {
        const raw = Uint8Array.from({ length: 6 * bytes }, (_, i) =>
          dtype === 'bool' ? i % 2 : (i * 37) % 256,
        );
        tensors.set(dtype, Tensor.fromBytes(raw, dtype, [2, 3]));
      }
      const base = Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [2, 3]);
      tensors.set('turned.weight', base.t());
      tensors.set('scalar', Tensor.fromInt64([5], []));
      tensors.set('empty', Tensor.fromFloat32([], [0, 3]));
      tensors.set('module.ünïcode', base);
      writeTorchArchive(at('ours.pth'), tensors, { wrap: { key: 'state_dict', meta } });
      writeTorchArchive(at('floats.pth'), tensors, { wrap: { key: 'state_dict', meta: floats } });
      writeTorchArchive(
        at('bare.pth'),
        new Map([
          ['a', base],
          ['b', base],
        ]),
        { wrap: null, archiveName: 'bare' },
      );
      return Object.fromEntries([...tensors].map(([name, tensor]) => [name, hashed(tensor)]));
    });
    const parts: Uint8Array[] = [];
    const zip = new ZipWriter((bytes) => parts.push(bytes), 10);
    zip.add('a/short', Buffer.from('short'));
    zip.add('a/long', Buffer.from('longer than ten bytes'));
    zip.finish();
    writeFileSync(at('wide.zip'), Buffer.concat(parts));

    const tied = expected['module.ünïcode'];
    expect(python(READ)).toEqual({
      bad: null,
      wide: { 'a/short': 'short', 'a/long': 'longer than ten bytes' },
      types: ['dict', 'OrderedDict'],
      meta,
      floats,
      tensors: expected,
      grads: Array<boolean>(14).fill(false),
      strides: [3, 1],
      bare: ['OrderedDict', { a: tied, b: tied }],
      tied: true,
    });
  });
});

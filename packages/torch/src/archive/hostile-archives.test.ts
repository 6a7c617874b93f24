/** Hostile and damaged archives: each gets a coded error that names what was refused, and nothing of it runs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { ReclmisError, type ErrorCode } from '@reclmis/core';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { OP } from './pickle-opcodes.js';
import { P, craftZip, torchEntries, type CraftedEntry } from './testing/craft.js';
import { TorchArchive, TorchTensor, stateDictOf, type TorchValue } from './torch-archive.js';
import { writeTorchArchive } from './torch-archive-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'hostile.pt');

/** Opens an archive and reads each tensor that stands anywhere in it. */
function readAll(bytes: Buffer): void {
  writeFileSync(path, bytes);
  using archive = TorchArchive.open(path);
  const visit = (value: TorchValue): void => {
    if (value instanceof TorchTensor) scope(() => void archive.read(value));
    else if (Array.isArray(value)) (value as readonly TorchValue[]).forEach(visit);
    else if (value instanceof Map)
      [...(value as ReadonlyMap<TorchValue, TorchValue>).values()].forEach(visit);
  };
  visit(archive.root);
}

function failure(bytes: Buffer): ReclmisError {
  try {
    readAll(bytes);
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const pickled = (...value: Buffer[]): Buffer => craftZip(torchEntries(P.whole(...value)));
const plain = P.whole(P.dict(P.text('w'), P.tensor([4], [1])));
const changed = (change: (entries: CraftedEntry[]) => CraftedEntry[]): Buffer =>
  craftZip(change(torchEntries(plain)));
/** The entry with that index, changed. */
const entry = (index: number, change: Partial<CraftedEntry>): Buffer =>
  changed((entries) => entries.map((old, i) => (i === index ? { ...old, ...change } : old)));
const added = (extra: CraftedEntry): Buffer => changed((entries) => [...entries, extra]);
const repeat = (bytes: Buffer, count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(bytes));

test('the archive that the hostile ones are made from is a good one', () => {
  writeFileSync(path, craftZip(torchEntries(plain)));
  using archive = TorchArchive.open(path);
  expect(stateDictOf(archive)).toEqual(new Map([['w', new TorchTensor('float32', [4], [1], 0, '0')]]));
});

const REFUSED: ErrorCode = 'ARCHIVE_REFUSED';
const INVALID: ErrorCode = 'ARCHIVE_INVALID';

type Case = readonly [name: string, code: ErrorCode, words: RegExp, make: () => Buffer];

const CODE: Case[] = [
  [
    'a call of os.system',
    REFUSED,
    /asks for os\.system, /,
    () => pickled(P.call(P.global('os', 'system'), P.text('true'))),
  ],
  [
    'a call of posix.system',
    REFUSED,
    /posix\.system/,
    () => pickled(P.call(P.global('posix', 'system'), P.text('true'))),
  ],
  [
    'a call of nt.system by STACK_GLOBAL',
    REFUSED,
    /nt\.system/,
    () => pickled(P.text('nt'), P.text('system'), P.op(OP.STACK_GLOBAL)),
  ],
  [
    'a call of builtins.eval',
    REFUSED,
    /builtins\.eval/,
    () => pickled(P.call(P.global('builtins', 'eval'), P.text('1'))),
  ],
  [
    'a call of __builtin__.exec',
    REFUSED,
    /__builtin__\.exec/,
    () => pickled(P.call(P.global('__builtin__', 'exec'), P.text('1'))),
  ],
  [
    'getattr nested in getattr',
    REFUSED,
    /builtins\.getattr/,
    () =>
      pickled(
        P.call(
          P.call(P.global('builtins', 'getattr'), P.global('builtins', 'dict'), P.text('get')),
          P.text('x'),
        ),
      ),
  ],
  [
    'an import by numpy',
    REFUSED,
    /numpy\.testing\._private\.utils\.runstring/,
    () => pickled(P.global('numpy.testing._private.utils', 'runstring')),
  ],
  [
    'an object of argparse.Namespace',
    REFUSED,
    /argparse\.Namespace/,
    () => pickled(P.global('argparse', 'Namespace'), P.op(OP.EMPTY_TUPLE, OP.NEWOBJ)),
  ],
  [
    'a whole module of PyTorch',
    REFUSED,
    /torch\.nn\.modules\.linear\.Linear/,
    () => pickled(P.global('torch.nn.modules.linear', 'Linear'), P.op(OP.EMPTY_TUPLE, OP.NEWOBJ)),
  ],
  [
    'a name with control characters',
    REFUSED,
    /asks for a\\u0007\.b\\u009b/,
    () => pickled(P.global('a\u0007', 'b\u009b')),
  ],
  [
    'a class of TorchScript outside TorchScript',
    REFUSED,
    /__torch__\.Model/,
    () => pickled(P.global('__torch__', 'Model')),
  ],
  [
    'a name of JavaScript, __proto__',
    REFUSED,
    /__proto__\.constructor/,
    () => pickled(P.global('__proto__', 'constructor')),
  ],
  [
    'a call of a string',
    REFUSED,
    /calls a string/,
    () => pickled(P.call(P.text('os.system'), P.text('true'))),
  ],
  [
    'a call of a storage class',
    REFUSED,
    /calls torch\.FloatStorage/,
    () => pickled(P.call(P.global('torch', 'FloatStorage'), P.int(1 << 30))),
  ],
  [
    'a call with a list for arguments',
    REFUSED,
    /with a list for arguments/,
    () => pickled(P.global('torch', 'Size'), P.list(P.int(1)), P.op(OP.REDUCE)),
  ],
  [
    'an object of a dictionary',
    REFUSED,
    /makes an object of a dictionary/,
    () => pickled(P.op(OP.EMPTY_DICT, OP.EMPTY_TUPLE, OP.NEWOBJ)),
  ],
  [
    'BUILD on a list',
    REFUSED,
    /sets the state of a list/,
    () => pickled(P.op(OP.EMPTY_LIST, OP.EMPTY_DICT, OP.BUILD)),
  ],
  [
    'BUILD on a tensor',
    REFUSED,
    /sets the state of a TorchTensor/,
    () => pickled(P.tensor([4], [1]), P.op(OP.EMPTY_DICT, OP.BUILD)),
  ],
  [
    'a function left in the data',
    REFUSED,
    /leaves collections\.OrderedDict itself/,
    () => pickled(P.list(P.global('collections', 'OrderedDict'))),
  ],
  [
    'a default dictionary that calls a function',
    INVALID,
    /defaultdict has a factory/,
    () => pickled(P.call(P.global('collections', 'defaultdict'), P.global('torch', 'device'))),
  ],
  [
    'encode to another encoding',
    INVALID,
    /_codecs\.encode has something other/,
    () => pickled(P.call(P.global('_codecs', 'encode'), P.text('x'), P.text('rot13'))),
  ],
  ['the opcode INST', REFUSED, /opcode INST/, () => pickled(Buffer.from('(ios\nsystem\n'))],
  ['the opcode OBJ', REFUSED, /opcode OBJ/, () => pickled(P.op(OP.MARK), Buffer.from('o'))],
  ['the opcode EXT1', REFUSED, /opcode EXT1/, () => pickled(P.op(0x82, 1))],
  ['the opcode EXT2', REFUSED, /opcode EXT2/, () => pickled(P.op(0x83, 1, 0))],
  ['the opcode EXT4', REFUSED, /opcode EXT4/, () => pickled(P.op(0x84, 1, 0, 0, 0))],
  ['the opcode NEWOBJ_EX', REFUSED, /opcode NEWOBJ_EX/, () => pickled(P.op(0x92))],
  ['the opcode PERSID', REFUSED, /opcode PERSID/, () => pickled(Buffer.from('P0\n'))],
  [
    'a persistent id of another kind',
    REFUSED,
    /persistent id of "module"/,
    () =>
      pickled(
        P.tuple(P.text('module'), P.text('os'), P.text('x'), P.text('y'), P.int(0)),
        P.op(OP.BINPERSID),
      ),
  ],
  [
    'a persistent id that is a string',
    REFUSED,
    /not the tuple of a storage/,
    () => pickled(P.text('../../etc/passwd'), P.op(OP.BINPERSID)),
  ],
  [
    'a storage of a class that is a string',
    REFUSED,
    /storage of an unknown class/,
    () =>
      pickled(
        P.tuple(P.text('storage'), P.text('os'), P.text('0'), P.text('cpu'), P.int(4)),
        P.op(OP.BINPERSID),
      ),
  ],
];

const MACHINE: Case[] = [
  ['a recall of what was not put down', INVALID, /recalls value 7/, () => pickled(P.op(OP.BINGET, 7))],
  ['a value from an empty stack', INVALID, /empty stack/, () => pickled(P.op(OP.TUPLE2))],
  [
    'a value from below a mark',
    INVALID,
    /empty stack/,
    () => pickled(P.op(OP.EMPTY_LIST, OP.MARK, OP.APPEND)),
  ],
  ['a mark that is not there', INVALID, /looks for a mark/, () => pickled(P.op(OP.APPENDS))],
  ['an unknown opcode', INVALID, /no opcode at byte 2, but 0xff/, () => pickled(P.op(0xff))],
  ['a pickle of protocol 9', INVALID, /protocol 9/, () => pickled(P.op(OP.PROTO, 9, OP.NONE))],
  [
    'a pickle without STOP',
    INVALID,
    /without STOP/,
    () => craftZip(torchEntries(P.op(OP.PROTO, 2, OP.NONE))),
  ],
  [
    'bytes after the pickle',
    INVALID,
    /3 bytes after the end of its pickle/,
    () => craftZip(torchEntries(Buffer.concat([plain, Buffer.alloc(3)]))),
  ],
  ['values left on the stack', INVALID, /left on its stack/, () => pickled(P.op(OP.NONE, OP.NONE))],
  [
    'an item added to a tuple',
    INVALID,
    /not a list/,
    () => pickled(P.op(OP.EMPTY_TUPLE, OP.NONE, OP.APPEND)),
  ],
  [
    'a list for a key',
    INVALID,
    /could not hash/,
    () => pickled(P.op(OP.EMPTY_DICT, OP.EMPTY_LIST, OP.NONE, OP.SETITEM)),
  ],
  ['a key without a value', INVALID, /without a value/, () => pickled(P.dict(P.text('a')))],
  ['a string that is not UTF-8', INVALID, /not UTF-8/, () => pickled(P.op(OP.SHORT_BINUNICODE, 1, 0xff))],
  [
    'a string longer than the pickle',
    INVALID,
    /ends at byte/,
    () => pickled(P.op(OP.BINUNICODE, 99, 0, 0, 0)),
  ],
  [
    'a string of 4 GiB',
    INVALID,
    /4294967295 bytes, the limit/,
    () => pickled(P.op(OP.BINUNICODE, 255, 255, 255, 255)),
  ],
  [
    'a string of 2^64 bytes',
    INVALID,
    /bytes, the limit/,
    () => pickled(P.op(OP.BINUNICODE8, ...Array<number>(8).fill(255))),
  ],
  [
    'a LONG4 of 2 GiB',
    INVALID,
    /integer of 2147483647 bytes/,
    () => pickled(P.op(OP.LONG4, 255, 255, 255, 127)),
  ],
  [
    'a LONG4 of negative length',
    INVALID,
    /integer of -1 bytes/,
    () => pickled(P.op(OP.LONG4, 255, 255, 255, 255)),
  ],
  [
    'a list that holds itself',
    INVALID,
    /contains itself/,
    () => pickled(P.op(OP.EMPTY_LIST, OP.BINPUT, 0, OP.BINGET, 0, OP.APPEND)),
  ],
  [
    '2,000 nested lists',
    INVALID,
    /nests deeper than 256/,
    () => pickled(repeat(P.op(OP.EMPTY_LIST), 2000), repeat(P.op(OP.APPEND), 1999)),
  ],
  [
    '2,000 tuples around one another',
    INVALID,
    /nests deeper than 256/,
    () => pickled(P.op(OP.NONE), repeat(P.op(OP.TUPLE1), 2000)),
  ],
  [
    'a million nested lists',
    INVALID,
    /more than 1000000 lists/,
    () => pickled(repeat(P.op(OP.EMPTY_LIST), 1_000_001), repeat(P.op(OP.APPEND), 1_000_000)),
  ],
  [
    'a million values on the stack',
    INVALID,
    /values on its stack/,
    () => pickled(repeat(P.op(OP.NONE), 1_000_001)),
  ],
  ['a million open marks', INVALID, /open marks/, () => pickled(repeat(P.op(OP.MARK), 1_000_000))],
  [
    'two million empty dictionaries',
    INVALID,
    /more than 1000000 lists, tuples and dictionaries/,
    () => pickled(repeat(P.op(OP.EMPTY_DICT, OP.POP), 2_000_000), P.op(OP.NONE)),
  ],
  [
    'five million operations',
    INVALID,
    /more than 4000000 operations/,
    () => pickled(repeat(P.op(OP.NONE, OP.POP), 2_500_000), P.op(OP.NONE)),
  ],
  [
    'lists of lists that unfold to 2^40',
    INVALID,
    /unfolds to more than/,
    () =>
      pickled(
        P.op(OP.EMPTY_LIST, OP.BINPUT, 0),
        ...Array.from({ length: 40 }, () => P.op(OP.BINPUT, 0, OP.BINGET, 0, OP.TUPLE2)),
      ),
  ],
  [
    'a megabyte encoded a thousand times',
    INVALID,
    /bytes of values/,
    () =>
      pickled(
        Buffer.concat([P.text('x'.repeat(1 << 20)), P.op(OP.BINPUT, 0, OP.POP)]),
        P.list(
          ...Array.from({ length: 1000 }, () =>
            P.call(P.global('_codecs', 'encode'), P.op(OP.BINGET, 0), P.text('latin1')),
          ),
        ),
      ),
  ],
  [
    'a device of a megabyte as key a hundred times',
    INVALID,
    /bytes of values/,
    () =>
      pickled(
        Buffer.concat([P.text('x'.repeat(1 << 20)), P.op(OP.BINPUT, 0, OP.POP)]),
        P.dict(
          ...Array.from({ length: 100 }, (_, i) => [
            P.call(P.global('torch', 'device'), P.op(OP.BINGET, 0), P.int(i)),
            P.op(OP.NONE),
          ]).flat(),
        ),
      ),
  ],
  [
    'one long tuple made a size four hundred times',
    INVALID,
    /bytes of values/,
    () =>
      pickled(
        Buffer.concat([P.tuple(repeat(P.op(OP.BININT1, 1), 50_000)), P.op(OP.BINPUT, 0, OP.POP)]),
        repeat(Buffer.concat([P.call(P.global('torch', 'Size'), P.op(OP.BINGET, 0)), P.op(OP.POP)]), 400),
        P.op(OP.NONE),
      ),
  ],
  [
    'one large state set a hundred times',
    INVALID,
    /bytes of values/,
    () =>
      pickled(
        P.dict(...Array.from({ length: 50_000 }, (_, i) => [P.text(String(i)), P.op(OP.NONE)]).flat()),
        P.op(OP.BINPUT, 0, OP.POP),
        P.call(P.global('collections', 'OrderedDict')),
        repeat(P.op(OP.BINGET, 0, OP.BUILD), 100),
      ),
  ],
];

const TENSORS: Case[] = [
  ['a negative size', INVALID, /at least 0/, () => pickled(P.tensor([-4], [1]))],
  ['a negative stride', INVALID, /at least 0/, () => pickled(P.tensor([4], [-1]))],
  ['a negative offset', INVALID, /at least 0/, () => pickled(P.tensor([4], [1], -1))],
  [
    'a shape of 2^53 elements and more',
    INVALID,
    /too large/,
    () => pickled(P.tensor([2 ** 40, 2 ** 40], [1, 1])),
  ],
  [
    'an empty shape with huge sides',
    INVALID,
    /too large/,
    () => pickled(P.tensor([2 ** 50, 0, 2 ** 50], [1, 1, 1])),
  ],
  [
    'a size of 2^63 - 1',
    INVALID,
    /not tuples of integers/,
    () =>
      pickled(
        P.call(
          P.global('torch._utils', '_rebuild_tensor_v2'),
          P.storage(),
          P.int(0),
          P.tuple(P.op(OP.LONG1, 8, 255, 255, 255, 255, 255, 255, 255, 127)),
          P.tuple(P.int(1)),
          P.op(OP.NEWFALSE),
          P.op(OP.NONE),
        ),
      ),
  ],
  [
    'more elements than the storage has',
    INVALID,
    /5 elements in a storage of 4/,
    () => pickled(P.tensor([5], [1])),
  ],
  [
    'a view beyond its storage by its offset',
    INVALID,
    /up to 5 in a storage of 4/,
    () => pickled(P.tensor([2], [1], 3)),
  ],
  [
    'a view beyond its storage by its stride',
    INVALID,
    /up to 2000001 in a storage of 4/,
    () => pickled(P.tensor([2], [2_000_000])),
  ],
  [
    'one element blown up by stride 0',
    INVALID,
    /1000000000 elements in a storage of 4/,
    () => pickled(P.tensor([1_000_000_000], [0])),
  ],
  [
    'sizes and strides of different length',
    INVALID,
    /2 sizes with 1 strides/,
    () => pickled(P.tensor([2, 2], [1])),
  ],
  [
    '65 dimensions',
    INVALID,
    /65 sizes/,
    () => pickled(P.tensor(Array<number>(65).fill(1), Array<number>(65).fill(1))),
  ],
  [
    'a tensor of a storage that is a string',
    INVALID,
    /not a storage/,
    () => pickled(P.tensor([4], [1], 0, P.text('0'))),
  ],
  [
    'backward hooks',
    INVALID,
    /backward hooks/,
    () =>
      pickled(
        P.call(
          P.global('torch._utils', '_rebuild_tensor_v2'),
          P.storage(),
          P.int(0),
          P.tuple(P.int(4)),
          P.tuple(P.int(1)),
          P.op(OP.NEWFALSE),
          P.dict(P.int(0), P.text('hook')),
        ),
      ),
  ],
  [
    'a storage of 2^62 elements',
    INVALID,
    /no valid size/,
    () => pickled(P.tensor([4], [1], 0, P.storage('0', 2 ** 62))),
  ],
  [
    'a storage of -1 elements',
    INVALID,
    /no valid size/,
    () => pickled(P.tensor([0], [1], 0, P.storage('0', -1))),
  ],
  [
    'a storage of two types',
    INVALID,
    /two types or sizes/,
    () => pickled(P.list(P.tensor([4], [1]), P.tensor([2], [1], 0, P.storage('0', 2, 'DoubleStorage')))),
  ],
  [
    'a storage that is missing',
    INVALID,
    /lacks the storage "9"/,
    () => pickled(P.tensor([4], [1], 0, P.storage('9'))),
  ],
  [
    'a storage named ../../etc/passwd',
    INVALID,
    /lacks the storage/,
    () => pickled(P.tensor([4], [1], 0, P.storage('../../etc/passwd'))),
  ],
  [
    'a storage shorter than stated',
    INVALID,
    /has 12 bytes, expected 16 for 4 of float32/,
    () => craftZip(torchEntries(plain, Buffer.alloc(12))),
  ],
  [
    'a storage longer than stated',
    INVALID,
    /has 20 bytes, expected 16/,
    () => craftZip(torchEntries(plain, Buffer.alloc(20))),
  ],
  [
    'a wrong CRC of a storage',
    INVALID,
    /"data\/0" has the CRC-32 [0-9a-f]{8}, expected 00000001/,
    () => entry(1, { crc: 1 }),
  ],
  [
    'a boolean that is 2',
    INVALID,
    /booleans contains values other than/,
    () =>
      craftZip(
        torchEntries(P.whole(P.tensor([4], [1], 0, P.storage('0', 4, 'BoolStorage'))), Buffer.alloc(4, 2)),
      ),
  ],
];

const ZIP: Case[] = [
  ['an empty file', INVALID, /neither a zip archive nor a pickle/, () => Buffer.alloc(0)],
  [
    'a page of HTML',
    INVALID,
    /neither a zip archive nor a pickle/,
    () => Buffer.from('<!DOCTYPE html><html></html>'),
  ],
  ['an empty zip archive', INVALID, /has 0 entries \*\/data\.pkl/, () => craftZip([])],
  [
    'a zip archive of something else',
    INVALID,
    /has 0 entries \*\/data\.pkl/,
    () => craftZip([{ name: 'word/document.xml', data: Buffer.from('<x/>') }]),
  ],
  [
    'a zip bomb: a compressed pickle',
    INVALID,
    /"archive\/data\.pkl" is compressed/,
    () => entry(0, { method: 8, data: deflateRawSync(Buffer.alloc(1 << 20)), size: 2 ** 31 }),
  ],
  [
    'a zip bomb: a compressed storage',
    INVALID,
    /"archive\/data\/0" is compressed/,
    () => entry(1, { method: 8, data: deflateRawSync(Buffer.alloc(1 << 20)), size: 2 ** 31 }),
  ],
  [
    'a zip bomb: a compressed extra',
    INVALID,
    /"archive\/extra" is compressed/,
    () =>
      added({ name: 'archive/extra', method: 8, data: deflateRawSync(Buffer.alloc(1 << 20)), size: 2 ** 31 }),
  ],
  ['an encrypted entry', INVALID, /is encrypted/, () => entry(1, { flags: 1 })],
  ['two entries at one place', INVALID, /another name in its own header/, () => entry(1, { placeOf: 0 })],
  ['overlapping entries', INVALID, /overlap/, () => overlapping()],
  ['an entry longer than the file', INVALID, /beyond byte/, () => entry(1, { size: 1 << 30 })],
  [
    '65,535 entries stated, three there',
    INVALID,
    /ZIP64 end record/,
    () => craftZip(torchEntries(plain), { count: 0xffff }),
  ],
  [
    '9,000 entries stated, three there',
    INVALID,
    /9000 entries in a directory/,
    () => craftZip(torchEntries(plain), { count: 9000 }),
  ],
  [
    'one entry less than there are',
    INVALID,
    /directory that takes/,
    () => craftZip(torchEntries(plain), { count: 2 }),
  ],
  ['2^32 - 1 entries in ZIP64', INVALID, /4294967295 entries, the limit is 100000/, () => manyEntries()],
  [
    'the entry ../../etc/passwd',
    INVALID,
    /"archive\/..\/..\/etc\/passwd" has a name/,
    () => added({ name: 'archive/../../etc/passwd', data: Buffer.from('x') }),
  ],
  [
    'the entry /etc/passwd',
    INVALID,
    /"\/etc\/passwd" has a name/,
    () => added({ name: '/etc/passwd', data: Buffer.from('x') }),
  ],
  ['the entry C:/x', INVALID, /"C:\/x" has a name/, () => added({ name: 'C:/x', data: Buffer.from('x') })],
  [
    'an entry with a backslash',
    INVALID,
    /has a name/,
    () => added({ name: 'archive\\x', data: Buffer.from('x') }),
  ],
  [
    'an entry with a NUL',
    INVALID,
    /has a name/,
    () => added({ name: 'archive/x\0', data: Buffer.from('x') }),
  ],
  ['an entry without a name', INVALID, /has a name/, () => added({ name: '', data: Buffer.from('x') })],
  [
    'a name that is not UTF-8',
    INVALID,
    /not UTF-8/,
    () => added({ name: 'archive/\xff', data: Buffer.from('x') }),
  ],
  [
    'an entry twice',
    INVALID,
    /"archive\/data\/0" twice/,
    () => added({ name: 'archive/data/0', data: Buffer.alloc(16) }),
  ],
  [
    'an entry outside the folder',
    INVALID,
    /does not lie below "archive\/"/,
    () => added({ name: 'other/x', data: Buffer.from('x') }),
  ],
  ['two pickles', INVALID, /has 2 entries \*\/data\.pkl/, () => added({ name: 'b/data.pkl', data: plain })],
  [
    'another name in the local header',
    INVALID,
    /another name in its own header/,
    () => entry(0, { localName: 'archive/dat2.pkl' }),
  ],
  ['a wrong CRC of data.pkl', INVALID, /"archive\/data\.pkl" has the CRC-32/, () => entry(0, { crc: 1 })],
  ['no version', INVALID, /no version/, () => changed((entries) => entries.slice(0, 2))],
  [
    'a byte order of big',
    INVALID,
    /byte order "big"/,
    () => added({ name: 'archive/byteorder', data: Buffer.from('big') }),
  ],
  ['a version of a megabyte', INVALID, /limit is 64/, () => entry(2, { data: Buffer.alloc(1 << 20, '3') })],
];

/** The second entry begins inside the first: a copy of its local header stands in the first one's bytes. */
function overlapping(): Buffer {
  const entries = torchEntries(plain);
  const inner = craftZip([entries[1]!]).subarray(0, 30 + entries[1]!.name.length + entries[1]!.data.length);
  const bytes = craftZip([{ name: 'archive/x', data: inner }, ...entries]);
  const central = bytes.lastIndexOf(Buffer.from('archive/data/0')) - 46;
  bytes.writeUInt32LE(30 + 'archive/x'.length, central + 42);
  return bytes;
}

function manyEntries(): Buffer {
  writeTorchArchive(path, new Map());
  const bytes = readFileSync(path);
  const end64 = bytes.indexOf(Buffer.from('PK\x06\x06'));
  bytes.writeBigUInt64LE(0xffffffffn, end64 + 24);
  bytes.writeBigUInt64LE(0xffffffffn, end64 + 32);
  bytes.writeUInt16LE(0xffff, bytes.length - 14);
  bytes.writeUInt16LE(0xffff, bytes.length - 12);
  return bytes;
}

describe.each([
  ['code', CODE],
  ['the pickle machine', MACHINE],
  ['tensors', TENSORS],
  ['the zip archive', ZIP],
])('%s', (_, cases) => {
  test.each(cases)('%s: %s', (_name, code, words, make) => {
    const error = failure(make());
    expect(error.message).toMatch(words);
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    expect([...error.message].every((letter) => letter >= ' ')).toBe(true); // one line
    expect(error.code).toBe(code);
    expect(error.exitCode).toBe(4);
  });
});

test('keys that JavaScript objects mistake for their own are keys like any other', () => {
  writeFileSync(
    path,
    pickled(P.dict(P.text('__proto__'), P.tensor([4], [1]), P.text('constructor'), P.tensor([2], [1]))),
  );
  using archive = TorchArchive.open(path);
  expect([...stateDictOf(archive).keys()]).toEqual(['__proto__', 'constructor']);
  expect(({} as { shape?: unknown }).shape).toBeUndefined();
});

test('a missing file, a folder and a closed archive are coded errors', () => {
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as ReclmisError).code;
    }
    return 'nothing was thrown';
  };
  expect(code(() => TorchArchive.open(join(folder, 'missing.pt')))).toBe('ARCHIVE_INVALID');
  expect(code(() => TorchArchive.open(folder))).toBe('ARCHIVE_INVALID');
  writeFileSync(path, craftZip(torchEntries(plain)));
  const archive = TorchArchive.open(path);
  const tensor = stateDictOf(archive).get('w')!;
  archive.close();
  archive.close();
  expect(code(() => archive.read(tensor))).toBe('INTERNAL');
});

/** A small archive as our writer makes it: ZIP64 end record, three tensors, members beside them. */
function valid(): Buffer {
  scope(() => {
    const tensors = new Map([
      ['a.weight', Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [2, 3])],
      ['a.bias', Tensor.fromInt64([7, 8])],
      ['flag', Tensor.fromUint8([1, 0, 1], [3], { dtype: 'bool' })],
    ]);
    writeTorchArchive(path, tensors, { wrap: { key: 'state_dict', meta: { epoch: 3, name: 'x' } } });
  });
  return readFileSync(path);
}

/** Whether reading ends well or in a coded error of this group; anything else fails the test. */
function outcome(bytes: Buffer): 'read' | 'refused' {
  try {
    readAll(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof ReclmisError && error.code.startsWith('ARCHIVE_')) return 'refused';
    throw error;
  }
}

test('an archive cut short at every fiftieth of its length is refused', () => {
  const bytes = valid();
  for (let i = 0; i < 50; i++) {
    const cut = Math.floor((bytes.length * i) / 50);
    expect([cut, outcome(bytes.subarray(0, cut))]).toEqual([cut, 'refused']);
  }
  expect(outcome(bytes)).toBe('read');
});

test('2,000 archives with one byte changed are read or refused, in little memory', () => {
  const bytes = valid();
  const random = seeded(20);
  const before = process.memoryUsage().rss;
  let refusals = 0;
  for (let i = 0; i < 2000; i++) {
    const copy = Buffer.from(bytes);
    const at = random() % copy.length;
    copy[at] = copy[at]! ^ (1 + (random() % 255));
    if (outcome(copy) === 'refused') refusals++;
  }
  // Most bytes are headers, directory, pickle or tensors, all of which are checked; the rest is padding, dates and versions.
  expect(refusals).toBeGreaterThan(1000);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
});

test('2,000 pickles with one byte changed, the CRC put right, are read or refused', () => {
  const pickle = P.whole(
    P.dict(
      ...[P.text('epoch'), P.int(3), P.text('w'), P.tensor([2, 2], [2, 1]), P.text('more')],
      P.list(
        P.tuple(P.int(1), P.text('x')),
        P.call(P.global('collections', 'defaultdict'), P.global('builtins', 'dict')),
      ),
    ),
  );
  const random = seeded(21);
  const outcomes = { read: 0, refused: 0 };
  for (let i = 0; i < 2000; i++) {
    const copy = Buffer.from(pickle);
    const at = random() % copy.length;
    copy[at] = copy[at]! ^ (1 + (random() % 255));
    outcomes[outcome(craftZip(torchEntries(copy)))]++;
  }
  expect(outcomes.refused).toBeGreaterThan(500);
  expect(outcomes.read).toBeGreaterThan(20); // a changed letter of a key is no damage that a reader could see
});

test('random bytes, and random bytes that begin like an archive, are refused', () => {
  const random = seeded(22);
  const heads = [Buffer.alloc(0), Buffer.from('PK\x03\x04'), Buffer.from([0x80, 2, 0x8a, 10])];
  for (let i = 0; i < 300; i++) {
    const noise = Buffer.from(Array.from({ length: random() % 2000 }, () => random() & 255));
    expect(outcome(Buffer.concat([heads[i % 3]!, noise]))).toBe('refused');
  }
});

/** xorshift32, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

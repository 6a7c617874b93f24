/** Damaged and hostile files: each gets a coded error in bounded time, and the decoders go on with the next. */
import { execFileSync } from 'node:child_process';
import { deflateRawSync } from 'node:zlib';
import { Random, ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { joined } from '../joined.js';
import { ownQueue } from '../codecs/node.js';
import { readDicom } from '../index.js';
import {
  dataSetBytes,
  dicomFile,
  imageAttributes,
  imageFile,
  type Attribute,
} from '../testing/dicom-file.js';
import { encodeFrame, phantomFrame, type Encoding } from '../testing/encode.js';

const SMALL = { width: 2, height: 1, pixels: [1, 2] };

async function failure(file: Uint8Array): Promise<ReclmisError> {
  const error: unknown = await readDicom(file)
    .then((image) => image.frame(0))
    .then(
      () => new Error('it was read'),
      (reason: unknown) => reason,
    );
  if (!(error instanceof ReclmisError)) throw error;
  expect(error.cause).toBeUndefined();
  for (const text of [error.message, error.remedy]) {
    expect(text).not.toMatch(/PLANTED/u);
    expect(text).not.toContain('\n');
  }
  return error;
}

/** `depth` sequences within each other, of unknown length. */
function nested(depth: number): Uint8Array {
  const head = [
    0x08, 0x00, 0x40, 0x11, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0x00, 0xe0, 255, 255, 255, 255,
  ];
  const bytes = new Uint8Array(head.length * depth);
  for (let i = 0; i < depth; i += 1) bytes.set(head, i * head.length);
  return joined([dicomFile([]), bytes]);
}

describe('data sets', () => {
  it.each([1000, 100_000])('of %s nested sequences', async (depth) => {
    expect((await failure(nested(depth))).message).toContain('nested more than 64 deep');
  });

  it.each([1, 2, 17, 133, 140, 200, 300])('cut off after %s bytes', async (length) => {
    expect((await failure(imageFile(SMALL).subarray(0, length))).code).toMatch(/^IMAGE_UN/u);
  });

  it('cut off anywhere', async () => {
    const file = imageFile(SMALL);
    for (let length = 0; length < file.length; length += 1)
      expect((await failure(file.subarray(0, length))).code).toMatch(/^IMAGE_UN/u);
  });

  it('of five million attributes', async () => {
    const bytes = new Uint8Array(5_000_000 * 8);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 5_000_000; i += 1) {
      view.setUint16(i * 8, 0x0009, true);
      view.setUint16(i * 8 + 2, i & 0xffff, true);
      bytes.set([0x4c, 0x4f], i * 8 + 4);
    }
    expect((await failure(joined([dicomFile([]), bytes]))).code).toBe('IMAGE_TOO_LARGE');
  });

  const withLength = (vr: string, length: number): Uint8Array => {
    const element = new Uint8Array(12);
    const view = new DataView(element.buffer);
    view.setUint16(0, 0x0009, true);
    view.setUint16(2, 0x1001, true);
    element.set([vr.charCodeAt(0), vr.charCodeAt(1)], 4);
    view.setUint32(8, length, true);
    return joined([dicomFile([]), element, dataSetBytes(imageAttributes(SMALL))]);
  };
  it.each([
    ['OB', 0xfffffffe],
    ['OB', 0xffffffff],
    ['UN', 0xffffffff],
    ['SQ', 0xffffffff],
    ['UT', 0xffffffff],
    ['UT', 0x7fffffff],
    ['ZZ', 4],
  ])('with a length of %s %s', async (vr, length) => {
    expect((await failure(withLength(vr, length))).code).toBe('IMAGE_UNREADABLE');
  });

  it.each<[string, Attribute]>([
    ['no rows', [0x00280010, 'US', [0]]],
    ['rows of no value', [0x00280010, 'US', []]],
    ['a billion frames', [0x00280008, 'IS', '1000000000']],
    ['frames below zero', [0x00280008, 'IS', '-1']],
    ['frames that are no number', [0x00280008, 'IS', 'PLANTED']],
    ['more frames than pixels', [0x00280008, 'IS', '3']],
    ['more rows than pixels', [0x00280010, 'US', [2]]],
    ['7 bits allocated', [0x00280100, 'US', [7]]],
    ['32 bits allocated', [0x00280100, 'US', [32]]],
    ['more bits stored than allocated', [0x00280101, 'US', [17]]],
    ['a high bit below the bits stored', [0x00280102, 'US', [3]]],
    ['4 samples', [0x00280002, 'US', [4]]],
    ['a photometric interpretation of its own', [0x00280004, 'CS', 'PLANTED']],
    ['a palette that it lacks', [0x00280004, 'CS', 'PALETTE COLOR']],
    ['a rescale that is no number', [0x00281053, 'DS', 'PLANTED']],
    ['a rescale of zero', [0x00281053, 'DS', '0']],
    ['a lookup table without values', [0x00283000, 'SQ', { items: [[[0x00283002, 'US', [256, 0, 16]]]] }]],
    ['a lookup table without a descriptor', [0x00283010, 'SQ', { items: [[]] }]],
    ['floating point pixels', [0x7fe00008, 'OF', Uint8Array.of(0, 0, 0, 0)]],
  ])('with %s', async (_, attribute) => {
    expect((await failure(imageFile({ ...SMALL, more: [attribute] }))).code).toMatch(/^IMAGE_/u);
  });

  it('of 4 thousand million pixels', async () => {
    const more: Attribute[] = [
      [0x00280010, 'US', [65535]],
      [0x00280011, 'US', [65535]],
    ];
    expect((await failure(imageFile({ ...SMALL, more }))).code).toBe('IMAGE_TOO_LARGE');
  });

  it('with a transfer syntax that is not known', async () => {
    const error = await failure(imageFile(SMALL, { syntax: '1.2.840.10008.1.2.4.100' }));
    expect([error.code, error.message]).toEqual([
      'IMAGE_UNSUPPORTED',
      'the DICOM file: transfer syntax 1.2.840.10008.1.2.4.100 is not supported',
    ]);
    expect((await failure(imageFile(SMALL, { syntax: 'PLANTED' }))).code).toBe('IMAGE_UNSUPPORTED');
  });

  it('that deflate to 300 MB', async () => {
    const bomb = deflateRawSync(new Uint8Array(300_000_000), { level: 9 });
    expect(bomb.length).toBeLessThan(400_000);
    const file = joined([dicomFile([], { syntax: '1.2.840.10008.1.2.1.99' }), bomb]);
    expect((await failure(file)).code).toBe('IMAGE_TOO_LARGE');
  });
});

describe('objects that are no images', () => {
  it.each([
    ['1.2.840.10008.5.1.4.1.1.88.33', 'a structured report'],
    ['1.2.840.10008.5.1.4.1.1.104.1', 'an encapsulated PDF'],
    ['1.2.840.10008.5.1.4.1.1.11.1', 'a presentation state'],
    ['1.2.840.10008.5.1.4.1.1.66.4', 'a segmentation'],
    ['1.2.840.10008.5.1.4.1.1.481.3', 'a radiotherapy structure set'],
    ['1.2.840.10008.1.3.10', 'a directory (DICOMDIR)'],
  ])('%s is refused as %s', async (sopClass, kind) => {
    const error = await failure(imageFile({ ...SMALL, more: [[0x00080016, 'UI', sopClass]] }));
    expect(error.code).toBe('IMAGE_UNSUPPORTED');
    expect(error.message).toContain(`it is ${kind}, not an image`);
  });

  it('an object without pixels', async () => {
    const error = await failure(dicomFile([[0x00080016, 'UI', '1.2.3']]));
    expect(error.message).toContain('it is an object without pixels, not an image');
  });
});

const CODECS: readonly (readonly [Encoding, string])[] = [
  ['jpeg', '1.2.840.10008.1.2.4.70'],
  ['jpegLs', '1.2.840.10008.1.2.4.80'],
  ['jpeg2000', '1.2.840.10008.1.2.4.90'],
  ['htJpeg2000', '1.2.840.10008.1.2.4.201'],
];

const FRAME = phantomFrame(64, 64, { stored: 12 });

function compressed(bytes: Uint8Array, syntax: string, width = 64): Uint8Array {
  const pixels = { fragments: [new Uint8Array(0), bytes] };
  return imageFile({ width, height: 64, stored: 12, pixels }, { syntax });
}

describe.each(CODECS)('compressed by %s', (encoding, syntax) => {
  const encoded = encodeFrame(FRAME, encoding, { lossy: false, predictor: 1, pointTransform: 0 });

  it('is refused cut off, as rubbish, or of another size, and read afterwards', async () => {
    const bytes = await encoded;
    for (const part of [0.3, 0.5, 0.9, 0.99])
      expect((await failure(compressed(bytes.subarray(0, bytes.length * part), syntax))).code).toBe(
        'IMAGE_UNREADABLE',
      );
    const random = Random.from('rubbish', encoding);
    const rubbish = Uint8Array.from(bytes, () => random.int(256));
    expect((await failure(compressed(rubbish, syntax))).code).toBe('IMAGE_UNREADABLE');
    expect((await failure(compressed(new Uint8Array(0), syntax))).code).toBe('IMAGE_UNREADABLE');
    expect((await failure(compressed(bytes, syntax, 63))).message).toMatch(
      /64 x 64, the file states 63 x 64/u,
    );
    const { data } = await (await readDicom(compressed(bytes, syntax))).frame(0);
    expect(data.length).toBe(64 * 64 * 3);
  });

  it('with rubbish behind its header is an error or a picture, never a crash', async () => {
    const bytes = await encoded;
    const random = Random.from('damage', encoding);
    for (let i = 0; i < 20; i += 1) {
      const damaged = bytes.slice();
      for (let k = 0; k < 40; k += 1) damaged[100 + random.int(bytes.length - 110)] = random.int(256);
      const image = await readDicom(compressed(damaged, syntax));
      const result: unknown = await image.frame(0).then(
        ({ data }) => data.length,
        (error: unknown) => (error instanceof ReclmisError ? error.code : error),
      );
      expect(['IMAGE_UNREADABLE', 64 * 64 * 3]).toContain(result);
    }
  });
});

describe('the decoders’ thread', () => {
  const format = {
    width: 64,
    height: 64,
    frames: 1,
    samples: 1,
    photometric: 'MONOCHROME2',
    allocated: 16,
    stored: 12,
    high: 11,
    signed: false,
    planar: false,
  } as const;

  it('is ended when it takes too long, and started again', async () => {
    const bytes = await encodeFrame(FRAME, 'jpegLs', { lossy: false });
    const queue = ownQueue(0); // no time at all
    const request = { compression: 'jpeg', bytes, format } as const;
    const both = await Promise.allSettled([queue.decode(request), queue.decode(request)]);
    for (const one of both)
      expect(one.status === 'rejected' && String(one.reason)).toContain('takes too long');
    const patient = ownQueue(10); // for busy machines
    const results = await Promise.all([1, 2, 3].map(() => patient.decode(request)));
    for (const { data } of results) expect([...data]).toEqual([...FRAME.data]);
    patient.stop();
    expect([...(await patient.decode(request)).data]).toEqual([...FRAME.data]);
    patient.stop();
  });

  it('does not keep the process alive', async () => {
    const bytes = await encodeFrame(FRAME, 'jpegLs', { lossy: false });
    const script = `
      const { decodeInThread } = await import(process.argv[1]);
      const bytes = Uint8Array.from(Buffer.from(process.argv[2], 'base64'));
      const { data } = await decodeInThread({ compression: 'jpeg', bytes, format: ${JSON.stringify(format)} });
      console.log(data.length);`;
    const module = new URL('../codecs/node.js', import.meta.url).href;
    const out = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', script, module, Buffer.from(bytes).toString('base64')],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect(out).toBe('4096\n');
  });
});

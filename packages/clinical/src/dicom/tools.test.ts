/** Files compressed by DCMTK and GDCM, compared with the originals, and with what these tools decode themselves. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageFile } from '../testing/dicom-file.js';
import { encodeFrame, phantomFrame } from '../testing/encode.js';
import { storedPixels } from '../testing/stored-pixels.js';

const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;
const DCMTK = ['dcmcjpeg', 'dcmdjpeg', 'dcmcjpls', 'dcmdjpls', 'dcmcrle', 'dcmconv'].every(has);
const GDCM = has('gdcmconv');
const OPENJPEG = spawnSync('opj_decompress', ['-h']).error === undefined;
/** Resolution, position, component, layer (ITU-T T.800, table A.16). */
const RPCL = 2;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reclmis-dicom-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly stored: number;
  readonly signed?: boolean;
  readonly samples?: number;
  readonly frames?: number;
}

/** Frames of odd size, so that fragments are padded. */
const CASES: readonly Case[] = [
  { name: '8 bits', stored: 8 },
  { name: '12 bits', stored: 12 },
  { name: '16 bits', stored: 16 },
  { name: '16 bits signed', stored: 16, signed: true },
  { name: 'RGB', stored: 8, samples: 3 },
  { name: '8 bits, 3 frames', stored: 8, frames: 3 },
  { name: '12 bits, 3 frames', stored: 12, frames: 3 },
];

const WIDTH = 37;
const HEIGHT = 29;

function fileOf({ stored, signed = false, samples = 1, frames = 1 }: Case): Uint8Array {
  const parts = Array.from({ length: frames }, (_, seed) => [
    ...phantomFrame(WIDTH, HEIGHT, { stored, signed, samples, seed }).data,
  ]);
  return imageFile({
    width: WIDTH,
    height: HEIGHT,
    stored,
    allocated: stored > 8 ? 16 : 8,
    signed,
    samples,
    ...(frames > 1 ? { frames } : {}),
    pixels: stored > 8 ? parts.flat() : Uint8Array.from(parts.flat()),
  });
}

/** Runs a tool from file to file. */
function through(tool: string, args: readonly string[], file: Uint8Array): Uint8Array {
  const [from, to] = [join(folder, 'in.dcm'), join(folder, 'out.dcm')];
  writeFileSync(from, file);
  rmSync(to, { force: true });
  execFileSync(tool, [...args, from, to], { stdio: 'pipe' });
  return readFileSync(to);
}

async function expectSame(file: Uint8Array, original: Uint8Array): Promise<void> {
  const [{ frames }, expected] = [await storedPixels(file), await storedPixels(original)];
  expect(frames).toEqual(expected.frames);
}

describe.skipIf(!DCMTK)('lossless, by DCMTK (needs dcmtk)', () => {
  for (const one of CASES) {
    const lossless: readonly (readonly [string, string, readonly string[]])[] = [
      ['RLE', 'dcmcrle', []],
      ['JPEG lossless, first order', 'dcmcjpeg', ['+e1']],
      ['JPEG lossless, predictor 7', 'dcmcjpeg', ['+el', '+sv', '7']],
      ['JPEG lossless in small fragments', 'dcmcjpeg', ['+e1', '+fs', '1']],
      ['JPEG lossless without an offset table', 'dcmcjpeg', ['+e1', '-ot']],
      ...(one.signed === true ? [] : [['JPEG-LS', 'dcmcjpls', []] as const]),
      ['implicit', 'dcmconv', ['+ti']],
      ['big endian', 'dcmconv', ['+tb']],
      ['deflated', 'dcmconv', ['+td']],
    ];
    it.each(lossless)(`${one.name}: %s`, async (_, tool, args) => {
      const original = fileOf(one);
      await expectSame(through(tool, args, original), original);
    });
  }

  it.each(['+in', '+il', '+is'])('RGB by JPEG-LS, interleaved as %s', async (option) => {
    const original = fileOf({ name: 'RGB', stored: 8, samples: 3 });
    await expectSame(through('dcmcjpls', [option], original), original);
  });
});

describe.skipIf(!GDCM)('lossless, by GDCM (needs gdcmconv)', () => {
  for (const one of CASES)
    it.each(['--jpeg', '--jpegls', '--j2k', '--rle'])(`${one.name}: %s`, async (option) => {
      if (option === '--rle' && one.stored === 8) return; // gdcmconv aborts on odd sizes
      const original = fileOf(one);
      await expectSame(through('gdcmconv', [option], original), original);
    });
});

describe.skipIf(!DCMTK)('lossy, as DCMTK decodes it (needs dcmtk)', () => {
  const farthest = (one: readonly number[], other: readonly number[]): number =>
    one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);

  it.each([
    ['JPEG baseline', 'dcmcjpeg', ['+eb'], 'dcmdjpeg', { name: '', stored: 8 }, 0],
    ['JPEG baseline, 3 frames', 'dcmcjpeg', ['+eb'], 'dcmdjpeg', { name: '', stored: 8, frames: 3 }, 0],
    // The inverse transform is in floating point: rounded differently.
    ['JPEG extended, 12 bits', 'dcmcjpeg', ['+ee', '+q', '90'], 'dcmdjpeg', { name: '', stored: 12 }, 1],
    ['JPEG extended, 3 frames', 'dcmcjpeg', ['+ee'], 'dcmdjpeg', { name: '', stored: 12, frames: 3 }, 1],
    ['JPEG-LS, error of 2', 'dcmcjpls', ['+en', '+md', '2'], 'dcmdjpls', { name: '', stored: 12 }, 0],
  ] as const)('%s', async (_, encoder, args, decoder, form, most) => {
    const compressed = through(encoder, args, fileOf(form));
    const back = through(decoder, [], compressed);
    const [ours, theirs] = [await storedPixels(compressed), await storedPixels(back)];
    expect(ours.frames.length).toBe(theirs.frames.length);
    for (const [i, frame] of ours.frames.entries())
      expect(farthest(frame, theirs.frames[i]!)).toBeLessThanOrEqual(most);
  });

  it.each([
    ['with YBR 4:2:2', ['+eb', '+cy', '+s2']],
    ['with YBR 4:4:4', ['+eb', '+cy', '+s4']],
    ['with RGB', ['+eb', '+cr']],
  ] as const)('JPEG baseline of colours %s', async (_, args) => {
    const compressed = through('dcmcjpeg', args, fileOf({ name: '', stored: 8, samples: 3 }));
    const back = through('dcmdjpeg', [], compressed);
    const [ours, theirs] = [await storedPixels(compressed), await storedPixels(back)];
    expect(theirs.format.photometric).toBe('RGB');
    expect(farthest(ours.frames[0]!, theirs.frames[0]!)).toBeLessThanOrEqual(1);
  });
});

describe.skipIf(!OPENJPEG)('HTJ2K, as OpenJPEG decodes it (needs opj_decompress)', () => {
  it('lossless, 16 bits', async () => {
    const frame = phantomFrame(64, 48, { stored: 16 });
    const bytes = await encodeFrame(frame, 'htJpeg2000', { lossy: false });
    const [from, to] = [join(folder, 'in.j2k'), join(folder, 'out.rawl')];
    writeFileSync(from, bytes);
    execFileSync('opj_decompress', ['-i', from, '-o', to], { stdio: 'pipe' });
    const raw = readFileSync(to); // little endian
    expect(Array.from(frame.data, (_, i) => raw.readUInt16LE(i * 2))).toEqual([...frame.data]);
    const file = imageFile(
      { width: 64, height: 48, pixels: { fragments: [new Uint8Array(0), bytes] } },
      { syntax: '1.2.840.10008.1.2.4.201' },
    );
    expect((await storedPixels(file)).frames[0]).toEqual([...frame.data]);
  });
});

describe.skipIf(!OPENJPEG)('JPEG 2000 in tiles, by OpenJPEG (needs opj_compress)', () => {
  const size = { width: 61, height: 47 };
  const tiled: readonly (readonly [string, Parameters<typeof phantomFrame>[2], readonly string[]])[] = [
    ['16 bits', { stored: 16 }, []],
    ['12 bits signed', { stored: 12, signed: true }, []],
    ['RGB', { stored: 8, samples: 3 }, []],
    ['tile parts by resolution', { stored: 16 }, ['-TP', 'R', '-p', 'RPCL', '-TLM']],
  ];
  it.each(tiled)('%s', async (_, form, more) => {
    const frame = phantomFrame(size.width, size.height, form);
    const { samples, stored, signed, allocated } = frame;
    const [from, to] = [join(folder, 'in.rawl'), join(folder, 'out.j2k')];
    // Raw files hold one component after the other.
    const planes = Array.from({ length: samples }, (__, c) =>
      frame.data.filter((___, i) => i % samples === c),
    );
    writeFileSync(from, Buffer.concat(planes.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength)))); // prettier-ignore
    const raw = `${size.width},${size.height},${samples},${allocated === 8 ? 8 : stored},${signed ? 's' : 'u'}`;
    execFileSync('opj_compress', ['-i', from, '-o', to, '-F', raw, '-t', '16,24', '-n', '3', ...more], {
      stdio: 'pipe',
    });
    const bytes = readFileSync(to);
    expect([28, 32].map((at) => bytes.readUInt32BE(at - 4))).toEqual([16, 24]); // SIZ's tiles
    const pixels = { fragments: [new Uint8Array(0), bytes] };
    const file = imageFile({ ...size, samples, stored, allocated, signed, pixels }, { syntax: '1.2.840.10008.1.2.4.90' }); // prettier-ignore
    const original = imageFile({ ...size, samples, stored, allocated, signed, pixels: allocated === 8 ? Uint8Array.from(frame.data) : [...frame.data] }); // prettier-ignore
    await expectSame(file, original);
  });
});

describe('HTJ2K with resolutions first (.202)', () => {
  it.each([
    ['16 bits', { stored: 16 }],
    ['12 bits signed', { stored: 12, signed: true }],
    ['RGB', { stored: 8, samples: 3 }],
  ] as const)('%s', async (_, form) => {
    const frame = phantomFrame(61, 47, form);
    const { width, height, samples, stored, allocated, signed } = frame;
    const bytes = await encodeFrame(frame, 'htJpeg2000', { lossy: false, progressionOrder: RPCL });
    const cod = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0x52]));
    expect(bytes[cod + 5]).toBe(RPCL);
    const pixels = { fragments: [new Uint8Array(0), bytes] };
    const image = { width, height, samples, stored, allocated, signed };
    const file = imageFile({ ...image, pixels }, { syntax: '1.2.840.10008.1.2.4.202' });
    await expectSame(file, imageFile({ ...image, pixels: allocated === 8 ? Uint8Array.from(frame.data) : [...frame.data] })); // prettier-ignore
  });
});

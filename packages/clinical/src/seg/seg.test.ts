/** SEGs that are written here and read back, and those of other software, made by changing ours. */
import { COLOURS, type Raster, ReclmisError, type Rgb } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import type { DataSet } from '../dicom/data-set.js';
import { openFile } from '../dicom/open-file.js';
import { dicomLab, rgbOfLab } from '../encode/colour.js';
import { decimal } from '../encode/decimal.js';
import { ATTRIBUTES, type Keyword } from '../encode/dictionary.js';
import { type Attributes, dicomFile } from '../encode/encode.js';
import { randomUids, seededUids } from '../encode/uid.js';
import { testMask, testProjection, testSlices } from '../testing/sources.js';
import { packFrame, packedLength, unpackFrame } from './bits.js';
import { segLabelMaps } from './label-maps.js';
import { readSeg } from './read-seg.js';
import { SEG_STORAGE, SEGMENT_CODES, type SegOptions, type SegSource } from './types.js';
import { writeSeg } from './write-seg.js';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  return 'none';
};
const rising = [0, 1, 2].map((i) => [-5, -6, 2 * i] as const);
const time = new Date(2026, 10, 30, 4, 5, 6);
const tag = (keyword: Keyword): number => ATTRIBUTES[keyword][0];
const contentOf = (bytes: Uint8Array): DataSet => openFile(bytes, 1e6).dataSet;

const optionsFor = (sources: readonly SegSource[], frames: readonly (Raster | null)[]): SegOptions => ({
  sources,
  algorithm: 'model',
  time,
  seed: 1,
  segments: [{ label: 'Lesion', colour: COLOURS.orange, frames }],
});

describe('bits', () => {
  it('run on through frames, lowest first', () => {
    const packed = new Uint8Array(packedLength(2, 5));
    packFrame(packed, 0, Uint8Array.of(1, 0, 0, 1, 1));
    packFrame(packed, 1, Uint8Array.of(0, 1, 1, 0, 1));
    // Bits from the lowest: 10011 01101 -> 1,0,0,1,1,0,1,1 and 0,1.
    expect([...packed]).toEqual([0b11011001, 0b10]);
    expect([...unpackFrame(packed, 1, 5)]).toEqual([0, 1, 1, 0, 1]);
  });

  it.each([16, 19, 32])('come back from frames of %i pixels, whole bytes and others', (pixels) => {
    const frames = Array.from({ length: 5 }, (_, f) =>
      Uint8Array.from({ length: pixels }, (_value, p) => (f > 0 && (p * p + f) % 3 === 0 ? 1 : 0)),
    );
    const packed = new Uint8Array(packedLength(5, pixels));
    for (const [f, values] of frames.entries()) packFrame(packed, f, values);
    const bits = frames.flatMap((values) => [...values]);
    const expected = Array.from(packed, (_, byte) =>
      bits.slice(8 * byte, 8 * byte + 8).reduce((sum, bit, k) => sum + bit * 2 ** k, 0),
    );
    expect([...packed]).toEqual(expected);
    for (const [f, values] of frames.entries()) expect(unpackFrame(packed, f, pixels)).toEqual(values);
  });
});

describe('numbers and colours', () => {
  it('write decimals of at most 16 characters, as near as they can be', () => {
    for (const value of [
      0,
      -0,
      1,
      -2.5,
      3.3e-8,
      1 / 3,
      -1 / 3,
      1e22,
      -1.23456789012345e-7,
      123456789.12345679,
      6.123233995736766e-17,
      0.1 + 0.2,
    ]) {
      // prettier-ignore
      const text = decimal(value);
      expect(text.length).toBeLessThanOrEqual(16);
      expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/u);
      // Nine digits survive even with a sign, a point and an exponent.
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-9);
    }
    expect(decimal(6.123233995736766e-17)).toBe('6.1232339957e-17');
    expect(() => decimal(Number.NaN)).toThrow();
  });

  it('turn colours to CIELab and back', () => {
    expect(dicomLab([255, 255, 255])).toEqual([65535, 32896, 32896]); // L* 100, a* and b* 0: 128 / 255 of 65535
    expect(dicomLab([0, 0, 0])).toEqual([0, 32896, 32896]);
    for (const colour of [...Object.values(COLOURS), [1, 128, 254]] as Rgb[])
      expect(Math.max(...rgbOfLab(dicomLab(colour)).map((c, i) => Math.abs(c - colour[i]!)))).toBeLessThanOrEqual(1); // prettier-ignore
  });

  it('make UIDs of at most 44 characters: others each time, or the same for the same keys', () => {
    expect(randomUids('a')).toMatch(/^2\.25\.[1-9]\d{0,38}$/u);
    expect(randomUids('a')).not.toBe(randomUids('a'));
    expect(seededUids('x', 1)('a')).toBe(seededUids('x', 1)('a'));
    expect(new Set([seededUids('x', 1)('a'), seededUids('x', 1)('b'), seededUids('x', 2)('a')]).size).toBe(3);
  });
});

describe('writeSeg', () => {
  it('repeats patient and study, says who made it, and tells nothing that it was not asked to', async () => {
    const { sources } = await testProjection(6, 5);
    const { bytes, sopInstance, series } = writeSeg(optionsFor(sources, [testMask(6, 5, 1)]));
    const content = contentOf(bytes);
    const of = (keyword: Keyword): string | null => content.text(tag(keyword));
    expect([of('PatientName'), of('PatientID'), of('StudyDate'), of('AccessionNumber')]).toEqual(['Müller^Jörg', 'PLANTEDID', '20200102', 'ACC1']); // prettier-ignore
    expect([of('SOPInstanceUID'), of('SeriesInstanceUID')]).toEqual([sopInstance, series]);
    expect([of('SpecificCharacterSet'), of('Manufacturer'), of('ContentDate'), of('ContentTime')]).toEqual(['ISO_IR 192', 'RecLMIS', '20261130', '040506']); // prettier-ignore
    const [segment] = content.items(tag('SegmentSequence'));
    expect(segment!.code(tag('SegmentAlgorithmType'))).toBe('AUTOMATIC');
    expect(segment!.element(tag('SegmentDescription'))).toBeUndefined();
    expect(of('PatientOrientation')).toBe('L\\F');
    expect(content.element(tag('FrameOfReferenceUID'))).toBeUndefined();
  });

  it('turns the text of the source’s character set into UTF-8', async () => {
    const { sources } = await testProjection(6, 5, [
      [0x00080005, 'CS', 'ISO_IR 100'],
      [0x00100010, 'PN', 'M\u00fcller'],
    ]);
    const { bytes } = writeSeg(optionsFor(sources, [testMask(6, 5, 1)]));
    expect(contentOf(bytes).text(tag('PatientName'))).toBe('Müller');
    expect(Buffer.from(bytes).includes(Buffer.from('Müller', 'utf8'))).toBe(true);
  });

  it('writes the note only if it is given as a description', async () => {
    const { sources } = await testProjection(6, 5);
    const options = optionsFor(sources, [testMask(6, 5, 1)]);
    const described = { ...options, segments: [{ ...options.segments[0]!, description: 'Opacity,\nupper left lung.' }] }; // prettier-ignore
    const [segment] = contentOf(writeSeg(described).bytes).items(tag('SegmentSequence'));
    expect(segment!.text(tag('SegmentDescription'))).toBe('Opacity,\nupper left lung.');
  });

  it('is the same again from a seed and a time, and other UIDs for anything else', async () => {
    const { sources } = await testProjection(6, 5);
    const options = optionsFor(sources, [testMask(6, 5, 1)]);
    const one = writeSeg(options);
    expect(writeSeg(options)).toEqual(one);
    const others = [
      { ...options, seed: 2 },
      optionsFor(sources, [testMask(6, 5, 2)]),
      { ...options, algorithm: 'another' },
      { ...options, segments: [{ ...options.segments[0]!, label: 'Mass' }] },
      { ...options, contentDescription: 'other' },
    ].map((changed) => writeSeg(changed).sopInstance);
    expect(new Set([one.sopInstance, ...others]).size).toBe(6);
    const { seed: _, ...unseeded } = options;
    expect(writeSeg(unseeded).sopInstance).not.toBe(writeSeg(unseeded).sopInstance);
  });

  it('puts even slices into a regular volume, and others not', async () => {
    const of = async (z: readonly number[]): Promise<(string | undefined)[]> => {
      const { sources } = await testSlices(6, 5, z.map((at) => [1, 2, at] as const)); // prettier-ignore
      const content = contentOf(writeSeg(optionsFor(sources, sources.map((_, i) => testMask(6, 5, i)))).bytes); // prettier-ignore
      const [shared] = content.items(tag('SharedFunctionalGroupsSequence'));
      const [measures] = shared!.items(tag('PixelMeasuresSequence'));
      return [
        content.code(tag('DimensionOrganizationType')),
        measures!.code(tag('SliceThickness')),
        measures!.code(tag('SpacingBetweenSlices')),
        measures!.codes(tag('PixelSpacing')).join(' '),
      ];
    };
    expect(await of([0, 3, 6])).toEqual(['3D', '3', '3', '0.8 0.7']);
    expect(await of([0, 3, 8])).toEqual(['', '3', '', '0.8 0.7']);
    expect(await of([4])).toEqual(['', '2.5', '', '0.8 0.7']); // what the file says: there is no gap
  });

  it('says whether segments overlap', async () => {
    const { sources } = await testProjection(2, 1);
    const of = (...masks: readonly number[][]): string => {
      const segments = masks.map((data, i) => ({
        label: `S${i}`,
        frames: [{ width: 2, height: 1, data: Uint8Array.from(data) }],
      }));
      return contentOf(writeSeg({ ...optionsFor(sources, []), segments }).bytes).code(tag('SegmentsOverlap'));
    };
    expect([of([1, 0], [0, 1]), of([1, 0], [1, 1]), of([1, 1])]).toEqual(['NO', 'YES', 'NO']);
  });

  it('refuses what would be wrong', async () => {
    const { sources } = await testProjection(6, 5);
    const mask = testMask(6, 5, 1);
    const good = optionsFor(sources, [mask]);
    const segment = good.segments[0]!;
    const withSegment = (more: Partial<typeof segment>): SegOptions => ({ ...good, segments: [{ ...segment, ...more }] }); // prettier-ignore
    const cases: readonly (readonly [string, SegOptions])[] = [
      ['OPTION_INVALID', { ...good, sources: [] }],
      ['OPTION_INVALID', { ...good, segments: [] }],
      ['OPTION_INVALID', { ...good, algorithm: '' }],
      ['OPTION_INVALID', { ...good, contentLabel: 'lower case' }],
      ['OPTION_INVALID', { ...good, series: 'no uid' }],
      ['OPTION_INVALID', { ...good, seriesNumber: 1.5 }],
      ['OPTION_INVALID', withSegment({ label: 'a\\b' })],
      ['OPTION_INVALID', withSegment({ label: 'x'.repeat(65) })],
      ['OPTION_INVALID', withSegment({ frames: [mask, mask] })],
      ['OPTION_INVALID', withSegment({ frames: [null] })],
      ['OPTION_INVALID', withSegment({ frames: [{ ...mask, data: mask.data.map((v) => 2 * v) }] })],
      ['OPTION_INVALID', withSegment({ type: { value: '', scheme: 'SCT', meaning: 'x' } })],
      ['MASK_SIZE_MISMATCH', withSegment({ frames: [{ ...mask, width: 5 }] })],
      ['OPTION_INVALID', { ...good, sources: [{ ...sources[0]!, frame: 1 }] }],
      ['IMAGE_UNSUPPORTED', { ...good, sources: [{ ...sources[0]!, source: { ...sources[0]!.source, sopInstance: '' } }] }], // prettier-ignore
    ];
    cases.forEach(([code, options], i) =>
      expect(
        codeOf(() => writeSeg(options)),
        `case ${i}`,
      ).toBe(code),
    );
    const slices = await testSlices(6, 5, [...rising, rising[1]!]);
    const frames = slices.sources.map(() => mask);
    expect(codeOf(() => writeSeg(optionsFor(slices.sources, frames)))).toBe('SLICES_IRREGULAR');
    const [one, two] = slices.sources;
    const apart = [one!, { ...two!, source: { ...two!.source, study: '1.9' } }];
    expect(codeOf(() => writeSeg(optionsFor(apart, [mask, mask])))).toBe('OPTION_INVALID');
    const elsewhere = [one!, { ...two!, source: { ...two!.source, frameOfReference: '1.9' } }];
    expect(codeOf(() => writeSeg(optionsFor(elsewhere, [mask, mask])))).toBe('OPTION_INVALID');
  });

  it('repeats no label in its refusals', async () => {
    const { sources } = await testProjection(6, 5);
    const planted = { ...optionsFor(sources, [testMask(6, 5, 1)]), contentDescription: 'PLANTED\\' };
    expect(() => writeSeg(planted)).toThrow(/^(?!.*PLANTED)/u);
  });
});

describe('readSeg', () => {
  it('gives back masks, segments and places, of slices in any order', async () => {
    const { sources } = await testSlices(7, 5, [rising[2]!, rising[0]!, rising[1]!]);
    const masks = sources.map((_, i) => testMask(7, 5, i));
    const { bytes } = writeSeg(optionsFor(sources, masks));
    const seg = readSeg(bytes);
    expect(seg).toMatchObject({ kind: 'binary', width: 7, height: 5, frameOfReference: '1.2.3.4.9' });
    expect(seg.segments).toEqual([
      { number: 1, label: 'Lesion', category: SEGMENT_CODES.altered, type: SEGMENT_CODES.lesion, colour: COLOURS.orange }, // prettier-ignore
    ]);
    expect(seg.frames.map(({ plane }) => plane!.position[2])).toEqual([0, 2, 4]);
    expect(segLabelMaps(seg, sources, { width: 7, height: 5 })).toEqual(masks);
  });

  it('gives back probabilities, and masks above a threshold', async () => {
    const { sources } = await testProjection(5, 1);
    const data = Uint8Array.of(0, 100, 127, 128, 255);
    const written = writeSeg({ ...optionsFor(sources, [{ width: 5, height: 1, data }]), kind: 'fractional' });
    const seg = readSeg(written.bytes);
    expect(seg.kind).toBe('fractional');
    expect(seg.pixels(0).data).toEqual(data);
    const size = { width: 5, height: 1 };
    expect([...segLabelMaps(seg, sources, size)[0]!.data]).toEqual([0, 0, 0, 1, 1]);
    expect([...segLabelMaps(seg, sources, size, { threshold: 0.3 })[0]!.data]).toEqual([0, 1, 1, 1, 1]);
  });

  it('gives back classes, as labels of choice, and refuses those that overlap', async () => {
    const { sources } = await testSlices(4, 1, rising);
    const of = (...values: number[]): Raster => ({ width: 4, height: 1, data: Uint8Array.from(values) });
    const segments = [
      { label: 'A', frames: [of(1, 0, 0, 0), null, of(0, 0, 0, 1)] },
      { label: 'B', frames: [of(0, 1, 1, 0), of(1, 1, 1, 1), of(0, 0, 1, 1)] },
    ];
    const seg = readSeg(writeSeg({ ...optionsFor(sources, []), segments }).bytes);
    const size = { width: 4, height: 1 };
    const onlyB = segLabelMaps(seg, sources, size, { labelOf: (segment) => (segment === 2 ? 9 : 0) });
    expect(onlyB.map(({ data }) => [...data])).toEqual([[0, 9, 9, 0], [9, 9, 9, 9], [0, 0, 9, 9]]); // prettier-ignore
    expect(codeOf(() => segLabelMaps(seg, sources, size))).toBe('SEG_INVALID');
    const union = segLabelMaps(seg, sources, size, { labelOf: () => 1 });
    expect(union.map(({ data }) => [...data])).toEqual([[1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]]); // prettier-ignore
    expect(codeOf(() => segLabelMaps(seg, sources, size, { labelOf: () => 300 }))).toBe('OPTION_INVALID');
  });

  it('refuses images that the SEG was not drawn on', async () => {
    const { sources } = await testSlices(4, 3, rising);
    const seg = readSeg(writeSeg(optionsFor(sources, sources.map((_, i) => testMask(4, 3, i)))).bytes); // prettier-ignore
    const size = { width: 4, height: 3 };
    expect(codeOf(() => segLabelMaps(seg, sources.slice(1), size))).toBe('SEG_INVALID');
    expect(segLabelMaps(seg, sources.slice(1), size, { others: 'ignore' })).toHaveLength(2);
    expect(codeOf(() => segLabelMaps(seg, [], size, { others: 'ignore' }))).toBe('SEG_INVALID');
    expect(codeOf(() => segLabelMaps(seg, sources, { width: 3, height: 4 }))).toBe('MASK_SIZE_MISMATCH');
    // The same instances, mirrored: drawn by software that turns what it shows.
    const mirrored = sources.map((one) => ({
      ...one,
      geometry: { ...one.geometry, plane: { ...one.geometry.plane!, right: [-1, 0, 0] as const } },
    }));
    expect(() => segLabelMaps(seg, mirrored, size)).toThrow(/lies otherwise in the patient/u);
  });
});

/** A SEG of other software: two frames of 3 x 2 pixels, of one segment; `change` alters it. */
function foreign(change: Attributes = {}, frame: (i: number) => Attributes = () => ({})): Uint8Array {
  return dicomFile({
    SOPClassUID: SEG_STORAGE,
    SOPInstanceUID: '1.2.3',
    SeriesInstanceUID: '1.2.4',
    StudyInstanceUID: '1.2.5',
    SegmentationType: 'BINARY',
    Rows: 2,
    Columns: 3,
    NumberOfFrames: 2,
    BitsAllocated: 1,
    SegmentSequence: [{ SegmentNumber: 3, SegmentLabel: 'X' }],
    SharedFunctionalGroupsSequence: [
      {
        SegmentIdentificationSequence: [{ ReferencedSegmentNumber: 3 }],
        PlaneOrientationSequence: [{ ImageOrientationPatient: [1, 0, 0, 0, 1, 0] }],
      },
    ],
    PerFrameFunctionalGroupsSequence: [0, 1].map((i) => ({
      PlanePositionSequence: [{ ImagePositionPatient: [-5, -6, 2 * i] }],
      ...frame(i),
    })),
    PixelData: Uint8Array.of(0b10000001, 0b1000), // pixels 0, 7 and 11
    ...change,
  });
}

describe('SEGs of other software', () => {
  const size = { width: 3, height: 2 };

  it('are read by place where frames name no image, with what is said of all frames', async () => {
    const { sources } = await testSlices(3, 2, rising);
    const seg = readSeg(foreign());
    expect(seg.segments).toEqual([{ number: 3, label: 'X', category: null, type: null, colour: null }]);
    const maps = segLabelMaps(seg, sources, size);
    expect(maps.map(({ data }) => [...data])).toEqual([[3, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 3], [0, 0, 0, 0, 0, 0]]); // prettier-ignore
  });

  it('may name all images in every frame: the place decides', async () => {
    const { sources } = await testSlices(3, 2, rising);
    const all = sources.map(({ source }) => ({ ReferencedSOPInstanceUID: source.sopInstance }));
    const named = foreign({}, () => ({ DerivationImageSequence: [{ SourceImageSequence: all }] }));
    expect([...segLabelMaps(readSeg(named), sources, size)[1]!.data]).toEqual([0, 3, 0, 0, 0, 3]);
    const placeless = foreign({}, () => ({ PlanePositionSequence: undefined, DerivationImageSequence: [{ SourceImageSequence: all }] })); // prettier-ignore
    expect(codeOf(() => segLabelMaps(readSeg(placeless), sources, size))).toBe('SEG_INVALID');
  });

  it('scale their own largest value', () => {
    const fractional: Attributes = {
      SegmentationType: 'FRACTIONAL',
      BitsAllocated: 8,
      MaximumFractionalValue: 100,
      PixelData: Uint8Array.from({ length: 12 }, (_, i) => (i === 0 ? 100 : i === 1 ? 50 : 0)),
    };
    expect([...readSeg(foreign(fractional)).pixels(0).data]).toEqual([255, 128, 0, 0, 0, 0]);
    const above = { ...fractional, MaximumFractionalValue: 99 };
    expect(codeOf(() => readSeg(foreign(above)).pixels(0))).toBe('SEG_INVALID');
  });

  it('are refused where they contradict themselves', () => {
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ['SEG_INVALID', foreign({ SegmentationType: 'OTHER' })],
      ['SEG_INVALID', foreign({ BitsAllocated: 8 })],
      ['SEG_INVALID', foreign({ NumberOfFrames: 0 })],
      ['SEG_INVALID', foreign({ NumberOfFrames: 3 })],
      ['SEG_INVALID', foreign({ Rows: 65_535, Columns: 65_535, NumberOfFrames: 2_000_000_000 })],
      ['SEG_INVALID', foreign({ PixelData: new Uint8Array(4) })], // each frame padded to whole words
      ['SEG_INVALID', foreign({ PixelData: undefined })],
      ['SEG_INVALID', foreign({ SegmentSequence: [] })],
      ['SEG_INVALID', foreign({ SegmentSequence: [{ SegmentNumber: 3 }, { SegmentNumber: 3 }] })],
      ['SEG_INVALID', foreign({ SegmentSequence: [{ SegmentNumber: 4 }] })],
      ['SEG_INVALID', foreign({ PerFrameFunctionalGroupsSequence: [{}] })],
      ['IMAGE_UNSUPPORTED', foreign({ SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.7' })],
      ['IMAGE_UNSUPPORTED', foreign({ SOPClassUID: '1.2.840.10008.5.1.4.1.1.2' })],
    ];
    cases.forEach(([code, bytes], i) =>
      expect(
        codeOf(() => readSeg(bytes)),
        `case ${i}`,
      ).toBe(code),
    );
  });

  it('are refused with a code wherever they are cut off, and where bytes change they may not crash', async () => {
    const { sources } = await testSlices(3, 2, rising);
    const file = writeSeg(optionsFor(sources, sources.map((_, i) => testMask(3, 2, i)))).bytes; // prettier-ignore
    for (let length = 0; length < file.length - 2; length += 13)
      expect(codeOf(() => readSeg(file.subarray(0, length)))).toMatch(/^(?:SEG|IMAGE)_/u);
    for (let at = 132; at < file.length; at += 3) {
      const changed = file.slice();
      changed[at]! ^= 0x55;
      const work = (): unknown => segLabelMaps(readSeg(changed), sources, size);
      expect(codeOf(work)).toMatch(/^(?:none|SEG_INVALID|MASK_SIZE_MISMATCH|OPTION_INVALID|IMAGE_[A-Z_]+)$/u);
    }
  });
});

/** SEGs before dicom3tools' checkers and pydicom. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COLOURS, type Raster } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPython, hasTool, python } from '../testing/python.js';
import { testMask, testProjection, type TestSeries, testSlices } from '../testing/sources.js';
import { SEGMENT_CODES, type SegOptions, type SegSegment } from './types.js';
import { writeSeg } from './write-seg.js';

const VALIDATORS = hasTool('dciodvfy') && hasTool('dcentvfy');
const PYDICOM = hasPython('pydicom', 'numpy');

const AXIAL = [0, 1, 2, 3, 4].map((i) => [-90.5, -80.25, 10 + 2.5 * i] as const);
const c = Math.cos(0.3);
const s = Math.sin(0.3);

/** Everything that is written differently. */
const CASES: readonly { readonly name: string; readonly series: () => Promise<TestSeries>; readonly segments?: number; readonly kind?: 'fractional'; readonly empty?: boolean; readonly sparse?: boolean }[] = [ // prettier-ignore
  { name: 'a projection', series: () => testProjection(24, 32) },
  { name: 'a projection of odd size', series: () => testProjection(33, 21) },
  { name: 'a projection without a known orientation', series: () => testProjection(13, 9, [[0x00200020, 'CS', '']]) },
  { name: 'a projection with nothing in it', series: () => testProjection(24, 32), empty: true },
  { name: 'probabilities of a projection', series: () => testProjection(33, 21), kind: 'fractional' },
  { name: 'three classes of a projection', series: () => testProjection(33, 21), segments: 3 },
  { name: 'slices', series: () => testSlices(24, 32, AXIAL) },
  { name: 'slices of odd size, from the last', series: () => testSlices(29, 17, [...AXIAL].reverse()) },
  { name: 'probabilities of slices', series: () => testSlices(29, 17, AXIAL), kind: 'fractional' },
  { name: 'two classes of slices', series: () => testSlices(29, 17, AXIAL), segments: 2 },
  { name: 'some of the slices', series: () => testSlices(29, 17, AXIAL), segments: 2, sparse: true },
  { name: 'uneven slices', series: () => testSlices(29, 17, [AXIAL[0]!, AXIAL[1]!, AXIAL[3]!]) },
  { name: 'a single slice', series: () => testSlices(29, 17, [AXIAL[2]!]) },
  { name: 'oblique slices', series: () => testSlices(29, 17, [0, 1, 2].map((i) => [1, Number((-2 * s * i).toFixed(9)), Number((2 * c * i).toFixed(9))] as const), [1, 0, 0, 0, c, s].map((v) => Number(v.toFixed(9)))) }, // prettier-ignore
]; // prettier-ignore

function optionsOf(test: (typeof CASES)[number], { sources, images }: TestSeries): SegOptions {
  const { width, height } = images[0]!;
  const { segments = 1, kind, empty = false, sparse = false } = test;
  const frame = (seed: number): Raster =>
    empty
      ? { width, height, data: new Uint8Array(width * height) }
      : kind === 'fractional'
        ? { width, height, data: Uint8Array.from({ length: width * height }, (_, i) => (i * 7 + seed) % 256) }
        : testMask(width, height, seed);
  return {
    sources,
    algorithm: 'Modèle 1', // not ASCII
    segments: Array.from({ length: segments }, (_, k): SegSegment => ({
      label: `Lésion ${k + 1}`,
      colour: Object.values(COLOURS)[k]!,
      ...(k === 1 ? { category: SEGMENT_CODES.anatomy, type: SEGMENT_CODES.heart } : { region: SEGMENT_CODES.lung }), // prettier-ignore
      frames: sources.map((_, i) => (sparse && (i + k) % 2 === 1 ? null : frame(100 * k + i))),
    })),
    ...(kind && { kind }),
    seed: test.name,
    time: new Date(2026, 0, 2, 3, 4, 5),
  };
}

const SCRIPT = `
import sys, json, pydicom, numpy as np
out = []
for path in sys.argv[1:]:
    d = pydicom.dcmread(path)
    a = d.pixel_array
    out.append({'name': str(d.PatientName), 'algorithm': d.SegmentSequence[0].SegmentAlgorithmName,
      'label': d.SegmentSequence[0].SegmentLabel, 'frames': int(d.NumberOfFrames), 'size': [d.Columns, d.Rows],
      'values': a.ravel().tolist(), 'spacing': [float(x) for x in d.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing] if 'PixelMeasuresSequence' in d.SharedFunctionalGroupsSequence[0] else None,
      'items': [{'segment': f.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
         'position': [float(x) for x in f.PlanePositionSequence[0].ImagePositionPatient] if 'PlanePositionSequence' in f else None,
         'index': np.atleast_1d(f.FrameContentSequence[0].DimensionIndexValues).tolist(),
         'source': f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID} for f in d.PerFrameFunctionalGroupsSequence],
      'referenced': [[r.SeriesInstanceUID, [i.ReferencedSOPInstanceUID for i in r.ReferencedInstanceSequence]] for r in d.ReferencedSeriesSequence]})
print(json.dumps(out))
`;

interface Back {
  readonly name: string;
  readonly algorithm: string;
  readonly label: string;
  readonly frames: number;
  readonly size: readonly number[];
  readonly values: readonly number[];
  readonly spacing: readonly number[] | null;
  readonly items: readonly {
    readonly segment: number;
    readonly position: readonly number[] | null;
    readonly index: readonly number[];
    readonly source: string;
  }[];
  readonly referenced: readonly (readonly [string, readonly string[]])[];
}

describe('SEG against validators', () => {
  let folder = '';
  const written: {
    path: string;
    sources: string[];
    series: TestSeries;
    options: SegOptions;
    name: string;
  }[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reclmis-seg-'));
    for (const [i, test] of CASES.entries()) {
      const series = await test.series();
      const options = optionsOf(test, series);
      const path = join(folder, `${i}.dcm`);
      writeFileSync(path, writeSeg(options).bytes);
      const sources = series.files.map((file, k) => {
        const source = join(folder, `${i}-source-${k}.dcm`);
        writeFileSync(source, file);
        return source;
      });
      written.push({ path, sources, series, options, name: test.name });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(!VALIDATORS)('satisfies dciodvfy and dcentvfy (needs dicom3tools)', () => {
    for (const { name, path, sources } of written) {
      const checked = spawnSync('dciodvfy', ['-new', path], { encoding: 'utf8' });
      expect(`${checked.stdout}${checked.stderr}`.match(/^Error.*$/gmu) ?? [], name).toEqual([]);
      expect(checked.status, name).toBe(0);
      const entities = spawnSync('dcentvfy', [path, ...sources], { encoding: 'utf8' });
      expect(`${entities.stdout}${entities.stderr}`.match(/^Error.*$/gmu) ?? [], name).toEqual([]);
      expect(entities.status, name).toBe(0);
    }
  });

  it.skipIf(!PYDICOM)(
    'is read by pydicom with the same pixels, order, positions and references (needs pydicom)',
    () => {
      const back = python(SCRIPT, ...written.map(({ path }) => path)) as readonly Back[];
      back.forEach((one, i) => {
        const { name, series, options } = written[i]!;
        const { segments, sources } = options;
        const along = sources
          .map((source, at) => ({
            at,
            z: source.geometry.plane === null ? at : dotNormal(source.geometry.plane),
          }))
          .sort((a, b) => a.z - b.z);
        const due = segments.flatMap((segment, k) =>
          along.flatMap(({ at }, place) => {
            const frame = segment.frames[at];
            if (frame == null) return [];
            const { source, geometry } = sources[at]!;
            const spatial = geometry.plane !== null;
            return [{ segment: k + 1, position: spatial ? [...geometry.plane.position] : null, index: spatial ? [k + 1, place + 1] : [k + 1], source: source.sopInstance, data: frame.data }]; // prettier-ignore
          }),
        );
        expect(one.frames, name).toBe(due.length);
        expect(one.values, name).toEqual(due.flatMap(({ data }) => [...data]));
        expect(one.items, name).toEqual(due.map(({ data: _, ...item }) => item));
        expect(one.size).toEqual([series.images[0]!.width, series.images[0]!.height]);
        expect([one.name, one.algorithm, one.label]).toEqual(['Müller^Jörg', 'Modèle 1', 'Lésion 1']);
        expect(one.spacing, name).toEqual(due[0]!.position === null ? null : [0.8, 0.7]);
        expect(one.referenced).toEqual([['1.2.3.4.2', sources.map(({ source }) => source.sopInstance)]]);
      });
    },
  );
});

function dotNormal({
  position: p,
  right: r,
  down: d,
}: {
  position: readonly number[];
  right: readonly number[];
  down: readonly number[];
}): number {
  // prettier-ignore
  const n = [r[1]! * d[2]! - r[2]! * d[1]!, r[2]! * d[0]! - r[0]! * d[2]!, r[0]! * d[1]! - r[1]! * d[0]!];
  return p[0]! * n[0]! + p[1]! * n[1]! + p[2]! * n[2]!;
}

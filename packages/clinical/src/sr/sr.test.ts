/** Reports before dicom3tools' checkers, DCMTK and pydicom; and what they say. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Raster } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGMENT_CODES, type SegOptions } from '../seg/types.js';
import { writeSeg } from '../seg/write-seg.js';
import { hasPython, hasTool, python } from '../testing/python.js';
import { testProjection, type TestSeries, testSlices } from '../testing/sources.js';
import { writeSr } from './write-sr.js';

const TIME = new Date(2026, 0, 2, 3, 4, 5);
const [WIDTH, HEIGHT] = [33, 21];
const AXIAL = [0, 1, 2].map((i) => [-90.5, -80.25, 10 + 2.5 * i] as const);

/** A filled rectangle. */
function rectangle(x: number, y: number, width: number, height: number): Raster {
  const inside = (at: number, from: number, size: number): boolean => at >= from && at < from + size;
  return {
    width: WIDTH,
    height: HEIGHT,
    data: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, p) =>
      inside(p % WIDTH, x, width) && inside(Math.floor(p / WIDTH), y, height) ? 1 : 0,
    ),
  };
}
const NOTHING = rectangle(0, 0, 0, 0);

interface Case {
  readonly name: string;
  readonly series: () => Promise<TestSeries>;
  readonly masks: readonly (readonly (Raster | null)[])[];
}

const CASES: readonly Case[] = [
  { name: 'a projection', series: () => testProjection(WIDTH, HEIGHT), masks: [[rectangle(3, 4, 10, 8)]] },
  { name: 'nothing found', series: () => testProjection(WIDTH, HEIGHT), masks: [[NOTHING]] },
  {
    name: 'slices of two segments, one not segmented',
    series: () => testSlices(WIDTH, HEIGHT, [...AXIAL].reverse()),
    masks: [
      [rectangle(3, 4, 10, 8), rectangle(3, 4, 5, 4), NOTHING],
      [null, NOTHING, NOTHING],
    ],
  },
  {
    name: 'a single slice',
    series: () => testSlices(WIDTH, HEIGHT, [AXIAL[0]!]),
    masks: [[rectangle(0, 0, 1, 1)]],
  },
];

async function reportOf({ name, series, masks }: Case) {
  const made = await series();
  const seg: SegOptions = {
    sources: made.sources,
    algorithm: 'Modèle 1',
    segments: masks.map((frames, i) => ({
      label: `Lésion ${i + 1}`,
      frames,
      ...(i === 0 ? { region: SEGMENT_CODES.lung } : { type: SEGMENT_CODES.nodule }),
    })),
    seed: name,
    time: TIME,
  };
  const written = writeSeg(seg);
  return { made, seg, written, report: writeSr({ seg, written, seed: name, time: TIME }) };
}

const SCRIPT = `
import sys, json, pydicom
def walk(item):
    name = item.ConceptNameCodeSequence[0].CodeMeaning
    kind = item.ValueType
    if kind == 'CONTAINER': value = [walk(one) for one in item.ContentSequence]
    elif kind == 'NUM':
        m = item.MeasuredValueSequence[0]
        unit = m.MeasurementUnitsCodeSequence[0]
        value = [float(m.NumericValue), unit.CodeValue, unit.CodingSchemeDesignator]
    elif kind == 'CODE': value = item.ConceptCodeSequence[0].CodeMeaning
    elif kind == 'TEXT': value = item.TextValue
    elif kind == 'UIDREF': value = item.UID
    else:
        r = item.ReferencedSOPSequence[0]
        value = [r.ReferencedSOPInstanceUID, r.get('ReferencedFrameNumber'), r.get('ReferencedSegmentNumber')]
    return [name, value]
d = pydicom.dcmread(sys.argv[1])
evidence = [[s.SeriesInstanceUID, [r.ReferencedSOPInstanceUID for r in s.ReferencedSOPSequence]] for s in d.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence]
print(json.dumps({'tree': walk(d), 'evidence': evidence, 'patient': str(d.PatientName), 'class': d.SOPClassUID.name, 'template': d.ContentTemplateSequence[0].TemplateIdentifier}))
`;

type Item = readonly [name: string, value: unknown];
interface Back {
  readonly tree: readonly [string, readonly Item[]];
  readonly evidence: readonly (readonly [string, readonly string[]])[];
  readonly patient: string;
  readonly class: string;
  readonly template: string;
}

describe('a measurement report', () => {
  let folder = '';
  const written: ({ readonly path: string; readonly files: readonly string[]; readonly name: string } & Awaited<ReturnType<typeof reportOf>>)[] = []; // prettier-ignore
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reclmis-sr-'));
    for (const [i, one] of CASES.entries()) {
      const made = await reportOf(one);
      const save = (name: string, bytes: Uint8Array): string => {
        const path = join(folder, `${i}-${name}.dcm`);
        writeFileSync(path, bytes);
        return path;
      };
      const files = [
        save('seg', made.written.bytes),
        ...made.made.files.map((file, k) => save(`source-${k}`, file)),
      ];
      written.push({ ...made, name: one.name, path: save('sr', made.report.bytes), files });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(!hasTool('dciodvfy') || !hasTool('dcentvfy'))(
    'satisfies dciodvfy, and dcentvfy with its SEG and images (needs dicom3tools)',
    () => {
      for (const { name, path, files } of written) {
        const checked = spawnSync('dciodvfy', ['-new', path], { encoding: 'utf8' });
        expect(`${checked.stdout}${checked.stderr}`.match(/^Error.*$/gmu) ?? [], name).toEqual([]);
        expect(checked.status, name).toBe(0);
        const entities = spawnSync('dcentvfy', [path, ...files], { encoding: 'utf8' });
        expect(`${entities.stdout}${entities.stderr}`.match(/^Error.*$/gmu) ?? [], name).toEqual([]);
        expect(entities.status, name).toBe(0);
      }
    },
  );

  it.skipIf(!hasTool('dsrdump'))('is read by DCMTK (needs dcmtk)', () => {
    for (const { name, path } of written) {
      const { status, stdout, stderr } = spawnSync('dsrdump', ['+Pl', path], { encoding: 'utf8' });
      const said = stderr
        .split('\n')
        .filter((line) => line !== '' && !line.includes('VR checker does not support'));
      expect([status, said], name).toEqual([0, []]);
      expect(stdout, name).toContain('Imaging Measurement Report');
    }
    const { stdout } = spawnSync('dsrdump', [written[0]!.path], { encoding: 'utf8' });
    expect(stdout).toMatch(/NUM:\(,,"Area"\)="2\.4" \(mm2,UCUM,"square millimeter"\)/u);
  });

  describe.skipIf(!hasPython('pydicom'))('as pydicom reads it (needs pydicom)', () => {
    const back = (at: number): Back => python(SCRIPT, written[at]!.path) as Back;
    const groups = ({ tree }: Back): (readonly Item[])[] => {
      const [, measurements] = tree[1].find(([name]) => name === 'Imaging Measurements')!;
      return (measurements as readonly Item[]).map(([, content]) => content as readonly Item[]);
    };
    const valueOf = (group: readonly Item[], name: string): unknown =>
      group.find(([one]) => one === name)?.[1];

    it('measures a projection at the detector, and refers to SEG and image', () => {
      const report = back(0);
      expect([report.patient, report.class, report.template]).toEqual([
        'Müller^Jörg',
        'Enhanced SR Storage',
        '1500',
      ]);
      expect(report.tree[0]).toBe('Imaging Measurement Report');
      expect(valueOf(report.tree[1], 'Device Observer Name')).toBe('Modèle 1');
      const [group = [], ...others] = groups(report);
      expect(others).toEqual([]);
      const { sopInstance, series } = written[0]!.written;
      const { source } = written[0]!.made.sources[0]!;
      // 10 x 8 pixels of 0.15 x 0.2 mm: 1.5 x 1.6 mm
      expect(group.filter(([name]) => name !== 'Tracking Unique Identifier')).toEqual([
        ['Tracking Identifier', 'Lésion 1, image 1'],
        ['Finding', 'Lesion'],
        ['Finding Site', 'Lung'],
        ['Referenced Segment', [sopInstance, 1, null]],
        ['Source image for segmentation', [source.sopInstance, null, null]],
        ['Area', [2.4, 'mm2', 'UCUM']],
        ['Long Axis', [expect.closeTo(Math.hypot(1.5, 1.6), 8), 'mm', 'UCUM']],
        ['Short Axis', [expect.closeTo((Math.hypot(1.5, 1.6) * 1.5) / 1.6, 8), 'mm', 'UCUM']],
        ['Comment', expect.stringContaining('at the detector')],
      ]);
      expect(report.evidence).toEqual([
        [source.series, [source.sopInstance]],
        [series, [sopInstance]],
      ]);
    });

    it('says that nothing was found', () => {
      const [group = []] = groups(back(1));
      expect(valueOf(group, 'Area')).toEqual([0, 'mm2', 'UCUM']);
      expect(valueOf(group, 'Long Axis')).toBeUndefined();
    });

    it('measures volumes, then slices, with the frames that the SEG has', () => {
      const report = back(2);
      const { sopInstance } = written[2]!.written;
      const all = groups(report);
      expect(all.map((group) => valueOf(group, 'Tracking Identifier'))).toEqual([
        'Lésion 1',
        'Lésion 1, image 1',
        'Lésion 1, image 2',
        'Lésion 2',
      ]);
      expect(new Set(all.map((group) => valueOf(group, 'Tracking Unique Identifier'))).size).toBe(4);
      // Files come from the last slice: image 1 is frame 3. Pixels of 0.7 x 0.8 mm, slices of 2.5 mm.
      expect(valueOf(all[0]!, 'Volume')).toEqual([
        expect.closeTo(((80 + 20) * 0.56 * 2.5) / 1000, 8),
        'ml',
        'UCUM',
      ]);
      expect(valueOf(all[0]!, 'Referenced Segment')).toEqual([sopInstance, null, 1]);
      expect(valueOf(all[1]!, 'Referenced Segment')).toEqual([sopInstance, 3, null]);
      expect(valueOf(all[1]!, 'Area')).toEqual([expect.closeTo(80 * 0.56, 8), 'mm2', 'UCUM']);
      expect(valueOf(all[2]!, 'Referenced Segment')).toEqual([sopInstance, 2, null]);
      expect(valueOf(all[3]!, 'Volume')).toEqual([0, 'ml', 'UCUM']);
      expect(valueOf(all[3]!, 'Finding')).toBe('Nodule');
    });
  });

  it('is the same for the same seed, and refuses what has no area', async () => {
    const again = await reportOf(CASES[0]!);
    expect(Buffer.compare(again.report.bytes, written[0]!.report.bytes)).toBe(0);
    const { seg, written: segFile } = again;
    expect(() => writeSr({ seg: { ...seg, kind: 'fractional' }, written: segFile })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' })); // prettier-ignore
    const unknown = {
      ...seg,
      sources: seg.sources.map((one) => ({ ...one, geometry: { ...one.geometry, pixel: null } })),
    };
    expect(() => writeSr({ seg: unknown, written: segFile })).toThrow(expect.objectContaining({ code: 'IMAGE_UNSUPPORTED' })); // prettier-ignore
  });
});

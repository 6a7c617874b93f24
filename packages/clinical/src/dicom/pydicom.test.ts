/** How files are rendered, compared with pydicom: windows, tables, palettes, and enhanced objects frame by frame. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDicom } from '../index.js';
import { imageFile, type Attribute, type TestImage } from '../testing/dicom-file.js';
import { phantomFrame } from '../testing/encode.js';
import { hasPython, python } from '../testing/python.js';

const PYDICOM = hasPython('pydicom', 'numpy');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reclmis-pydicom-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!PYDICOM)(
  'rendering, as pydicom does it (needs pydicom and numpy for /usr/bin/python3)',
  () => {
    const SCRIPT = `
import sys, json, warnings, pydicom
from pydicom.pixel_data_handlers.util import apply_voi_lut, apply_modality_lut, apply_color_lut
warnings.simplefilter('ignore')
d = pydicom.dcmread(sys.argv[1])
a = d.pixel_array
if 'ColorLUT' == sys.argv[2]:
    print(json.dumps((apply_color_lut(a, d) // 256).flatten().tolist()))
else:
    top = 2 ** (d.VOILUTSequence[0].LUTDescriptor[2] if 'VOILUTSequence' in d else d.BitsStored) - 1
    print(json.dumps((apply_voi_lut(apply_modality_lut(a, d), d) / top * 255).flatten().tolist()))
`;
    const compare = async (image: TestImage, kind: 'grey' | 'ColorLUT'): Promise<number> => {
      const file = imageFile(image);
      const path = join(folder, 'pydicom.dcm');
      writeFileSync(path, file);
      const theirs = python(SCRIPT, path, kind) as readonly number[];
      const { data } = await (await readDicom(file)).frame(0);
      const ours = kind === 'grey' ? [...data].filter((_, i) => i % 3 === 0) : [...data];
      expect(ours.length).toBe(theirs.length);
      return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
    };
    const grey = (more: readonly Attribute[]): TestImage => ({
      width: 64,
      height: 64,
      stored: 12,
      pixels: Array.from({ length: 4096 }, (_, i) => i),
      more,
    });
    const window = (centre: string, width: string, shape: string): Attribute[] => [
      [0x00281050, 'DS', centre],
      [0x00281051, 'DS', width],
      [0x00281056, 'CS', shape],
    ];

    it.each([
      ['linear', window('1500', '900', 'LINEAR')],
      ['linear, odd width and fraction', window('1500.25', '333', 'LINEAR')],
      ['linear exact', window('1500', '900', 'LINEAR_EXACT')],
      ['sigmoid', window('1500', '900', 'SIGMOID')],
    ] as const)('%s', async (_, more) => {
      expect(await compare(grey(more), 'grey')).toBeLessThanOrEqual(0.501); // theirs is not rounded
    });

    it('VOI LUT', async () => {
      const entries = Array.from({ length: 1000 }, (_, i) => Math.round(4095 * (i / 999) ** 2));
      const item: Attribute[] = [
        [0x00283002, 'US', [1000, 700, 12]],
        [0x00283006, 'OW', entries],
      ];
      expect(await compare(grey([[0x00283010, 'SQ', { items: [item] }]]), 'grey')).toBeLessThanOrEqual(0.501);
    });

    it('a segmented palette, with a copy of two segments', async () => {
      // Discrete 2, line of 100, discrete 2, then both of the first segments again from byte 0.
      const red = [0, 2, 1000, 2000, 1, 100, 60000, 0, 2, 5, 6, 2, 2, 0, 0];
      const green = [0, 1, 40000, 1, 205, 1000];
      const more = [red, green, red].flatMap((segments, i): Attribute[] => [
        [0x00281101 + i, 'US', [206, 3, 16]],
        [0x00281221 + i, 'OW', segments],
      ]);
      const image = {
        width: 16,
        height: 16,
        allocated: 8,
        photometric: 'PALETTE COLOR',
        pixels: Uint8Array.from({ length: 256 }, (_, i) => i),
        more,
      };
      expect(await compare(image, 'ColorLUT')).toBeLessThanOrEqual(1);
    });
  },
);

describe.skipIf(!PYDICOM)(
  'enhanced objects, as pydicom reads them (needs pydicom and numpy for /usr/bin/python3)',
  () => {
    const SCRIPT = `
import sys, json, pydicom
from pydicom.dataset import Dataset
from pydicom.pixel_data_handlers.util import apply_voi_lut, apply_modality_lut
d = pydicom.dcmread(sys.argv[1])
shared = d.SharedFunctionalGroupsSequence[0]
out = []
for i, own in enumerate(d.PerFrameFunctionalGroupsSequence):
    group = lambda name: (own if name in own else shared)[name][0]
    one = Dataset()
    for keyword in ('BitsStored', 'BitsAllocated', 'PixelRepresentation', 'PhotometricInterpretation'): setattr(one, keyword, d[keyword].value)
    rescale, voi = group('PixelValueTransformationSequence'), group('FrameVOILUTSequence')
    for keyword in ('RescaleSlope', 'RescaleIntercept', 'RescaleType'): setattr(one, keyword, rescale[keyword].value)
    for keyword in ('WindowCenter', 'WindowWidth'): setattr(one, keyword, voi[keyword].value)
    least, most = (float(one.RescaleIntercept) + x * float(one.RescaleSlope) for x in (0, 2 ** d.BitsStored - 1))
    shown = (apply_voi_lut(apply_modality_lut(d.pixel_array[i], one), one) - least) / (most - least) * 255
    out.append({'shown': shown.flatten().tolist(),
      'position': [float(x) for x in group('PlanePositionSequence').ImagePositionPatient],
      'orientation': [float(x) for x in group('PlaneOrientationSequence').ImageOrientationPatient],
      'spacing': [float(x) for x in group('PixelMeasuresSequence').PixelSpacing]})
print(json.dumps(out))
`;
    interface Frame {
      readonly shown: readonly number[];
      readonly position: readonly number[];
      readonly orientation: readonly number[];
      readonly spacing: readonly number[];
    }
    const one = (tag: number, ...items: Attribute[]): Attribute => [tag, 'SQ', { items: [items] }];
    const [WIDTH, HEIGHT, FRAMES] = [37, 29, 3];

    it('pixels, windows, rescaling and places of each frame', async () => {
      const orientation = one(0x00209116, [0x00200037, 'DS', '0\\1\\0\\0\\0\\-1']);
      const spacing = one(0x00289110, [0x00180050, 'DS', '3'], [0x00280030, 'DS', '0.6\\0.5']);
      const window = (centre: string, width: string): Attribute =>
        one(0x00289132, [0x00281050, 'DS', centre], [0x00281051, 'DS', width]);
      const rescale = (slope: string): Attribute =>
        one(0x00289145, [0x00281052, 'DS', '-1024'], [0x00281053, 'DS', slope], [0x00281054, 'LO', 'HU']);
      const frames = Array.from({ length: FRAMES }, (_, at): Attribute[] => [
        one(0x00209113, [0x00200032, 'DS', `${10 + 2.5 * at}\\-20\\30.25`]),
        ...(at === 1 ? [] : [window(String(400 * at), '900')]), // the second one has the shared window
        rescale(String(1 + at / 2)),
      ]);
      const file = imageFile({
        ...{ width: WIDTH, height: HEIGHT, frames: FRAMES, stored: 12, modality: 'CT' },
        pixels: frames.flatMap((_, seed) => [...phantomFrame(WIDTH, HEIGHT, { stored: 12, seed }).data]),
        more: [
          [0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2.1'], // Enhanced CT
          [0x52009229, 'SQ', { items: [[orientation, spacing, window('100', '2500')]] }],
          [0x52009230, 'SQ', { items: frames }],
        ],
      });
      const path = join(folder, 'enhanced.dcm');
      writeFileSync(path, file);
      const theirs = python(SCRIPT, path) as readonly Frame[];
      const image = await readDicom(file);
      expect([image.frames, theirs.length]).toEqual([FRAMES, FRAMES]);
      for (const [at, due] of theirs.entries()) {
        const { data } = await image.frame(at);
        const ours = [...data].filter((_, i) => i % 3 === 0);
        const farthest = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - due.shown[i]!)), 0);
        expect(farthest).toBeLessThanOrEqual(0.501); // theirs is not rounded
        expect(new Set(ours).size).toBeGreaterThan(50);
        const { plane, pixel } = image.geometryOf(at);
        expect(plane?.position).toEqual(due.position);
        expect([...(plane?.right ?? []), ...(plane?.down ?? [])]).toEqual(due.orientation);
        expect([pixel?.height, pixel?.width]).toEqual(due.spacing);
      }
    });
  },
);

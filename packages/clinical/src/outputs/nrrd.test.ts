import { gunzipSync } from 'node:zlib';
import { COLOURS, type Raster } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { gridOfSlices, type VolumeGrid } from '../grid.js';
import type { FrameGeometry } from '../types.js';
import { writeNrrd } from './nrrd.js';

/** A parser of the test's own: fields, key-value pairs and raw voxels. */
function parse(file: Uint8Array): { fields: Map<string, string>; keys: Map<string, string>; voxels: Uint8Array } {
  const end = file.findIndex((byte, i) => byte === 10 && file[i + 1] === 10);
  const [magic, ...lines] = new TextDecoder().decode(file.subarray(0, end)).split('\n');
  expect(magic).toMatch(/^NRRD000[45]$/u);
  const fields = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const line of lines) {
    const pair = /^(.+?):=(.*)$/u.exec(line);
    if (pair) keys.set(pair[1]!, pair[2]!.replace(/\\(.)/gu, (_, c: string) => (c === 'n' ? '\n' : c)));
    else {
      const field = /^([^:]+): (.+)$/u.exec(line);
      if (!field) throw new Error(`no field: ${line}`);
      fields.set(field[1]!, field[2]!);
    }
  }
  return { fields, keys, voxels: new Uint8Array(gunzipSync(file.subarray(end + 2))) };
}
const vectors = (text: string): number[][] =>
  [...text.matchAll(/\(([^)]*)\)/gu)].map(([, inner]) => inner!.split(',').map(Number));

const slices: readonly Raster[] = [0, 1].map((z) => ({
  width: 4,
  height: 3,
  data: Uint8Array.from({ length: 12 }, (_, i) => (i === 5 ? 1 : z === 1 && i > 9 ? 7 : 0)),
}));
const geometry = (z: number): FrameGeometry => ({
  plane: { position: [-10, 20, z], right: [1, 0, 0], down: [0, -1, 0] },
  directions: null,
  pixel: { width: 0.5, height: 0.25, at: 'patient' },
});
const segments = [
  { name: 'Läsion: links\nunten', value: 1, colour: COLOURS.orange },
  { name: 'C:\\new', value: 7, colour: [0, 255, 51] },
  { name: 'none', value: 9, colour: [1, 2, 3] },
] as const;

describe('writeNrrd', () => {
  it('holds grid, voxels and segments as 3D Slicer expects them', () => {
    // The normal points to the feet, so the first slice of the grid is the upper one.
    const { grid, order } = gridOfSlices([geometry(3), geometry(5)], 4, 3);
    expect(order).toEqual([1, 0]);
    const { fields, keys, voxels } = parse(writeNrrd(slices, segments, grid));
    expect(Object.fromEntries(fields)).toMatchObject({
      type: 'unsigned char',
      dimension: '3',
      space: 'left-posterior-superior',
      sizes: '4 3 2',
      kinds: 'domain domain domain',
      encoding: 'gzip',
    });
    expect(vectors(fields.get('space directions')!)).toEqual([[0.5, 0, 0], [0, -0.25, 0], [0, 0, -2]]); // prettier-ignore
    expect(vectors(fields.get('space origin')!)).toEqual([[-10, 20, 5]]);
    expect([...voxels]).toEqual(slices.flatMap(({ data }) => [...data]));
    const of = (i: number): (string | undefined)[] =>
      ['Name', 'LabelValue', 'Layer', 'Extent', 'ID'].map((key) => keys.get(`Segment${i}_${key}`));
    expect(of(0)).toEqual(['Läsion: links\nunten', '1', '0', '1 1 1 1 0 1', 'Segment_1']);
    expect(of(1)).toEqual(['C:\\new', '7', '0', '2 3 2 2 1 1', 'Segment_2']);
    expect(of(2)).toEqual(['none', '9', '0', '0 -1 0 -1 0 -1', 'Segment_3']);
    expect(keys.get('Segment1_Color')).toBe('0 1 0.2');
  });

  it('claims no place in the patient where the image has none', () => {
    const grid: VolumeGrid = {
      size: [4, 3, 2],
      affine: [-2, 0, 0, 5, 0, 3, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1],
      placed: false,
    };
    const { fields } = parse(writeNrrd(slices, segments, grid));
    expect([fields.get('space'), fields.get('space dimension')]).toEqual([undefined, '3']);
    expect(vectors(fields.get('space directions')!)).toEqual([[2, 0, 0], [0, 3, 0], [0, 0, 4]]); // prettier-ignore
    expect(vectors(fields.get('space origin')!)).toEqual([[0, 0, 0]]);
  });

  it('refuses values without a segment, twins, and slices that do not fit', () => {
    const { grid } = gridOfSlices([geometry(3), geometry(5)], 4, 3);
    const only = segments.slice(0, 1);
    expect(() => writeNrrd(slices, only, grid)).toThrow(expect.objectContaining({ code: 'LABEL_UNKNOWN' }));
    const twins = [segments[0], segments[0], segments[1]];
    expect(() => writeNrrd(slices, twins, grid)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    const mismatch: unknown = expect.objectContaining({ code: 'MASK_SIZE_MISMATCH' });
    expect(() => writeNrrd(slices.slice(1), segments, grid)).toThrow(mismatch);
    expect(() => writeNrrd([slices[0]!, { ...slices[1]!, width: 3 }], segments, grid)).toThrow(mismatch);
  });
});

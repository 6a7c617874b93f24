/**
 * Our SEGs before two readers that others use, with the limits that docs/reference/clinical-outputs.md states: DCMTK's
 * (3D Slicer's too), in WebAssembly, and Cornerstone3D's adapter (OHIF's). Both are installed by npm, 60 and 106 MB.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeSeg } from '@reclmis/clinical';
import { testMask, testProjection, type TestSeries, testSlices } from '@reclmis/clinical/testing';
import type { Raster } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './markdown.js';
import { CORNERSTONE_SEG, install, REGISTRY } from './registry.js';

type Kind = 'binary' | 'fractional';

const root = mkdtempSync(join(tmpdir(), 'reclmis-seg-readers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** An empty project with packages in it. */
function projectWith(name: string, ...packages: string[]): string {
  const project = join(root, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  install(project, ...packages);
  return project;
}

/** Slices along z, in order. */
const axial = (width: number, height: number, count: number): Promise<TestSeries> =>
  testSlices(
    width,
    height,
    Array.from({ length: count }, (_, i) => [1, 2, 2 * i] as const),
  );

function masksOf({ images, sources }: TestSeries, kind: Kind = 'binary'): Raster[] {
  const { width, height } = images[0]!;
  return sources.map((_, i) => {
    const mask = testMask(width, height, i);
    return kind === 'binary' ? mask : { ...mask, data: mask.data.map((value) => 255 * value) };
  });
}

/** @returns the path of a SEG */
function written({ sources }: TestSeries, frames: readonly Raster[], kind: Kind = 'binary'): string {
  const path = join(root, 'seg.dcm');
  writeFileSync(path, writeSeg({ sources, kind, algorithm: 'm', segments: [{ label: 'L', frames }] }).bytes);
  return path;
}

const lack = REGISTRY ? '' : ' (needs RECLMIS_SLOW and a registry)';

describe.skipIf(!REGISTRY)(`DCMTK’s reader of SEGs${lack}`, () => {
  interface ReadImage {
    readonly size: readonly number[];
    readonly spacing: readonly number[];
    readonly origin: readonly number[];
    readonly data: ArrayLike<number>;
  }
  const ORIENTATIONS: readonly (readonly number[])[] = [
    [1, 0, 0, 0, 1, 0],
    [-1, 0, 0, 0, 1, 0],
    [1, 0, 0, 0, -1, 0],
    [0, 1, 0, 1, 0, 0],
    [0, 1, 0, 0, 0, -1],
    [0, -1, 0, 0, 0, 1],
    [1, 0, 0, 0, 0, -1],
    [-1, 0, 0, 0, 0, -1],
  ];
  let read: (path: string) => Promise<{ readonly segImage: ReadImage }>;
  beforeAll(async () => {
    const project = projectWith('dcmtk', '@itk-wasm/dicom@7.6.4');
    const entry = join(project, 'node_modules/@itk-wasm/dicom/dist/index-node.js');
    ({ readSegmentationNode: read } = (await import(pathToFileURL(entry).href)) as { readSegmentationNode: typeof read }); // prettier-ignore
  }, 300_000);

  const values = async (path: string): Promise<number[]> =>
    Array.from((await read(path)).segImage.data, Number);

  it('reads binary ones exactly, in eight orientations', async () => {
    for (const orientation of ORIENTATIONS) {
      const [a, b] = [orientation.slice(0, 3), orientation.slice(3)];
      const normal = [
        a[1]! * b[2]! - a[2]! * b[1]!,
        a[2]! * b[0]! - a[0]! * b[2]!,
        a[0]! * b[1]! - a[1]! * b[0]!,
      ];
      // Files come in the order against the normal.
      const positions = [2, 1, 0].map((i) => normal.map((n, k) => n * i * 2 + 10 * k) as [number, number, number]); // prettier-ignore
      const series = await testSlices(24, 32, positions, orientation);
      const masks = masksOf(series);
      const { segImage } = await read(written(series, masks));
      expect(Array.from(segImage.data, Number)).toEqual(masks.toReversed().flatMap(({ data }) => [...data]));
      expect(segImage.size).toEqual([24, 32, 3]);
      expect(segImage.spacing).toEqual([0.7, 0.8, 2]);
      expect(segImage.origin).toEqual(positions[2]);
    }
  });

  it('reads fractional ones exactly, at odd sizes too', async () => {
    const series = await axial(33, 21, 3);
    const frames = series.sources.map((_, k): Raster => ({
      width: 33,
      height: 21,
      data: Uint8Array.from({ length: 693 }, (__, i) => (i * 7 + k) % 256),
    }));
    expect(await values(written(series, frames, 'fractional'))).toEqual(
      frames.flatMap(({ data }) => [...data]),
    );
  });

  // dcmqi issue 341: it takes frames to begin with a byte.
  it('misreads all but the first frame of binary ones at odd sizes', async () => {
    const series = await axial(33, 21, 3);
    const masks = masksOf(series);
    const found = await values(written(series, masks));
    const frame = (at: number): number[] => found.slice(693 * at, 693 * (at + 1));
    expect(frame(0)).toEqual([...masks[0]!.data]);
    for (const at of [1, 2]) expect(frame(at)).not.toEqual([...masks[at]!.data]);
  });

  it('refuses those of projections', async () => {
    const series = await testProjection(24, 32);
    await expect(read(written(series, masksOf(series)))).rejects.toThrow();
  });
});

describe.skipIf(!REGISTRY)(`Cornerstone3D’s adapter${lack}`, () => {
  let project = '';
  beforeAll(() => {
    project = projectWith('cornerstone', ...CORNERSTONE_SEG);
    copyFileSync(join(ROOT, 'tests/read-seg.mjs'), join(project, 'read-seg.mjs'));
  }, 300_000);

  /** What the adapter makes of a series' SEG. @param refusal what it says if it refuses */
  function through(
    series: TestSeries,
    kind: Kind = 'binary',
    refusal = /$^/u,
  ): 'identical' | 'wrong' | 'refused' {
    const masks = masksOf(series, kind);
    const path = written(series, masks, kind);
    const images = series.sources.map(({ source, geometry: { plane, pixel } }) => ({
      ...{ rows: series.images[0]!.height, columns: series.images[0]!.width },
      ...{ instance: source.sopInstance, series: source.series, frameOfReference: source.frameOfReference },
      ...(plane && { position: plane.position, orientation: [...plane.right, ...plane.down] }),
      spacing: [pixel?.height, pixel?.width],
    }));
    writeFileSync(join(project, 'images.json'), JSON.stringify(images));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['read-seg.mjs', 'images.json', path], { cwd: project, encoding: 'utf8' }); // prettier-ignore
    if (status !== 0 && refusal.test(stderr)) return 'refused';
    if (status !== 0) throw new Error(stderr);
    const due = masks.map(({ data }) => Array.from(data, (value) => (value > 0 ? 1 : 0)));
    return JSON.stringify(due) === stdout ? 'identical' : 'wrong';
  }

  it.each([
    // 8 x 96 bits a frame: no doubt where frames begin
    [24, 32, 1, 'identical'],
    [24, 32, 3, 'identical'],
    // 693 bits a frame: the file is as long as one of 87 bytes a frame would be, or has a byte of padding
    [33, 21, 1, 'refused'],
    [33, 21, 2, 'wrong'],
    [33, 21, 3, 'identical'],
    [33, 21, 9, 'identical'],
    // 9,999 bits a frame
    [99, 101, 1, 'identical'],
    [99, 101, 2, 'wrong'],
    [99, 101, 5, 'wrong'],
  ] as const)('binary, %s x %s, %s frames: %s', async (width, height, count, due) => {
    expect(
      through(await axial(width, height, count), 'binary', /Unexpected 1-bit SEG PixelData length/u),
    ).toBe(due);
  });

  it('reads fractional ones of 0 and 255 exactly, at odd sizes too', async () => {
    for (const count of [1, 2, 3])
      expect(through(await axial(33, 21, count), 'fractional')).toBe('identical');
    expect(through(await axial(99, 101, 2), 'fractional')).toBe('identical');
  });

  it('refuses those of projections', async () => {
    // It asks for the direction of the image's rows.
    expect(through(await testProjection(24, 32), 'binary', /TypeError.*reading 'x'/u)).toBe('refused');
  });
});

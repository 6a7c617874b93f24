import { describe, expect, it } from 'vitest';
import { COLOURS, type Raster } from '@reclmis/core';
import { gridOfSlices } from '../grid.js';
import { writeNrrd } from './nrrd.js';
import { readNrrd } from './read-nrrd.js';

const file = (header: readonly string[], voxels: readonly number[]): Uint8Array =>
  Uint8Array.from([...new TextEncoder().encode(`${header.join('\n')}\n\n`), ...voxels]);
const raw = ['NRRD0004', '# made by hand', 'type: uint8', 'dimension: 2', 'sizes: 3 2', 'encoding: raw'];
const code = (expected: string): object => expect.objectContaining({ code: expected }) as object;

describe('readNrrd', () => {
  it('reads what writeNrrd writes', async () => {
    const slices: Raster[] = [0, 1].map((z) => ({
      width: 5,
      height: 4,
      data: Uint8Array.from({ length: 20 }, (_, p) => ((p * 3 + z) % 4 === 0 ? 1 : 0)),
    }));
    const { grid } = gridOfSlices(
      [0, 2.5].map((z) => ({
        plane: { position: [1, 2, z], right: [1, 0, 0], down: [0, 1, 0] } as const,
        directions: null,
        pixel: { width: 0.5, height: 0.25, at: 'patient' } as const,
      })),
      5,
      4,
    );
    const { slices: found, header } = await readNrrd(
      writeNrrd(slices, [{ name: 'Läsion: links\nunten', value: 1, colour: COLOURS.orange }], grid),
    );
    expect(found).toEqual(slices);
    expect(header.get('space directions')).toBe('(0.5,0,0) (0,0.25,0) (0,0,2.5)');
    expect(header.get('Segment0_Name')).toBe('Läsion: links\\nunten');
  });

  it('reads raw voxels of one slice', async () => {
    const { slices } = await readNrrd(file(raw, [0, 1, 2, 3, 4, 5]));
    expect(slices).toEqual([{ width: 3, height: 2, data: Uint8Array.of(0, 1, 2, 3, 4, 5) }]);
  });

  it('refuses damage and other forms', async () => {
    const with_ = (from: string, to: string): string[] => raw.map((line) => (line === from ? to : line));
    await expect(readNrrd(file(raw, [0, 1, 2]))).rejects.toEqual(code('IMAGE_UNREADABLE'));
    await expect(readNrrd(new TextEncoder().encode('NRRD0004\ntype: uint8'))).rejects.toEqual(code('IMAGE_UNREADABLE')); // prettier-ignore
    await expect(readNrrd(file(['P5', ...raw.slice(1)], []))).rejects.toEqual(code('IMAGE_UNREADABLE'));
    await expect(readNrrd(file(with_('encoding: raw', 'encoding: gzip'), [0, 1, 2]))).rejects.toEqual(code('IMAGE_UNREADABLE')); // prettier-ignore
    for (const [from, to] of [
      ['type: uint8', 'type: short'],
      ['sizes: 3 2', 'sizes: 3 2 1 2'],
      ['sizes: 3 2', 'sizes: 3 -2'],
      ['encoding: raw', 'encoding: bzip2'],
      ['# made by hand', 'data file: a.raw'],
    ] as const)
      await expect(readNrrd(file(with_(from, to), [0, 1, 2, 3, 4, 5]))).rejects.toEqual(code('IMAGE_UNSUPPORTED')); // prettier-ignore
    await expect(readNrrd(file(with_('sizes: 3 2', 'sizes: 30000 30000'), []))).rejects.toEqual(code('IMAGE_TOO_LARGE')); // prettier-ignore
  });
});

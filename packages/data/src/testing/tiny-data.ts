/**
 * A data set in LViT's layout: pictures with two bright squares; the note names one, the mask holds it. Left
 * is the patient's (on the image's right).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '@reclmis/core';
import { writePngGrey, writePngMask } from '@reclmis/files';

const SPLITS = { Train: 0, Val: 1, Test: 2 } as const;

export interface TinyCounts {
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** @param size side of the pictures, in pixels. */
export async function writeTinyData(dir: string, size: number, counts: TinyCounts): Promise<void> {
  for (const split of ['Train', 'Val', 'Test'] as const) {
    const folder = join(dir, `${split}_Folder`);
    await mkdir(join(folder, 'img'), { recursive: true });
    await mkdir(join(folder, 'labelcol'), { recursive: true });
    const random = Random.from('tiny', SPLITS[split]);
    const count = counts[split.toLowerCase() as keyof TinyCounts];
    const rows = ['Image,Description'];
    for (let i = 0; i < count; i++) {
      const name = `${split.toLowerCase()}-${String(i).padStart(3, '0')}.png`;
      const side = i % 2 === 0 ? 'left' : 'right';
      const { image, mask } = draw(size, side, random);
      await writePngGrey(join(folder, 'img', name), { width: size, height: size, data: image });
      await writePngMask(join(folder, 'labelcol', name), { width: size, height: size, data: mask });
      rows.push(`${name},"Unilateral pulmonary infection, one infected area, lower ${side} lung."`);
    }
    await writeFile(join(folder, `${split}_text.csv`), `${rows.join('\n')}\n`);
  }
}

/** Two squares, a quarter of the side each, one in either half, on faint noise. */
function draw(size: number, side: 'left' | 'right', random: Random): { image: Uint8Array; mask: Uint8Array } {
  const image = Uint8Array.from({ length: size * size }, () => 40 + random.int(20));
  const mask = new Uint8Array(size * size);
  const edge = size / 4;
  for (const [half, x0] of [
    ['right', size / 8], // the patient's right is on the image's left
    ['left', (size * 5) / 8],
  ] as const) {
    const y0 = random.int(size - edge);
    for (let y = y0; y < y0 + edge; y++) {
      image.fill(220, y * size + x0, y * size + x0 + edge);
      if (half === side) mask.fill(1, y * size + x0, y * size + x0 + edge);
    }
  }
  return { image, mask };
}

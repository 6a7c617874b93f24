/** Sample phantoms for the studio, so that the page works before its user has a file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng } from '@reclmis/files';

/** A seed of its own, so that no model was trained on these phantoms by chance. */
const SEED = 1_608_637_542;
/** One, two and three areas, on either side. */
const CASES = [3, 6, 13, 4] as const;
/** Pixels, as the demo's. */
const SIZE = 96;

/** Writes PNG files and `samples.json`, which the page reads. */
export async function writeSamples(folder: string): Promise<void> {
  const { drawPhantom } = await import('@reclmis/data');
  const samples = await Promise.all(
    CASES.map(async (index, i) => {
      const { image, note, named } = drawPhantom(SEED, index, SIZE);
      const file = `phantom_${i + 1}.png`;
      await writeFile(join(folder, file), await encodePng(image, 1));
      return { file, name: `phantom_${i + 1}`, note, about: aboutOf(named) };
    }),
  );
  await writeFile(join(folder, 'samples.json'), `${JSON.stringify(samples, null, 2)}\n`);
}

/** "Two areas, upper left and lower right lung". */
function aboutOf(named: readonly { readonly side: string; readonly zone: string }[]): string {
  const count = ['No area', 'One area', 'Two areas', 'Three areas'][named.length] ?? `${named.length} areas`;
  const places = named.map(({ side, zone }) => `${zone} ${side}`);
  const last = places.at(-1) ?? '';
  const list = places.length < 2 ? last : `${places.slice(0, -1).join(', ')} and ${last}`;
  return `${count}, ${list} lung`;
}

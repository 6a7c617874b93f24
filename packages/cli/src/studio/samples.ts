/** Sample phantoms for the studio, so that the page works before its user has a file. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SAMPLES } from '@reclmis/phantom';

/** Writes PNG files, `samples.json` and `models.json`, which the page reads. @param models of the page, 1 or 2 */
export async function writeSamples(folder: string, models: number): Promise<void> {
  const list = SAMPLES.map(({ name, note, about }) => ({ file: `${name}.png`, name, note, about }));
  for (const { image, name } of SAMPLES) await copyFile(fileURLToPath(image), join(folder, `${name}.png`));
  await writeFile(join(folder, 'samples.json'), `${JSON.stringify(list, null, 2)}\n`);
  await writeFile(join(folder, 'models.json'), `${JSON.stringify({ models })}\n`);
}

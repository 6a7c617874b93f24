/** Writes a hub's repository of an exported model: card, manifest and networks; and reads it back before it is there. */
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, manifestFiles, type ModelManifest, PROBE_NOTE, ReclmisError } from '@reclmis/core';
import { writeNewFolder } from '@reclmis/data';
import type { Model } from '@reclmis/runtime';
import { parse } from 'yaml';
import { cardData, type CardOptions, modelCard } from './card.js';
import { pathsIn, pathsInBytes } from './private.js';

const CARD = 'README.md';
/** Hubs keep large binary files apart from the history. */
const ATTRIBUTES = '*.onnx filter=lfs diff=lfs merge=lfs -text\n';

export interface Published {
  readonly out: string;
  readonly manifest: ModelManifest;
  readonly files: readonly string[];
}

/**
 * @param model folder of an exported model. @param out absent or empty
 * @throws PUBLISH_UNSAFE; OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL; as `loadModel`
 */
export async function publishModel(model: string, out: string, options: CardOptions): Promise<Published> {
  const { loadModel } = await import('@reclmis/runtime');
  const { manifest } = await opened(await loadModel(model));
  const names = [MANIFEST_FILE, ...manifestFiles(manifest).map(({ name }) => name)];
  const files = [CARD, ...names, '.gitattributes'];
  await writeNewFolder(out, async (draft) => {
    for (const name of names) await copyFile(join(model, name), join(draft, name));
    await writeFile(join(draft, CARD), modelCard(manifest, options));
    await writeFile(join(draft, '.gitattributes'), ATTRIBUTES);
    await validate(draft, files, options);
  });
  await chmod(out, 0o755); // drafts are private, and this is for others
  return { out, manifest, files };
}

/** Loaded, so every hash was compared, and asked once; then closed again. */
async function opened(model: Model): Promise<Model> {
  try {
    const { size } = model.manifest.image;
    const image = { width: size, height: size, data: new Uint8Array(3 * size * size).fill(128) };
    await model.segment(image, PROBE_NOTE);
    return model;
  } finally {
    await model.dispose();
  }
}

/** The repository as a stranger gets it: it loads, its card's metadata parse, and no path of this machine is in it. */
async function validate(folder: string, files: readonly string[], options: CardOptions): Promise<void> {
  const { loadModel } = await import('@reclmis/runtime');
  const { manifest } = await opened(await loadModel(folder));
  const card = await readFile(join(folder, CARD), 'utf8');
  const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(card) ?? [];
  const expected: unknown = JSON.parse(JSON.stringify(cardData(manifest, options)));
  if (JSON.stringify(parse(front)) !== JSON.stringify(expected))
    throw new ReclmisError('INTERNAL', `${CARD}: the metadata in YAML do not read back as they were written`);
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    const [path] = file.endsWith('.onnx') ? pathsInBytes(bytes) : pathsIn(bytes.toString('utf8'));
    if (path !== undefined)
      throw new ReclmisError('PUBLISH_UNSAFE', `${file}: holds a path of a machine, ${path.slice(0, 80)}`);
  }
}

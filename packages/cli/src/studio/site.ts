/** What the studio's page needs next to it: model, onnxruntime's files, samples; served from where they are, or copied. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MANIFEST_FILE, parseManifest, ReclmisError } from '@reclmis/core';
import { PAGE_HEADERS, type PageFolder } from '@reclmis/server';
import { PAGE, PLACES, RUNTIME } from '@reclmis/studio';

/**
 * Folders by address.
 * @param model folder of an exported model. @param second another one, to compare; null: none. @param samples folder of `writeSamples`
 * @throws MODEL_INVALID, INTERNAL if the page was not built
 */
export async function siteFolders(
  model: string,
  samples: string,
  second: string | null = null,
): Promise<PageFolder[]> {
  const page = fileURLToPath(PAGE);
  if (!existsSync(join(page, 'index.html')))
    throw new ReclmisError('INTERNAL', `${page}: the studio’s page was not built`, {
      remedy: 'In a clone of the repository, run `npm run setup`.',
    });
  return [
    { at: '/', folder: page },
    { at: `/${PLACES.model}`, folder: model, names: await modelFiles(model) },
    { at: `/${PLACES.runtime}`, folder: fileURLToPath(RUNTIME) },
    { at: `/${PLACES.samples}`, folder: samples },
    ...(second === null
      ? []
      : [{ at: `/${PLACES.second}`, folder: second, names: await modelFiles(second) }]),
  ];
}

/** The manifest, and the files that it names with a hash. @throws MODEL_INVALID */
async function modelFiles(folder: string): Promise<string[]> {
  const path = join(folder, MANIFEST_FILE);
  const json: unknown = JSON.parse(await readFile(path, 'utf8'));
  parseManifest(json, path);
  const names = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('sha256' in value && 'name' in value && typeof value.name === 'string') names.add(value.name);
    Object.values(value).forEach(look);
  };
  look(json);
  for (const name of names)
    if (!(await isFile(join(folder, name))))
      throw new ReclmisError('MODEL_INVALID', `${join(folder, name)}: file not found`);
  return [MANIFEST_FILE, ...names];
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** Copies the folders into one, for any web server. */
export async function writeSite(folders: readonly PageFolder[], out: string): Promise<void> {
  for (const { at, folder, names } of folders) {
    const to = join(out, ...at.split('/'));
    await mkdir(to, { recursive: true });
    if (names === undefined) await cp(folder, to, { recursive: true });
    else for (const name of names) await cp(join(folder, name), join(to, name));
  }
  await writeFile(join(out, 'README.txt'), README);
}

const README = `The reclmis studio: static files for any web server.

Everything is computed in the visitor's browser; the server only sends these files. Over anything but localhost the page
needs https. Send these headers with every file; without the first two, WebAssembly runs on one thread:

${Object.entries(PAGE_HEADERS)
  .map(([name, value]) => `  ${name}: ${value}`)
  .join('\n')}

The page states its Content-Security-Policy itself; add "frame-ancestors 'none'" in a header, which a page cannot state.
Serve .mjs as text/javascript and .wasm as application/wasm. To try it here: npx reclmis studio MODEL

Research use only. Not a medical device.
`;

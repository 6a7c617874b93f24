/** Which packages are installed, in which versions, and whether they belong together. Nothing of them is loaded. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VERSION } from '@reclmis/core';

export interface Installed {
  readonly name: string;
  /** Null: not installed. */
  readonly version: string | null;
  readonly needed: boolean;
}

/** What predicts, serves and shows; each must be there, in our version. */
const NEEDED = ['clinical', 'core', 'data', 'files', 'onnxruntime', 'predict', 'runtime', 'server', 'studio'];
/** What trains. */
const TRAINING = ['torch', 'lab', 'export'];
/** From outside: the package, and which of ours asks for it. */
const OUTSIDE = [
  ['onnxruntime-common', '@reclmis/onnxruntime'],
  ['sharp', '@reclmis/files'],
] as const;

export function installedPackages(): Installed[] {
  const ours = (names: readonly string[], needed: boolean): Installed[] =>
    names.map((name) => ({ name: `@reclmis/${name}`, version: versionOf(`@reclmis/${name}`), needed }));
  return [
    ...ours(NEEDED, true),
    ...ours(TRAINING, false),
    ...OUTSIDE.map(([name, by]) => ({ name, version: versionOf(name, by), needed: true })),
  ];
}

/** Those of our packages whose version is not the command's. */
export function strangers(packages: readonly Installed[]): Installed[] {
  return packages.filter(
    ({ name, version }) => name.startsWith('@reclmis/') && version !== null && version !== VERSION,
  );
}

/** Null: not installed. @param by package whose dependency it is; default: this one's */
function versionOf(name: string, by?: string): string | null {
  try {
    const here = createRequire(import.meta.url);
    const from = by === undefined ? here : createRequire(here.resolve(by));
    const manifest = manifestOf(name, from.resolve(name));
    if (manifest === null) return null;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

/** The package.json above an entry, which packages need not export. */
function manifestOf(name: string, entry: string): string | null {
  for (let folder = dirname(entry); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown }).name === name)
      return path;
    if (dirname(folder) === folder) return null;
  }
}

/** Packs what segmenting needs with `npm pack`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** In order of dependency. */
export const PACKED = ['core', 'clinical', 'files', 'onnxruntime', 'runtime', 'phantom'] as const;

/** Packs them into a new folder. @returns the archives. */
export function pack(folder: string): string[] {
  mkdirSync(folder);
  const which = PACKED.flatMap((name) => ['-w', `packages/${name}`]);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, ...which], {
    cwd: ROOT,
    stdio: 'pipe',
  });
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Makes a project with only the unpacked archives and their dependencies. */
export function unpackInto(project: string, archives: readonly string[]): void {
  for (const name of PACKED) {
    const folder = join(project, 'node_modules', '@reclmis', name);
    mkdirSync(folder, { recursive: true });
    const archive = archives.find((path) => path.includes(`reclmis-${name}-`)) ?? '';
    execFileSync('tar', ['-xzf', archive, '--strip-components=1', '-C', folder]);
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as { dependencies?: Record<string, string>; peerDependencies?: Record<string, string> };
    for (const outside of Object.keys({ ...dependencies, ...peerDependencies }).filter(
      (one) => !one.startsWith('@reclmis/'),
    )) {
      const link = join(project, 'node_modules', outside);
      mkdirSync(dirname(link), { recursive: true });
      try {
        symlinkSync(join(ROOT, 'node_modules', outside), link);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // two packages need it
      }
    }
  }
}

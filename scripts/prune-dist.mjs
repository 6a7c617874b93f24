// Removes compiled files without a source, which tsc leaves and vitest would run.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOTS = [
  ...readdirSync('packages').map((name) => [join('packages', name, 'dist'), join('packages', name, 'src')]),
  ['tests/dist', 'tests'],
  ['bench/dist', 'bench'],
  ['examples/dist', 'examples'],
];

/** Vite's. */
const PAGE = join('packages', 'studio', 'dist', 'page');

for (const [dist, source] of ROOTS) {
  if (!existsSync(dist)) continue;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const stem = /^(.*?)\.(js|js\.map|d\.ts|d\.ts\.map)$/.exec(entry.name)?.[1];
    if (!entry.isFile() || stem === undefined || entry.parentPath.startsWith(PAGE)) continue;
    const folder = join(source, entry.parentPath.slice(dist.length));
    if (!['ts', 'tsx'].some((end) => existsSync(join(folder, `${stem}.${end}`))))
      rmSync(join(entry.parentPath, entry.name));
  }
}

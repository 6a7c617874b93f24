// Writes the packages' version as a constant, which browsers can read too.
import { readdirSync, readFileSync } from 'node:fs';

const packages = new URL('../packages/', import.meta.url);

export function outputs() {
  const versions = new Set(
    readdirSync(packages).map(
      (name) => JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), 'utf8')).version,
    ),
  );
  if (versions.size !== 1)
    throw new Error(`packages/*/package.json state different versions: ${[...versions].join(', ')}`);
  const [version] = versions;
  const text = `/** The version of all packages. Generated from the package.json of each by scripts/version.mjs; do not edit. */
export const VERSION = '${version}';
`;
  return [['packages/core/src/version.ts', text]];
}

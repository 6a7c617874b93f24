import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

export const goldenPath = (model: 'reclmis' | 'unet' | 'lvit'): string => fromRoot(`golden/${model}.json`);

/**
 * A golden file of a system of Table 1, outside the repository: in `golden/`, or in `shared/golden/` next to
 * the checkout; else null.
 */
export function peerGoldenPath(model: string): string | null {
  const places = [`golden/${model}.json`, `../shared/golden/${model}.json`].map(fromRoot);
  return places.find((path) => existsSync(path)) ?? null;
}

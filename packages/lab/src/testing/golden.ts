import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

export const goldenPath = (model: 'reclmis' | 'unet' | 'lvit'): string => fromRoot(`golden/${model}.json`);

/** A golden file that is not part of the repository, of a system of Table 1: in `golden/`, or in `shared/golden/` next to the checkout; null where it is not. */
export function peerGoldenPath(model: string): string | null {
  const places = [`golden/${model}.json`, `../shared/golden/${model}.json`].map(fromRoot);
  return places.find((path) => existsSync(path)) ?? null;
}

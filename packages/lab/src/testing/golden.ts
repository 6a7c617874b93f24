/** The golden files of the repository (golden/README.md), for tests. */
import { fileURLToPath } from 'node:url';

export const goldenPath = (model: 'reclmis' | 'unet' | 'lvit'): string =>
  fileURLToPath(new URL(`../../../../golden/${model}.json`, import.meta.url));

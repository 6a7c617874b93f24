import { fileURLToPath } from 'node:url';

export const goldenPath = (model: 'reclmis' | 'unet' | 'lvit'): string =>
  fileURLToPath(new URL(`../../../../golden/${model}.json`, import.meta.url));

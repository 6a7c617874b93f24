import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openModels } from './open.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-open-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a manifest that cannot be read has a code', async () => {
  mkdirSync(join(root, 'manifest.json'), { recursive: true });
  await expect(openModels([{ folder: root }])).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

it('an image instead of a model is what an unquoted pattern leaves, and the remedy says so', async () => {
  const image = join(root, 'b.PNG');
  writeFileSync(image, '');
  await expect(openModels([{ folder: image }])).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: `${image}: expected a model’s folder, found an image`,
    remedy: expect.stringContaining('--image "scans/*.png"') as string,
  });
});

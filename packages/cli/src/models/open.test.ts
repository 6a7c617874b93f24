import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openModels } from './open.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-open-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a manifest that cannot be read has a code', async () => {
  mkdirSync(join(root, 'manifest.json'), { recursive: true });
  await expect(openModels([root])).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

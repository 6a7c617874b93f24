import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { predictMany } from './testing/many-images.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-many-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('does not grow with the number of images', async () => {
  const { heap, buffers, cases } = await predictMany(root, 1000);
  expect(cases).toBe(1000);
  // 800 images between the two marks would take 3.7 MB: 24 x 24 x (3 + 1 + 4) bytes each.
  expect(heap).toBeLessThan(1.5e6);
  expect(buffers).toBeLessThan(1.5e6);
});

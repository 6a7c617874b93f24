/** 10,000 images in one command: a minute. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { predictMany } from './testing/many-images.js';

describe.skipIf(!process.env['RECLMIS_SLOW'])('10,000 images', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-many-slow-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('need no more memory than 2,000', { timeout: 600_000 }, async () => {
    const { heap, buffers, resident, cases } = await predictMany(root, 10_000);
    expect(cases).toBe(10_000);
    // 8,000 images between the two marks would take 37 MB of pixels and masks, 16 MB of statistics.
    expect(heap).toBeLessThan(3e6);
    expect(buffers).toBeLessThan(3e6);
    expect(resident).toBeLessThan(30e6); // the allocator keeps freed memory
  });
});

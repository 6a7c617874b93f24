/** 10,000 random mutations (`npm run test:slow`); prints the tally to standard error. */
import { describe, expect, it } from 'vitest';
import { storm } from './testing/storm.js';

describe.skipIf(!process.env['RECLMIS_SLOW'])('10,000 mutations of valid requests', () => {
  it('are answered by 2xx, a coded 4xx or 503, and the server goes on', { timeout: 600_000 }, async () => {
    const { seen, unfinished } = await storm(10_000, 11);
    expect(seen.length).toBeGreaterThan(4);
    process.stderr.write(`${JSON.stringify({ answers: Object.fromEntries(seen), unfinished })}\n`);
  });
});

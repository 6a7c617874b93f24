/** Random mutations of valid requests. */
import { expect, it } from 'vitest';
import { storm } from './testing/storm.js';

it('1,000 mutations of valid requests are answered by 2xx, a coded 4xx or 503, and the server goes on', async () => {
  const { seen } = await storm(1_000, 7);
  expect(seen.length).toBeGreaterThan(4);
});

/**
 * Notes derived from QaTa-COV19's masks against those of LViT's authors. Skipped without ../shared/data (not
 * ours to publish). docs/measurements/data.md has the figures of all splits.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agreementOf, deriveNotes, openDataset } from '@reclmis/data';
import { describe, expect, it } from 'vitest';

const QATA = fileURLToPath(new URL('../../../shared/data/QaTa-COV19', import.meta.url));

describe.skipIf(!existsSync(QATA))('notes derived from QaTa-COV19’s test masks', () => {
  it('have the number of areas of the given ones in every case, and their sides in all but a few', async () => {
    const { cases } = await openDataset(QATA, 'test');
    const derived = await deriveNotes(
      cases.map(({ maskPath }) => maskPath),
      { sides: 'image' },
    );
    const found = agreementOf(cases.map(({ note }, i) => [derived[i]?.note ?? '', note]));
    // Exact, so a changed rule shows its effect on the agreement.
    expect(found).toMatchObject({
      cases: 527,
      count: 527,
      laterality: 524,
      sides: 524,
      zones: 292,
      singleZones: 2810,
    });
  }, 60_000);
});

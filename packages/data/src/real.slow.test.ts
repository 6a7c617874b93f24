/** What the check says of all of QaTa-COV19, which is not part of the repository: three findings that were looked at, and are so (docs/measurements/data.md). */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkDataset } from './check.js';

const QATA = fileURLToPath(new URL('../../../../shared/data/QaTa-COV19', import.meta.url));

describe.skipIf(!process.env['RECLMIS_SLOW'] || !existsSync(QATA))('QaTa-COV19', () => {
  it('has an inverted film, eight notes of the wrong side and three films in two splits, and nothing else', async () => {
    const { problems, suspicions } = await checkDataset(QATA);
    expect(problems).toEqual([]);
    expect(suspicions.map(({ code, count }) => `${code} ${count}`)).toEqual([
      'IMAGES_INVERTED 1',
      'NOTES_PLACE_DIFFERS 8',
      'DUPLICATES_ACROSS_SPLITS 3',
    ]);
    expect(suspicions[0]?.cases[0]?.id).toBe('cxr_s10548-e22496-r1');
    expect(suspicions[2]?.cases.map(({ id, other }) => `${id} ${other?.id ?? ''}`)).toEqual([
      'covid_2077 cxr_s12197-e24132-r1',
      'covid_0967 cxr_s12197-e24904-r1',
      'covid_3495 cxr_s12197-e26523-r1',
    ]);
  }, 600_000);
});

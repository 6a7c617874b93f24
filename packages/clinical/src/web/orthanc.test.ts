/** The client against a real Orthanc: what goes in comes out byte for byte. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Orthanc, orthancMissing, startOrthanc } from '../testing/orthanc.js';
import { DX, plainDicomFile } from '../testing/plain-file.js';
import { basicCredentials, bearerCredentials } from './credentials.js';
import { Pacs } from './pacs.js';
import { readFileHead } from './part10.js';

const lack = orthancMissing();
const QUICK = { retries: 0, retryDelay: 1 };
const [STUDY, SERIES] = ['1.2.826.0.1.3680043.10.1.1', '1.2.826.0.1.3680043.10.1.1.1'];
const RADIOGRAPHS = Array.from({ length: 5 }, (_, i) =>
  plainDicomFile({
    study: STUDY,
    series: SERIES,
    instance: `${SERIES}.${i + 1}`,
    number: i + 1,
    rows: 33,
    columns: 41 + i, // odd sizes too
    pixels: Uint8Array.from({ length: 33 * (41 + i) }, (_value, at) => (at * 31 + i) & 255),
  }),
);

describe.skipIf(lack !== null)(`Orthanc${lack === null ? '' : ` (needs ${lack})`}`, () => {
  let orthanc: Orthanc;
  beforeAll(async () => {
    orthanc = await startOrthanc();
  });
  afterAll(() => orthanc.stop());

  it('stores files, finds them, and returns them byte for byte', async () => {
    const pacs = new Pacs(orthanc.url, QUICK);
    expect((await pacs.studies()).found).toEqual([]);
    const { instances } = await pacs.store(RADIOGRAPHS);
    expect(instances).toEqual(RADIOGRAPHS.map((_, i) => `${SERIES}.${i + 1}`));

    expect((await pacs.studies({ PatientID: 'PHANTOM-1' })).found).toMatchObject([
      {
        ...{ study: STUDY, patientName: 'Test^Phantom', patientId: 'PHANTOM-1', date: '20260101' },
        ...{ modalities: ['DX'], series: 1, instances: 5 },
      },
    ]);
    expect((await pacs.studies({ PatientID: 'nobody' })).found).toEqual([]);
    expect((await pacs.studies({ PatientName: 'Test*' })).found).toHaveLength(1);
    expect((await pacs.series(STUDY)).found).toMatchObject([
      { study: STUDY, series: SERIES, modality: 'DX', instances: 5 },
    ]);
    expect((await pacs.series(null, { Modality: 'DX' })).found).toHaveLength(1);
    expect((await pacs.series(STUDY, { Modality: 'CT' })).found).toEqual([]);
    const found = (await pacs.instances(STUDY, SERIES)).found;
    expect(found.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(found.map(({ sopClass }) => sopClass))).toEqual(new Set([DX]));
    expect(await pacs.instances(STUDY, SERIES, 3)).toMatchObject({ more: true, found: [{}, {}, {}] });

    const announced: number[] = [];
    const fetched = new Map<string, Uint8Array>();
    for await (const { instance, bytes } of pacs.retrieveSeries(STUDY, SERIES, (found) =>
      announced.push(found.length),
    ))
      fetched.set(instance, bytes);
    expect([fetched.size, ...announced]).toEqual([5, 5]);
    RADIOGRAPHS.forEach((file, i) =>
      expect(Buffer.compare(fetched.get(`${SERIES}.${i + 1}`) ?? Buffer.alloc(0), file)).toBe(0),
    );
    const one = await pacs.retrieveInstance(STUDY, SERIES, `${SERIES}.3`);
    expect(Buffer.compare(one.bytes, RADIOGRAPHS[2]!)).toBe(0);
  });

  it('tells what it does not have, and what it did not store', async () => {
    const pacs = new Pacs(orthanc.url, QUICK);
    await expect(pacs.retrieveInstance(STUDY, SERIES, '1.2.3')).rejects.toMatchObject({
      code: 'PACS_MISSING',
    });
    await expect(pacs.retrieveSeries('1.2.3', '1.2.4').next()).rejects.toMatchObject({
      code: 'PACS_MISSING',
    });
    const fresh = plainDicomFile({ study: '1.2.5', series: '1.2.5.1', instance: '1.2.5.1.1' });
    // A head that promises a data set, then nothing Orthanc can read.
    const broken = plainDicomFile({ study: '1.2.5', series: '1.2.5.1', instance: '1.2.5.1.2' });
    const cut = broken.slice(0, Buffer.from(broken).indexOf('1.2.840.10008.1.2.1\0') + 24);
    expect(readFileHead(cut)?.sopInstance).toBe('1.2.5.1.2');
    await expect(pacs.store([fresh, cut])).rejects.toMatchObject({
      code: 'PACS_FAILED',
      message: expect.stringMatching(/: storing: answered 400; stored 1 of 2 files sent so far$/) as string,
    });
  });
});

describe.skipIf(lack !== null)(`Orthanc with a password${lack === null ? '' : ` (needs ${lack})`}`, () => {
  let orthanc: Orthanc;
  beforeAll(async () => {
    orthanc = await startOrthanc({ tester: 'sécret' });
  });
  afterAll(() => orthanc.stop());

  it('lets in who knows it, and nobody else', async () => {
    const as = (credentials = basicCredentials('tester', 'sécret')): Pacs =>
      new Pacs(orthanc.url, { ...QUICK, credentials });
    await as().store(RADIOGRAPHS.slice(0, 1));
    expect((await as().studies()).found).toHaveLength(1);
    for (const pacs of [
      new Pacs(orthanc.url, QUICK),
      as(basicCredentials('tester', 'wrong')),
      as(bearerCredentials('sécret'.replace('é', 'e'))),
    ]) {
      await expect(pacs.studies()).rejects.toMatchObject({ code: 'PACS_REFUSED' });
      await expect(pacs.store(RADIOGRAPHS)).rejects.toMatchObject({ code: 'PACS_REFUSED' });
    }
  });
});

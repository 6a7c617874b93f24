/** Heads of DICOM files: whole, cut at every byte, and false ones. */
import { expect, it } from 'vitest';
import { plainDicomFile, DX } from '../testing/plain-file.js';
import { isUid, readFileHead } from './part10.js';

const file = plainDicomFile({ study: '1.2.3', series: '1.2.3.4', instance: '1.2.3.4.5' });

it('reads which object a file is', () => {
  expect(readFileHead(file)).toEqual({
    sopClass: DX,
    sopInstance: '1.2.3.4.5',
    transferSyntax: '1.2.840.10008.1.2.1',
  });
});

it('gives null for a file that is cut anywhere in its head, and for other files', () => {
  const end = Buffer.from(file).indexOf('1.2.840.10008.1.2.1\0') + 20;
  for (let length = 0; length < end; length++) expect(readFileHead(file.subarray(0, length))).toBeNull();
  expect(readFileHead(file.subarray(0, end))).not.toBeNull();
  expect(readFileHead(new Uint8Array(10_000))).toBeNull();
  expect(readFileHead(Buffer.from(file).fill(255, 140))).toBeNull();
});

it('takes UIDs only', () => {
  expect(['1', '1.2.840', '2.25.0'].map(isUid)).toEqual([true, true, true]);
  expect(['', '.', '1.', '1..2', '../1', '1/2', 'a.b', '1'.repeat(65)].some(isUid)).toBe(false);
  const strange = Buffer.from(file);
  strange.write('1/2', Buffer.from(file).indexOf('1.2.3.4.5'), 'latin1');
  expect(readFileHead(strange)).toBeNull();
});

/** Recognises DICOM and NIfTI by their first bytes; packages/clinical reads them. */

export type ClinicalFormat = 'dicom' | 'nifti';

/** First bytes that `clinicalFormat` looks at. */
export const CLINICAL_HEAD_BYTES = 352;

/** Two letters: an explicit value representation. */
const isVr = (a: number, b: number): boolean => a >= 65 && a <= 90 && b >= 65 && b <= 90;

/**
 * The format; null for another.
 *
 * DICOM: DICM after the preamble, or a data set that begins with group 2 or 8 without one. NIfTI: the magic of versions
 * 1 and 2, or gzip, since no other image comes compressed so.
 */
export function clinicalFormat(head: Uint8Array): ClinicalFormat | null {
  const says = (offset: number, text: string): boolean =>
    head.length >= offset + text.length &&
    [...text].every((letter, i) => head[offset + i] === letter.charCodeAt(0));
  if (says(128, 'DICM')) return 'dicom';
  if (says(344, 'n+1\0') || says(344, 'ni1\0') || says(4, 'n+2\0') || says(4, 'ni2\0')) return 'nifti';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'nifti';
  return isBareDataSet(head) ? 'dicom' : null;
}

/** Group 2 or 8 in either byte order, then an explicit representation or an implicit length below 64 KiB. */
function isBareDataSet(head: Uint8Array): boolean {
  const [g0 = 0, g1 = 0, e0 = 0, e1 = 0, v0 = 0, v1 = 0, l2 = 1, l3 = 1] = head;
  if (head.length < 8) return false;
  const little = g1 === 0 && (g0 === 2 || g0 === 8) && e1 === 0;
  const big = g0 === 0 && (g1 === 2 || g1 === 8) && e0 === 0;
  if (little) return isVr(v0, v1) || (l2 === 0 && l3 === 0);
  return big && isVr(v0, v1);
}

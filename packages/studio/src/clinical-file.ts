/** The geometry of an opened DICOM or NIfTI file: the worker has it too, but its methods do not travel. */
import { displayedFrame, type DisplayedFrame, readClinical } from '@reclmis/clinical';
import { CLINICAL_HEAD_BYTES, clinicalFormat } from '@reclmis/core';

/** @param frame from 0. @returns null for other files. @throws as `readClinical` */
export async function clinicalOf(file: Blob, frame: number): Promise<DisplayedFrame | null> {
  const head = new Uint8Array(await file.slice(0, CLINICAL_HEAD_BYTES).arrayBuffer());
  if (clinicalFormat(head) === null) return null;
  const source = await readClinical(new Uint8Array(await file.arrayBuffer()));
  return displayedFrame('image', source, frame);
}

/**
 * DICOM and NIfTI in; DICOM SEG, NIfTI and NRRD out; DICOMweb. Browsers get `browser.ts` under the same name.
 *
 * @packageDocumentation
 */
import { decodeInThread } from './codecs/node.js';
import { clinicalReader, type ReadClinical } from './display.js';
import { dicomReader, type ReadDicom } from './dicom/read-dicom.js';

export * from './shared.js';

/**
 * Reads a DICOM file: header and geometry now, pixels by frame.
 * @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_WINDOW_UNKNOWN, OPTION_INVALID (a width below 1)
 */
export const readDicom: ReadDicom = dicomReader(() => decodeInThread);

/** Reads a DICOM file or NIfTI volume, told apart by content. @throws as `readDicom` and `readNifti` */
export const readClinical: ReadClinical = clinicalReader(readDicom);

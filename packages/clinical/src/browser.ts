/**
 * The same as `index.ts`, for browsers.
 *
 * @packageDocumentation
 */
import { decodeInWorker } from './codecs/web.js';
import { clinicalReader, type ReadClinical } from './display.js';
import { dicomReader, type ReadDicom } from './dicom/read-dicom.js';

export * from './shared.js';

/** As in Node. */
export const readDicom: ReadDicom = dicomReader(({ decoders }) => decodeInWorker(decoders));

/** Reads a DICOM file or NIfTI volume, told apart by content. @throws as `readDicom` and `readNifti` */
export const readClinical: ReadClinical = clinicalReader(readDicom);

/** Errors of the DICOM reader: no message repeats a value of the file other than numbers and codes of the standard. */
import { ReclmisError } from '@reclmis/core';

/** The file contradicts itself or the standard. */
export function unreadable(what: string, remedy?: string): ReclmisError {
  return new ReclmisError('IMAGE_UNREADABLE', what, remedy === undefined ? {} : { remedy });
}

/** The file may be correct, but nothing here reads it. */
export function unsupported(what: string, remedy: string): ReclmisError {
  return new ReclmisError('IMAGE_UNSUPPORTED', what, { remedy });
}

/** A limit that protects memory and time. */
export function tooLarge(what: string, remedy?: string): ReclmisError {
  return new ReclmisError('IMAGE_TOO_LARGE', what, remedy === undefined ? {} : { remedy });
}

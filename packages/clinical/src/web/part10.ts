/** Which object a DICOM file is, by its head alone. */
import { isUid, readMeta, startOfMeta } from '../dicom/meta-header.js';

export { isUid };

export interface FileHead {
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly transferSyntax: string;
}

/** Null unless the bytes begin with "DICM" and a complete head (PS3.10 7.1). */
export function readFileHead(bytes: Uint8Array): FileHead | null {
  const start = startOfMeta(bytes);
  const meta = start === 0 ? null : metaOf(bytes, start);
  if (meta === null) return null;
  const { sopClass, sopInstance, syntax } = meta;
  return sopClass && sopInstance && syntax ? { sopClass, sopInstance, transferSyntax: syntax } : null;
}

function metaOf(bytes: Uint8Array, start: number): ReturnType<typeof readMeta> {
  try {
    return readMeta(bytes, start);
  } catch {
    return null; // damaged or cut off
  }
}

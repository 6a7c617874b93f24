/**
 * From a file's bytes to its data set (PS3.10 7): with or without preamble and meta header, deflated or not. Where the
 * meta header is missing, or claims explicit types that are not there, the first attribute decides.
 */
import { Inflate } from 'fflate';
import { joined } from '../joined.js';
import { DataSet, type Encoding, isLongVr, isVr } from './data-set.js';
import { tooLarge, unreadable } from './faults.js';
import { readMeta, startOfMeta } from './meta-header.js';
import {
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  transferSyntaxOf,
  type TransferSyntax,
} from './transfer-syntax.js';

const CHUNK = 1 << 14;
/** Attributes looked at before bytes count as a data set without a header. */
const PLAUSIBLE = 3;

export interface OpenedFile {
  readonly dataSet: DataSet;
  readonly syntax: TransferSyntax;
}

/** Whether bytes are DICOM by their content: "DICM", a meta header, or a plausible data set without one. Never throws. */
export function isDicom(bytes: Uint8Array): boolean {
  return startOfMeta(bytes) > 0 || bareEncoding(bytes, 0) !== null;
}

/** @param maxInflated most bytes of a deflated data set. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
export function openFile(file: Uint8Array, maxInflated: number): OpenedFile {
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength); // `slice` of a Buffer does not copy
  const start = startOfMeta(bytes);
  const meta = readMeta(bytes, start);
  if (meta !== null) {
    if (meta.syntax === null) throw unreadable('its meta header does not state a transfer syntax');
    const syntax = transferSyntaxOf(meta.syntax);
    if (syntax.deflated) {
      const inflated = inflate(bytes.subarray(meta.end), maxInflated);
      return { dataSet: DataSet.parse(inflated, 0, syntax), syntax };
    }
    const encoding = syntax.explicit && syntax.little ? corrected(bytes, meta.end, syntax) : syntax;
    return { dataSet: DataSet.parse(bytes, meta.end, encoding), syntax };
  }
  const encoding = bareEncoding(bytes, start);
  if (encoding === null) throw unreadable('it is no DICOM file, or its first attribute is damaged');
  const uid = !encoding.little ? EXPLICIT_BIG : encoding.explicit ? EXPLICIT_LITTLE : IMPLICIT_LITTLE;
  return { dataSet: DataSet.parse(bytes, start, encoding), syntax: transferSyntaxOf(uid) };
}

/** Some writers state explicit types and write implicit ones. */
function corrected(bytes: Uint8Array, start: number, encoding: Encoding): Encoding {
  if (start + 8 > bytes.length || isVr(bytes[start + 4]!, bytes[start + 5]!)) return encoding;
  const found = bareEncoding(bytes, start);
  return found !== null && !found.explicit ? found : encoding;
}

/** Encoding of a data set without a header, if its first attributes ascend, and fit. */
function bareEncoding(bytes: Uint8Array, start: number): Encoding | null {
  for (const encoding of [
    { explicit: true, little: true },
    { explicit: false, little: true },
    { explicit: true, little: false },
  ])
    if (plausible(bytes, start, encoding)) return encoding;
  return null;
}

function plausible(bytes: Uint8Array, start: number, { explicit, little }: Encoding): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  let last = -1;
  for (let i = 0; i < PLAUSIBLE; i += 1) {
    if (at + 12 > bytes.length) return false;
    const group = view.getUint16(at, little);
    const tag = group * 65536 + view.getUint16(at + 2, little);
    if (tag <= last || (i === 0 && group !== 0x0008 && group !== 0x0002)) return false;
    last = tag;
    if (explicit) {
      if (!isVr(bytes[at + 4]!, bytes[at + 5]!)) return false;
      const long = isLongVr(bytes[at + 4]!, bytes[at + 5]!);
      const length = long ? view.getUint32(at + 8, little) : view.getUint16(at + 6, little);
      if (length === 0xffffffff) return i > 0;
      at += (long ? 12 : 8) + length;
    } else {
      const length = view.getUint32(at + 4, little);
      if (length === 0xffffffff) return i > 0;
      at += 8 + length;
    }
    if (at > bytes.length) return false;
  }
  return true;
}

function inflate(bytes: Uint8Array, limit: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Inflate((part) => {
    size += part.length;
    if (size > limit) throw tooLarge(`its deflated data set has more than ${limit} bytes`);
    parts.push(part);
  });
  try {
    for (let at = 0; at < bytes.length; at += CHUNK)
      stream.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
  } catch (error) {
    if (size > limit) throw error;
    throw unreadable('its deflated data set is damaged or cut off');
  }
  return joined(parts);
}

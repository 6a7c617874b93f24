/** Transfer syntaxes (PS3.5 10, PS3.6 A): how attributes are encoded, and how pixels are compressed. */
import type { Encoding } from './data-set.js';
import { unsupported } from './faults.js';

/** `jpeg` is any process of JPEG and JPEG-LS: the code stream says which. */
export type Compression = 'none' | 'rle' | 'jpeg' | 'jpeg2000' | 'htj2k';

export interface TransferSyntax extends Encoding {
  readonly uid: string;
  readonly name: string;
  readonly compression: Compression;
  readonly deflated: boolean;
}

export const IMPLICIT_LITTLE = '1.2.840.10008.1.2';
export const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
export const EXPLICIT_BIG = '1.2.840.10008.1.2.2';
export const DEFLATED = '1.2.840.10008.1.2.1.99';

const COMPRESSED: Readonly<Record<string, readonly [string, Compression]>> = {
  '1.2.840.10008.1.2.5': ['RLE', 'rle'],
  '1.2.840.10008.1.2.4.50': ['JPEG baseline', 'jpeg'],
  '1.2.840.10008.1.2.4.51': ['JPEG extended', 'jpeg'],
  '1.2.840.10008.1.2.4.57': ['JPEG lossless', 'jpeg'],
  '1.2.840.10008.1.2.4.70': ['JPEG lossless, first order', 'jpeg'],
  '1.2.840.10008.1.2.4.80': ['JPEG-LS lossless', 'jpeg'],
  '1.2.840.10008.1.2.4.81': ['JPEG-LS near-lossless', 'jpeg'],
  '1.2.840.10008.1.2.4.90': ['JPEG 2000 lossless', 'jpeg2000'],
  '1.2.840.10008.1.2.4.91': ['JPEG 2000', 'jpeg2000'],
  '1.2.840.10008.1.2.4.201': ['HTJ2K lossless', 'htj2k'],
  '1.2.840.10008.1.2.4.202': ['HTJ2K lossless, RPCL', 'htj2k'],
  '1.2.840.10008.1.2.4.203': ['HTJ2K', 'htj2k'],
};

/** @param uid of the meta header. @throws IMAGE_UNSUPPORTED */
export function transferSyntaxOf(uid: string): TransferSyntax {
  const native = { uid, compression: 'none', deflated: false } as const;
  switch (uid) {
    case IMPLICIT_LITTLE:
      return { ...native, name: 'implicit little endian', explicit: false, little: true };
    case EXPLICIT_LITTLE:
      return { ...native, name: 'explicit little endian', explicit: true, little: true };
    case EXPLICIT_BIG:
      return { ...native, name: 'explicit big endian', explicit: true, little: false };
    case DEFLATED:
      return { ...native, name: 'deflated', explicit: true, little: true, deflated: true };
  }
  if (Object.hasOwn(COMPRESSED, uid)) {
    const [name, compression] = COMPRESSED[uid]!;
    return { uid, name, compression, deflated: false, explicit: true, little: true };
  }
  throw unsupported(
    uid === '' ? 'its transfer syntax is no UID' : `transfer syntax ${uid} is not supported`,
    'Convert the file to explicit little endian, for example with dcmconv or gdcmconv --raw.',
  );
}

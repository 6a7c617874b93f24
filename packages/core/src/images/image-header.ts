/**
 * Reads headers of PNG and JPEG files, to refuse unsupported kinds by name: Node's and browsers' decoders are
 * lenient in different ways.
 */
import { ReclmisError } from '../errors.js';

const IDAT = 0x49444154;
const IEND = 0x49454e44;
/** Chunks of an animated PNG. */
const ACTL = 0x6163544c;
const FCTL = 0x6663544c;

export interface FileHeader {
  readonly kind: 'png' | 'jpeg';
  /** As stored, before an orientation tag; 0 if missing. */
  readonly width: number;
  readonly height: number;
  /** Bits per value. */
  readonly bits: number;
  /** Per pixel: 1 grey, 3 colour; always 3 for PNG. */
  readonly channels: number;
  /** JPEG coding, by its marker SOF0 to SOF15. */
  readonly coding: number;
  /** An animated PNG whose first frame is not the still picture: decoders differ. */
  readonly hiddenStill: boolean;
  readonly complete: boolean;
}

/** Parses the header of a PNG or JPEG from its first bytes; null for another format. */
export function fileHeader(bytes: Uint8Array): FileHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) === 0x89504e47) return pngHeader(view);
  if (bytes.length >= 3 && view.getUint16(0) === 0xffd8 && bytes[2] === 0xff) return jpegHeader(view);
  return null;
}

/**
 * Refuses files that decoders read differently or cannot uniquely convert to RGB.
 * @throws IMAGE_UNSUPPORTED
 */
export function refuseRareKinds(
  { kind, bits, channels, coding, hiddenStill }: FileHeader,
  name: string,
): void {
  if (hiddenStill) {
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${name}: expected a single picture, got an animated PNG whose still picture is not part of the animation`,
      { remedy: 'Save the intended picture as a separate PNG.' },
    );
  }
  if (kind !== 'jpeg' || coding < 0) return;
  const refuse = (got: string): never => {
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${name}: expected 8-bit grey or RGB pixels in a JPEG, got ${got}`,
      {
        remedy: 'Save it as PNG, or as a baseline or progressive JPEG in grey or RGB.',
      },
    );
  };
  if (channels === 4) refuse('CMYK pixels');
  if (channels !== 1 && channels !== 3) refuse(`${channels} values a pixel`);
  if (bits !== 8) refuse(`${bits} bit`);
  if (coding > 2)
    refuse(coding === 3 ? 'lossless coding' : coding >= 9 ? 'arithmetic coding' : `coding SOF${coding}`);
}

function pngHeader(view: DataView): FileHeader {
  const [width, height, bits] =
    view.byteLength >= 26 ? [view.getUint32(16), view.getUint32(20), view.getUint8(24)] : [0, 0, 0];
  const seen = new Set<number>(); // types of chunks before the pixels
  let hiddenStill = false;
  let at = 8;
  while (at + 12 <= view.byteLength && view.getUint32(at + 4) !== IEND) {
    const kind = view.getUint32(at + 4);
    if (kind === IDAT && !seen.has(IDAT)) hiddenStill = seen.has(ACTL) && !seen.has(FCTL);
    seen.add(kind);
    at += 12 + view.getUint32(at);
  }
  const complete = at + 12 <= view.byteLength;
  return { kind: 'png', width, height, bits, channels: 3, coding: -1, hiddenStill, complete };
}

function jpegHeader(view: DataView): FileHeader {
  let [width, height, bits, channels, coding] = [0, 0, 8, 0, -1];
  let at = 2;
  while (at + 4 <= view.byteLength && view.getUint16(at) !== 0xffda) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff)
      at += 1; // a filler
    else {
      const isSize = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isSize && at + 10 <= view.byteLength) {
        bits = view.getUint8(at + 4);
        [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
        channels = view.getUint8(at + 9);
        coding = marker - 0xc0;
      }
      at += 2 + view.getUint16(at + 2);
    }
  }
  let complete = false;
  for (; at + 2 <= view.byteLength && !complete; at++) complete = view.getUint16(at) === 0xffd9;
  return { kind: 'jpeg', width, height, bits, channels, coding, hiddenStill: false, complete };
}

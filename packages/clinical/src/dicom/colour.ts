/** Colours of DICOM to red, green and blue of 8 bits (PS3.3 C.7.6.3.1.2). */

/** Two pixels of Y, Y, Cb, Cr to two of Y, Cb, Cr. */
export function ybr422ToYbr<T extends Uint8Array | Uint16Array>(data: T): T {
  const out = (
    data instanceof Uint8Array
      ? new Uint8Array((data.length / 2) * 3)
      : new Uint16Array((data.length / 2) * 3)
  ) as T;
  for (let i = 0, o = 0; i + 4 <= data.length; i += 4, o += 6) {
    out[o] = data[i]!;
    out[o + 3] = data[i + 1]!;
    out[o + 1] = out[o + 4] = data[i + 2]!;
    out[o + 2] = out[o + 5] = data[i + 3]!;
  }
  return out;
}

/**
 * Samples to RGB of 8 bits. @param shift lowest bit in use. @param bits bits in use.
 * @param ybr luminance and two differences rather than RGB
 */
export function toRgb(data: Uint8Array | Uint16Array, shift: number, bits: number, ybr: boolean): Uint8Array {
  const mask = 2 ** bits - 1;
  const plain = bits === 8 && shift === 0 && data instanceof Uint8Array;
  if (plain && !ybr) return data.slice();
  const out = new Uint8Array(data.length);
  const scale = 255 / mask;
  if (!ybr) {
    for (let i = 0; i < data.length; i += 1) out[i] = Math.round(((data[i]! >>> shift) & mask) * scale);
    return out;
  }
  const middle = 2 ** (bits - 1);
  for (let i = 0; i + 3 <= data.length; i += 3) {
    const y = (data[i]! >>> shift) & mask;
    const cb = ((data[i + 1]! >>> shift) & mask) - middle;
    const cr = ((data[i + 2]! >>> shift) & mask) - middle;
    out[i] = byte((y + 1.402 * cr) * scale);
    out[i + 1] = byte((y - 0.344136 * cb - 0.714136 * cr) * scale);
    out[i + 2] = byte((y + 1.772 * cb) * scale);
  }
  return out;
}

function byte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
}

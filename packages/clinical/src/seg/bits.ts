/** Pixels of one bit in Pixel Data (PS3.5 8.1.1): lowest bit first, on through all frames without padding between them. */

/** Bytes for `frames` frames of `pixels` pixels. */
export const packedLength = (frames: number, pixels: number): number => Math.ceil((frames * pixels) / 8);

/** Sets the bits of a frame's values that are not 0. @param packed zeros at the frame's place @param frame from 0 */
export function packFrame(packed: Uint8Array, frame: number, values: Uint8Array): void {
  const first = frame * values.length; // may pass 2^32: no bit operations on it
  let byte = Math.floor(first / 8);
  let bit = first % 8;
  let i = 0;
  if (bit === 0) {
    // Whole bytes, of which most are empty.
    for (; i + 8 <= values.length; i += 8, byte++) {
      const any =
        values[i]! | values[i + 1]! | values[i + 2]! | values[i + 3]! | values[i + 4]! | values[i + 5]! | values[i + 6]! | values[i + 7]!; // prettier-ignore
      if (any === 0) continue;
      let bits = 0;
      for (let k = 0; k < 8; k++) if (values[i + k] !== 0) bits |= 1 << k;
      packed[byte] = bits;
    }
  }
  for (; i < values.length; i++) {
    if (values[i] !== 0) packed[byte]! |= 1 << bit;
    if (++bit === 8) {
      bit = 0;
      byte++;
    }
  }
}

/** The values, 0 and 1, of a frame. */
export function unpackFrame(packed: Uint8Array, frame: number, pixels: number): Uint8Array {
  const values = new Uint8Array(pixels);
  const first = frame * pixels;
  let byte = Math.floor(first / 8);
  let bit = first % 8;
  for (let i = 0; i < pixels; i++) {
    values[i] = (packed[byte]! >>> bit) & 1;
    if (++bit === 8) {
      bit = 0;
      byte++;
    }
  }
  return values;
}

/** Pixels of one bit in Pixel Data (PS3.5 8.1.1): lowest bit first, on through all frames without padding between them. */

/** Bytes for `frames` frames of `pixels` pixels. */
export const packedLength = (frames: number, pixels: number): number => Math.ceil((frames * pixels) / 8);

/** Sets the bits of a frame's values that are not 0. @param packed zeros at the frame's place @param frame from 0 */
export function packFrame(packed: Uint8Array, frame: number, values: Uint8Array): void {
  const first = frame * values.length; // may pass 2^32: no bit operations on it
  let byte = Math.floor(first / 8);
  let bit = first % 8;
  for (let i = 0; i < values.length; i++) {
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

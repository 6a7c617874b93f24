/** Thumbnails for comparison: means of boxes, which miss nothing. */

/** Rows and columns. */
export const THUMB = 32;

/** [32, 32] means of a picture stretched to a square; 0 to 255. */
export function thumbnail(width: number, height: number, at: (pixel: number) => number): Uint8Array {
  const sums = new Float64Array(THUMB * THUMB);
  const counts = new Float64Array(THUMB * THUMB);
  // In a narrower picture a pixel fills several boxes.
  const [across, down] = [Math.ceil(THUMB / width), Math.ceil(THUMB / height)];
  for (let y = 0; y < height * down; y++) {
    const row = Math.floor((y * THUMB) / (height * down)) * THUMB;
    const from = Math.floor(y / down) * width;
    for (let x = 0; x < width * across; x++) {
      const box = row + Math.floor((x * THUMB) / (width * across));
      sums[box] = (sums[box] as number) + at(from + Math.floor(x / across));
      counts[box] = (counts[box] as number) + 1;
    }
  }
  return Uint8Array.from(sums, (sum, i) => Math.round(sum / (counts[i] as number)));
}

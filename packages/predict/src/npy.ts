/** NumPy's file format 1.0 (numpy/lib/format.py) for one plane of float32. */

/** @returns an .npy file of float32 [height, width]. */
export function encodeNpy(values: Float32Array, width: number, height: number): Uint8Array {
  const PREFIX = 10;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${height}, ${width}), }`;
  const start = Math.ceil((PREFIX + header.length + 1) / 64) * 64; // data is aligned to 64 bytes
  const bytes = Buffer.alloc(start + values.length * 4, ' ');
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  bytes.writeUInt16LE(start - PREFIX, 8);
  bytes.write(header, PREFIX, 'latin1');
  bytes.write('\n', start - 1, 'latin1');
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i]!, start + 4 * i);
  return bytes;
}

/** Multipart answers, cut into pieces of every size, and damaged ones. */
import { describe, expect, it } from 'vitest';
import { boundaryOf, mediaType, type Part, readParts, writeParts } from './multipart.js';

const LIMITS = { partBytes: 1 << 20, totalBytes: 1 << 22 };

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

async function read(bytes: Uint8Array, boundary: string, size = 7, limits = LIMITS): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of readParts(inPieces(bytes, size), boundary, limits)) parts.push(part);
  return parts;
}

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

describe('reading parts', () => {
  // Bytes that look like the delimiter's beginning, or like a longer boundary.
  const tricky = text('\r\n--edg\r\n--edgex\r\n--edge1\r\n\r\n--\r');
  const body = Buffer.concat([
    text('nobody reads this\r\n--edge \t\r\nContent-Type: application/DICOM; x=1\r\nX-More: 1\r\n\r\n'),
    tricky,
    text('\r\n--edge\r\n\r\n'),
    text('\r\n--edge\r\ncontent-type:text/plain\r\n\r\nlast\r\n--edge--\r\nand more'),
  ]);

  it.each([1, 2, 3, 5, 11, 64, 10_000])('in pieces of %i bytes gives the same bytes', async (size) => {
    const parts = await read(body, 'edge', size);
    expect(parts.map(({ type, bytes }) => [type, Buffer.from(bytes).toString('latin1')])).toEqual([
      ['application/dicom', Buffer.from(tricky).toString('latin1')],
      ['', ''],
      ['text/plain', 'last'],
    ]);
  });

  it('gives back random bytes that were written, whatever they hold', async () => {
    let state = 1;
    const files = [0, 1, 70_000, 200_001].map((length) =>
      Uint8Array.from({ length }, () => {
        state = (state * 48_271) % 2_147_483_647;
        return state & 255;
      }),
    );
    const { body: blob, boundary } = writeParts(files, 'application/dicom');
    const parts = await read(new Uint8Array(await blob.arrayBuffer()), boundary, 4096);
    expect(
      parts.map(({ bytes }) =>
        Buffer.from(bytes).equals(Buffer.from(files[parts.findIndex((one) => one.bytes === bytes)]!)),
      ),
    ).toEqual([true, true, true, true]);
  });

  it.each([
    ['cut in a part', 'a\r\n--edge\r\n\r\nhalf', 'PACS_UNREACHABLE', /ends in the middle/],
    ['cut in a head', '--edge\r\nContent-T', 'PACS_UNREACHABLE', /ends in the middle/],
    ['cut in the last delimiter', '--edge\r\n\r\nx\r\n--edge-', 'PACS_UNREACHABLE', /ends in the middle/],
    ['of another boundary', '--other\r\n\r\nx\r\n--other--', 'PACS_INVALID', /never has the boundary/],
    ['empty', '', 'PACS_INVALID', /never has the boundary/],
    ['after a long preamble', 'x'.repeat(40_000) + '\r\n--edge--', 'PACS_INVALID', /never has the boundary/],
    [
      'with text after the boundary',
      '--edge words\r\n\r\nx\r\n--edge--',
      'PACS_INVALID',
      /text after a boundary/,
    ],
    ['with an endless head', `--edge\r\n${'a: b\r\n'.repeat(5000)}`, 'PACS_INVALID', /too long a head/],
    ['with an endless line', `--edge\r\n${'a'.repeat(50_000)}`, 'PACS_INVALID', /too long a head/],
  ])('refuses an answer %s', async (_, answer, code, message) => {
    await expect(read(text(answer), 'edge')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('refuses parts and answers beyond their limits, before all of it came', async () => {
    const large = Buffer.concat([text('--edge\r\n\r\n'), Buffer.alloc(100_000)]);
    await expect(read(large, 'edge', 1000, { partBytes: 50_000, totalBytes: 1e6 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'an instance exceeds 50000 bytes',
    });
    await expect(read(large, 'edge', 1000, { partBytes: 1e6, totalBytes: 50_000 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'the PACS’s answer exceeds 50000 bytes',
    });
  });
});

describe('Content-Type', () => {
  it.each([
    ['multipart/related; boundary=abc', 'abc'],
    ['multipart/related; type="application/dicom"; boundary="a b:c"', 'a b:c'],
    ['Multipart/Related;BOUNDARY=a/b=c;type=x', 'a/b=c'],
    ['multipart/related; boundary="a\\"b"', 'a"b'],
  ])('%s has the boundary %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
    expect(mediaType(type)).toBe('multipart/related');
  });

  it.each(['multipart/related', 'multipart/related; boundary=""', `a/b; boundary=${'x'.repeat(201)}`])(
    '%s has none',
    (type) => {
      expect(() => boundaryOf(type)).toThrow(/states no usable boundary/);
    },
  );
});

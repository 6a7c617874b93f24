/** Web globals (UTF-8, gzip) that Node and every browser have. Core is compiled without either's types. */

interface Chunk {
  readonly done: boolean;
  readonly value?: Uint8Array;
}
interface ByteStream {
  pipeThrough(through: Through): ByteStream;
  getReader(): { read(): Promise<Chunk>; cancel(): Promise<void> };
}
interface Through {
  readonly readable: unknown;
}
declare const DecompressionStream: new (format: 'gzip') => Through;
declare class Blob {
  constructor(parts: readonly Uint8Array[]);
  stream(): ByteStream;
}
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: 'utf-8', options: { readonly fatal: boolean; readonly ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

let encoder: TextEncoder | undefined;

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** Keeps a byte order mark; invalid bytes become U+FFFD, or throw if `fatal`. */
export function utf8Text(bytes: Uint8Array, options: { readonly fatal?: boolean } = {}): string {
  return new TextDecoder('utf-8', { fatal: options.fatal ?? false, ignoreBOM: true }).decode(bytes);
}

/** Whether the bytes start like gzip (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip; null once the result exceeds `limit` bytes, never held together. Rejects for damaged data.
 */
export async function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array | null> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/**
 * The web-standard globals that the tokeniser needs and that Node and every browser have: UTF-8 and gzip. Core is
 * compiled without the types of either, so that it uses nothing that only one of them has; the few that both have are
 * declared here.
 */

interface Chunk {
  readonly done: boolean;
  readonly value?: Uint8Array;
}
interface ByteStream {
  pipeThrough(through: Through): ByteStream;
  getReader(): { read(): Promise<Chunk>; cancel(): Promise<void> };
}
/** Nothing but what `pipeThrough` takes. */
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

/** A text's bytes in UTF-8; a surrogate without its partner becomes U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** The text of UTF-8 bytes, a byte order mark kept; what is no UTF-8 becomes U+FFFD, or throws where `fatal`. */
export function utf8Text(bytes: Uint8Array, options: { readonly fatal?: boolean } = {}): string {
  return new TextDecoder('utf-8', { fatal: options.fatal ?? false, ignoreBOM: true }).decode(bytes);
}

/** Whether the bytes begin as gzip does (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * What gzip packed; null as soon as it is more than `limit` bytes, which are never held together. Rejects where the
 * bytes are damaged or end early.
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

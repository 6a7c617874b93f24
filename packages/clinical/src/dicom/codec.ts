/** What decoders of compressed frames take and give, whichever thread they run in. */
import type { PixelFormat } from './pixel-format.js';
import type { StoredFrame } from './stored.js';
import type { Compression } from './transfer-syntax.js';

export interface CodecRequest {
  readonly compression: Exclude<Compression, 'none'>;
  /** The frame's code stream; decoders copy what they keep. */
  readonly bytes: Uint8Array;
  readonly format: PixelFormat;
}

/** `bits` are those of the code stream, which may differ from the file's. */
export type DecodedFrame = StoredFrame;

/** Decompresses a frame. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
export type FrameDecoder = (request: CodecRequest) => Promise<DecodedFrame>;

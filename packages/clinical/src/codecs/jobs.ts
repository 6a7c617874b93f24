/** What the decoders' thread is asked, and answers. */

export type CodecKind = 'jpeg' | 'jpeg-extended' | 'jpeg-lossless' | 'jpeg-ls' | 'j2k' | 'htj2k';

export interface Job {
  readonly kind: CodecKind;
  readonly bytes: Uint8Array;
  /** What must come out. */
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Bytes of a sample, 1 or 2 (little endian). */
  readonly depth: number;
}

export interface JobMessage {
  readonly number: number;
  readonly job: Job;
  /** Where WebAssembly files are, in browsers; ends with a slash. */
  readonly base?: string;
}

/** An answer, or before it, in browsers, that the decoder has been fetched and starts. */
export type JobReply = { readonly number: number } & (JobAnswer | { readonly loaded: true });

export type JobAnswer =
  | {
      readonly data: Uint8Array;
      /** By plane rather than by pixel. */
      readonly planes: boolean;
      /** Bytes of all decoders’ memories. */
      readonly memory: number;
    }
  | {
      readonly refused: 'damaged' | 'missing';
      readonly message: string;
      /** The decoder may be broken: start a new thread. */
      readonly broken: boolean;
    };

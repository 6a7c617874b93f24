/** What `exported.ts` and its processes say to each other. Times in milliseconds. */

export type Order =
  | {
      readonly kind: 'begin';
      readonly dir: string;
      readonly device: 'cpu' | 'cuda';
      readonly threads: number | null;
    }
  /** One run of this many images. */
  | { readonly kind: 'measure'; readonly batch: number }
  | { readonly kind: 'end' };

/** The first mask is there. */
export interface Ready {
  readonly kind: 'ready';
  /** From the start of the process: Node, the runtime's modules, the model's files, the first image. */
  readonly firstMask: number;
  /** Time to load the model alone. */
  readonly load: number;
  readonly residentBytes: number;
}

/** A run was measured: image in memory to mask at its own size. */
export interface Turn {
  readonly kind: 'turn';
  readonly milliseconds: number;
  /** Processor time of all threads; steadier than wall time on a busy machine. */
  readonly processorMilliseconds: number;
  /** Within it, the segmenter alone. */
  readonly networkMilliseconds: number;
}

export type Told =
  | Ready
  | Turn
  | { readonly kind: 'ended'; readonly peakResidentBytes: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Messages between `exported.ts` and its processes. Times in milliseconds. */

export type Order =
  | {
      readonly kind: 'begin';
      readonly dir: string;
      readonly device: 'cpu' | 'cuda';
      readonly threads: number | null;
    }
  /** Measure one run of this many images. */
  | { readonly kind: 'measure'; readonly batch: number }
  /** Open a new image and measure its first note, and a further one. */
  | { readonly kind: 'notes' }
  | { readonly kind: 'end' };

export interface Ready {
  readonly kind: 'ready';
  /** From process start to the first mask. */
  readonly firstMask: number;
  readonly load: number;
  readonly residentBytes: number;
}

/** A measured run, from images in memory to masks at their own sizes. */
export interface Turn {
  readonly kind: 'turn';
  readonly milliseconds: number;
  /** Summed over threads; steadier than wall time. */
  readonly processorMilliseconds: number;
  /** The segmenter alone. */
  readonly networkMilliseconds: number;
}

/** A new image in memory, opened, to the first note's mask; then to another's. */
export interface NotesTurn {
  readonly kind: 'notes';
  readonly first: number;
  readonly further: number;
  /** Summed over threads. */
  readonly firstProcessor: number;
  readonly furtherProcessor: number;
}

export type Told =
  | Ready
  | Turn
  | NotesTurn
  | { readonly kind: 'ended'; readonly peakResidentBytes: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

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

export type Told =
  | Ready
  | Turn
  | { readonly kind: 'ended'; readonly peakResidentBytes: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

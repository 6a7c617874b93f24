/** What page and worker say to each other. Jobs are numbered; of segmentations, a later job cancels the earlier ones. */
import type { Mask, RgbImage, Spacing } from '@reclmis/core';
import type { Failure, ModelInfo, Note, Picture, Reading, Result } from '../state/state.js';

export type Request =
  | { readonly kind: 'load'; readonly model: string; readonly runtime: string; readonly featureBytes: number }
  | { readonly kind: 'open'; readonly job: number; readonly file: Blob; readonly name: string; readonly frame?: number }
  | { readonly kind: 'read'; readonly job: number; readonly note: Note }
  | {
      readonly kind: 'segment';
      readonly job: number;
      /** `Picture.id` of the picture that is open. */
      readonly picture: string;
      readonly note: Note;
      readonly threshold: number;
      readonly spacing: Spacing | null;
      /** Only of models that have it. */
      readonly interest: boolean;
    }; // prettier-ignore

/** A result without what the page adds: its id, and what changed. */
export type Found = Omit<Result, 'id' | 'gained' | 'lost'>;

export type Reply =
  | { readonly kind: 'loading'; readonly loaded: number; readonly total: number }
  | { readonly kind: 'loaded'; readonly info: ModelInfo }
  /** The GPU stopped; WebAssembly goes on. */
  | { readonly kind: 'lost'; readonly info: ModelInfo }
  | { readonly kind: 'opened'; readonly job: number; readonly picture: Picture; readonly image: RgbImage }
  | { readonly kind: 'read'; readonly job: number; readonly reading: Reading }
  | {
      readonly kind: 'found';
      readonly job: number;
      readonly found: Found;
      /** As displayed. */
      readonly mask: Mask;
      readonly probability: Float32Array;
    }
  /** A later job came; nothing is wrong. */
  | { readonly kind: 'cancelled'; readonly job: number }
  /** `job` is null if loading failed. */
  | { readonly kind: 'failed'; readonly job: number | null; readonly failure: Failure };

/** The note, and the steps of the history. */
import type { EditAction } from './edit-action.js';

export type Sides = 'patient' | 'image';

export interface Note {
  readonly text: string;
  /** Null: as the model has learnt. */
  readonly sides: Sides | null;
}

/** One step of the history. `from` and `to` undo and redo it. */
export type Step = { readonly id: number; readonly area: number | null } & (
  | { readonly kind: 'opened' }
  | { readonly kind: 'note'; readonly from: Note; readonly to: Note }
  | { readonly kind: 'threshold'; readonly from: number; readonly to: number }
  /** Its area is what it added, minus what it took away. */
  | { readonly kind: 'edit'; readonly name: string; readonly edit: EditAction }
);

export interface History {
  readonly steps: readonly Step[];
  /** Steps done; those from here on were undone. */
  readonly at: number;
}

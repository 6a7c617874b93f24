/**
 * What a user does to a mask, as plain data: a case's edits are a list of these, applied to the model's mask in order.
 * The same list is the history, a saved session, and what tests compare.
 */

/** Coordinates are pixels of the displayed image with fractions, x and y in turn. */
export type EditAction =
  | {
      readonly kind: 'stroke';
      readonly value: 0 | 1;
      readonly radius: number;
      readonly points: readonly number[];
    }
  | { readonly kind: 'polygon'; readonly value: 0 | 1; readonly points: readonly number[] }
  | { readonly kind: 'fill' }
  | { readonly kind: 'largest' }
  /** Back to the model's mask. */
  | { readonly kind: 'model' }
  /** A whole mask: what earlier steps came to, or one that was opened, as COCO's text of run lengths. */
  | { readonly kind: 'mask'; readonly counts: string };

/** What the files of a series call their segments. */
import { classSlug, DESCRIBED_REGION, type Rgb, type SegmentClass } from '@reclmis/core';
import type { SegSegment } from '@reclmis/clinical';

export interface NamedSegment {
  readonly name: string;
  /** In label maps. */
  readonly value: number;
  readonly colour: Rgb;
  /** Its class; null for the mask of a note. */
  readonly of: SegmentClass | null;
  readonly coded: Omit<SegSegment, 'frames'>;
}

const sct = (value: string, meaning: string): { value: string; scheme: string; meaning: string } => ({
  ...{ value, scheme: 'SCT', meaning },
});
/** A class may be an organ as well as a finding, so its name alone says which. */
const TISSUE = sct('85756007', 'Tissue');

/** Classes by name; without them the region that a note describes, whose words stay out of files. */
export function segmentsOf(classes: readonly SegmentClass[] | undefined): NamedSegment[] {
  if (!classes) {
    const { label, colour } = DESCRIBED_REGION;
    return [{ name: label, value: 1, colour, of: null, coded: DESCRIBED_REGION }];
  }
  return classes.map((one) => ({
    name: one.name,
    value: one.label,
    colour: one.colour,
    of: one,
    coded: { label: one.name.slice(0, 64), colour: one.colour, category: TISSUE, type: TISSUE },
  }));
}

/** `_mask.png`, `_mask-CLASS.png`. */
export function suffixOfMask({ of }: NamedSegment): string {
  return of === null ? '_mask.png' : `_mask-${classSlug(of.name)}.png`;
}

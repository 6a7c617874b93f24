/** By which rule an evaluation resized images and true masks, and what its scores therefore compare with. */
import type { ResizeRule } from '@reclmis/core';
import { mapLimit, readImageHeader } from '@reclmis/files';
import { imageOptions, type Case } from '@reclmis/data';

/** Headers read at a time. */
const LANES = 4;

export interface Resizing {
  readonly rule: ResizeRule;
  /** The run's. */
  readonly trained: ResizeRule;
  /** Cases whose image has another size than the model's input. */
  readonly resized: number;
}

/** @throws IMAGE_MISSING, IMAGE_UNREADABLE and other codes of image headers */
export async function resizingOf(
  cases: readonly Pick<Case, 'imagePath' | 'frame' | 'window'>[],
  size: number,
  rules: Pick<Resizing, 'rule' | 'trained'>,
): Promise<Resizing> {
  const headers = await mapLimit(cases, LANES, (one) => readImageHeader(one.imagePath, imageOptions(one)));
  return {
    ...rules,
    resized: headers.filter(({ width, height }) => width !== size || height !== size).length,
  };
}

/** A line if scores do not compare with those of the run's training. */
export function resizeNotice({ rule, trained }: Resizing): string | null {
  if (rule === trained) return null;
  return `images and masks are resized by the rule ${rule}, but the run was trained under ${trained}: these scores do not compare with its validation scores`;
}

/** `all resized (area)`; empty if none was. */
export function describeResizing({ rule, resized }: Resizing, of: number): string {
  if (resized === 0) return '';
  return `${resized === of ? 'all' : `${resized} of ${of}`} resized (${rule})`;
}

/** Published figures come from the rule of LViT's loader; images of the model's size need no rule. */
export function comparesWithPublished(resizing: Pick<Resizing, 'rule' | 'resized'> | undefined): boolean {
  return resizing !== undefined && (resizing.rule === 'upstream' || resizing.resized === 0);
}

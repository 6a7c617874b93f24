/** The record of a case as JSON: note, model, warnings, measures, and the mask itself, so that it can be checked. */
import { drawRegions, encodeRuns, type Mask, maskRuns, ReclmisError, VERSION } from '@reclmis/core';
import { geometryOf, measuresOf, storedMask, type Subject } from './subject.js';

/** Another number is another form. */
const FORM = 1;

/** Indented, with a line break at the end. */
export function recordJson(subject: Subject): string {
  const { name, image, clinical, spacing, spacingFrom, ends, note, model, threshold } = subject;
  const stored = storedMask(subject);
  const record = {
    form: FORM,
    software: `reclmis ${VERSION}`,
    use: 'Research use only. Not a medical device.',
    image: {
      ...{ name, width: image.width, height: image.height, spacing, spacingFrom },
      frame: clinical?.frame ?? 0,
      orientation: clinical?.orientation ?? 1,
      pixel: geometryOf(subject).pixel,
      left: ends?.[0] ?? null,
      right: ends?.[1] ?? null,
    },
    note,
    model,
    threshold,
    corrected: subject.corrected,
    confidence: subject.confidence,
    warnings: subject.warnings,
    measures: measuresOf(subject),
    /** As the picture's file stores its pixels: COCO's compressed run lengths. */
    mask: { size: [stored.height, stored.width], counts: encodeRuns(maskRuns(stored)) },
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** @throws ANNOTATION_INVALID */
export function readRecordMask(text: string): Mask {
  const invalid = (cause?: unknown): ReclmisError =>
    new ReclmisError('ANNOTATION_INVALID', 'expected a record with a mask of run lengths', { cause });
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw invalid(cause);
  }
  const { mask } = record as { mask?: { size?: unknown; counts?: unknown } };
  const [height, width] = Array.isArray(mask?.size) ? (mask.size as unknown[]) : [];
  if (typeof height !== 'number' || typeof width !== 'number' || typeof mask?.counts !== 'string') throw invalid();
  return drawRegions([{ kind: 'rle', counts: mask.counts }], width, height);
}

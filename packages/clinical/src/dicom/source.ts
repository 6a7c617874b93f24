/** What identifies a DICOM object and its patient, for objects derived from it. */
import type { DicomSource } from '../types.js';
import type { DataSet } from './data-set.js';
import { INHERITED, TAG } from './tags.js';

/** Longest text taken over, above all limits of the standard for these attributes. */
const MAX_TEXT = 1024;

export function sourceOf(dataSet: DataSet, transferSyntax: string, anatomy: DataSet | null): DicomSource {
  const inherited: Record<string, string> = {};
  for (const [keyword, tag] of Object.entries(INHERITED)) {
    const text = dataSet.text(tag);
    if (text !== null) inherited[keyword] = text.slice(0, MAX_TEXT);
  }
  const thickness = dataSet.decimal(TAG.sliceThickness);
  const number = dataSet.decimal(TAG.instanceNumber);
  return {
    sopClass: dataSet.uid(TAG.sopClass),
    sopInstance: dataSet.uid(TAG.sopInstance),
    study: dataSet.uid(TAG.study),
    series: dataSet.uid(TAG.series),
    frameOfReference: dataSet.uid(TAG.frameOfReference) || null,
    transferSyntax,
    modality: /^[A-Z0-9 _]{1,16}$/u.exec(dataSet.code(TAG.modality))?.[0] ?? '',
    laterality: lateralityOf([
      dataSet.code(TAG.imageLaterality),
      anatomy?.code(TAG.frameLaterality) ?? '',
      dataSet.code(TAG.laterality),
    ]),
    instanceNumber: number !== null && Number.isInteger(number) ? number : null,
    seriesDescription: (dataSet.text(TAG.seriesDescription) ?? '').slice(0, MAX_TEXT),
    sliceThickness: thickness !== null && thickness > 0 ? thickness : null,
    inherited,
  };
}

function lateralityOf(codes: readonly string[]): DicomSource['laterality'] {
  for (const code of codes) if (code === 'L' || code === 'R' || code === 'B' || code === 'U') return code;
  return null;
}

/** `--window`: how DICOM and NIfTI images are shown to the model. */
import { parseWindow, type WindowChoice, windowText } from '@reclmis/core';
import { Option } from 'commander';

export interface WindowFlags {
  readonly window?: WindowChoice;
}

export const EACH_FIRST = 'each file’s first';

/** As a data source takes it. */
export const windowIn = ({ window }: WindowFlags): { readonly window?: string } =>
  window === undefined ? {} : { window: windowText(window) };

/** @param otherwise the default, for the help */
export function windowOption(otherwise: string): Option {
  return new Option(
    '--window <window>',
    `grey level window of DICOM and NIfTI images: CENTER/WIDTH in their units, such as -600/1500, or the number (from 0) or name of a window in the DICOM files (default: ${otherwise})`,
  ).argParser((text) => parseWindow(text, '--window'));
}

/** The grey level window in which models saw DICOM and NIfTI images in training. */
import { parseWindow, ReclmisError, type WindowChoice, windowText } from '@reclmis/core';
import type { Run } from '@reclmis/lab';

/** Undefined: each file's own. */
export function windowOfRun({ config: { data } }: Pick<Run, 'config'>): WindowChoice | undefined {
  return data.window === '' ? undefined : parseWindow(data.window, 'data.window');
}

/** The window of all. @throws OPTION_INVALID if they differ */
export function sharedWindow(
  sources: readonly { readonly window: WindowChoice | undefined }[],
): WindowChoice | undefined {
  const text = (window: WindowChoice | undefined): string =>
    window === undefined ? 'each file’s own' : windowText(window);
  const [first, ...others] = sources.map(({ window }) => window);
  const other = others.find((one) => text(one) !== text(first));
  if (others.every((one) => text(one) === text(first))) return first;
  throw new ReclmisError(
    'OPTION_INVALID',
    `the models were trained in different grey level windows, ${text(first)} and ${text(other)}`,
    { remedy: 'State one for all with --window, or use models of one window.' },
  );
}

/**
 * The grey level window of a file (PS3.3 C.11.2): chosen by number, explanation or explicitly; linear, linear exact,
 * sigmoid, or a table.
 */
import { quoted, ReclmisError, type Warning, type WindowChoice } from '@reclmis/core';
import type { DataSet } from './data-set.js';
import { lookUp, lutOf, type Lut } from './lut.js';
import { TAG } from './tags.js';

type Shape = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

export type Voi =
  | {
      readonly kind: 'window';
      readonly centre: number;
      readonly width: number;
      readonly shape: Shape;
      readonly step: string;
    }
  | { readonly kind: 'table'; readonly lut: Lut; readonly step: string }
  | { readonly kind: 'percentile'; readonly step: string };

/** Shares of the pixels below black and white where the file has no window. */
export const PERCENTILES = [0.005, 0.995] as const;

const NONE: Voi = { kind: 'percentile', step: 'percentiles 0.5 and 99.5 of the frame’s pixels as window' };
/** For frames that form one volume, which must be comparable. */
export const OF_VOLUME: Voi = { kind: 'percentile', step: 'percentiles 0.5 and 99.5 of the volume’s pixels as window' }; // prettier-ignore

interface Found {
  readonly voi: Voi;
  readonly explanation: string;
}

/**
 * The window of a frame.
 * @param places data sets that may state it, the most specific first. @param signed whether output values may be negative
 * @throws IMAGE_WINDOW_UNKNOWN if the choice is not in the file, OPTION_INVALID for a width below 1, IMAGE_UNREADABLE
 */
export function voiOf(
  places: readonly DataSet[],
  choice: WindowChoice | undefined,
  signed: boolean,
  warn: (warning: Warning) => void,
): Voi {
  if (typeof choice === 'object') return explicitWindow(choice);
  const found = windowsIn(places, signed, warn);
  if (choice === undefined) return found[0]?.voi ?? NONE;
  const chosen =
    typeof choice === 'number'
      ? found[choice]
      : found.find(({ explanation }) => explanation.toLowerCase() === choice.trim().toLowerCase());
  if (chosen !== undefined) return chosen.voi;
  const shown = found
    .slice(0, LISTED)
    .map(({ explanation }, i) => `${i}${explanation === '' ? '' : ` (${quoted(explanation)})`}`);
  const windows =
    shown.length === 0
      ? 'states no window'
      : `has the windows ${shown.join(', ')}${found.length > LISTED ? ', ...' : ''}`;
  throw new ReclmisError(
    'IMAGE_WINDOW_UNKNOWN',
    `the file ${windows}, and none ${typeof choice === 'number' ? `of number ${choice}` : `called ${quoted(choice)}`}`,
  );
}

/** Windows named in a message. */
const LISTED = 20;

function explicitWindow({ centre, width }: { readonly centre: number; readonly width: number }): Voi {
  if (!Number.isFinite(centre) || !Number.isFinite(width) || width < 1)
    throw new ReclmisError(
      'OPTION_INVALID',
      `the window must have a finite centre and a width from 1, got ${centre} and ${width}`,
    );
  return {
    kind: 'window',
    centre,
    width,
    shape: 'LINEAR',
    step: `window ${centre} / ${width}, as asked for`,
  };
}

function windowsIn(places: readonly DataSet[], signed: boolean, warn: (warning: Warning) => void): Found[] {
  const place = places.find((one) => one.has(TAG.windowCentre) || one.has(TAG.voiLut));
  if (place === undefined) return [];
  const centres = place.decimals(TAG.windowCentre);
  const widths = place.decimals(TAG.windowWidth);
  const explanations = (place.text(TAG.windowExplanation) ?? '').split('\\').map((text) => text.trim());
  const shape = shapeOf(place.code(TAG.voiFunction), warn);
  const found: Found[] = [];
  for (const [i, centre] of centres.entries()) {
    const width = widths[i] ?? Number.NaN;
    if (!Number.isFinite(centre) || !(shape === 'LINEAR' ? width >= 1 : width > 0)) {
      warn({
        code: 'WINDOW_IGNORED',
        message: `window ${i} of the file has no usable centre or width, so it is ignored`,
      });
      continue;
    }
    const name = shape === 'LINEAR' ? 'window' : shape === 'SIGMOID' ? 'sigmoid window' : 'exact window';
    found.push({
      voi: {
        kind: 'window',
        centre,
        width,
        shape,
        step: `${name} ${centre} / ${width}, number ${i} of the file`,
      },
      explanation: explanations[i] ?? '',
    });
  }
  for (const [i, item] of place.items(TAG.voiLut).entries())
    found.push({
      voi: { kind: 'table', lut: lutOf(item, signed), step: `VOI LUT, number ${i} of the file` },
      explanation: item.text(TAG.lutExplanation) ?? '',
    });
  return found;
}

function shapeOf(text: string, warn: (warning: Warning) => void): Shape {
  if (text === 'LINEAR_EXACT' || text === 'SIGMOID' || text === 'LINEAR') return text;
  if (text !== '')
    warn({
      code: 'WINDOW_IGNORED',
      message: 'the file’s VOI LUT Function is unknown, so its windows are taken as linear',
    });
  return 'LINEAR';
}

/** Returns the function from output units to 0..1. */
export function shading(voi: Exclude<Voi, { readonly kind: 'percentile' }>): (value: number) => number {
  if (voi.kind === 'table') {
    const top = 2 ** voi.lut.bits - 1;
    return (value) => Math.min(1, lookUp(voi.lut, value) / top);
  }
  const { centre, width } = voi;
  switch (voi.shape) {
    case 'LINEAR':
      return (value) => {
        if (value <= centre - 0.5 - (width - 1) / 2) return 0;
        if (value > centre - 0.5 + (width - 1) / 2) return 1;
        return (value - (centre - 0.5)) / (width - 1) + 0.5;
      };
    case 'LINEAR_EXACT':
      return (value) => {
        if (value <= centre - width / 2) return 0;
        if (value > centre + width / 2) return 1;
        return (value - centre) / width + 0.5;
      };
    case 'SIGMOID':
      return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  }
}

/** Patches of interest: where the model looks, over the image and under the mask, with what the colours mean. */
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Transform } from '../stage/transform.js';
import { shownInterest } from '../state/interest.js';
import type { ShownInterest } from '../state/state.js';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';

/** Opacity at the end of the scale, 0 to 255: the tissue stays visible. */
const MOST = 200;
/** The scale goes at least to this multiple of an even share, so that a map without peaks does not look like one. */
const LEAST_TOP = 4;

/** Where the scale ends. */
export const topOf = ({ width, height, most }: ShownInterest): number =>
  Math.max(most, Math.min(1, LEAST_TOP / (width * height)));

export function InterestMap({ transform }: { readonly transform: Transform }): JSX.Element | null {
  const interest = useStudio(shownInterest);
  const picture = useStudio((state) => state.picture)!;
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (interest !== null) paint(canvas.current!, interest);
  }, [interest]);
  if (interest === null) return null;
  const { scale, left, top } = transform;
  return (
    <canvas
      ref={canvas}
      class="interest"
      width={interest.width}
      height={interest.height}
      aria-hidden
      style={{
        left: `${left}px`,
        top: `${top}px`,
        width: `${scale * picture.width}px`,
        height: `${scale * picture.height}px`,
      }}
    />
  );
}

/** Each patch in one colour, the more opaque the larger its share. */
function paint(canvas: HTMLCanvasElement, interest: ShownInterest): void {
  const { map, width, height } = interest;
  const top = topOf(interest);
  const pixels = new ImageData(width, height);
  const colour = Number.parseInt(getComputedStyle(canvas).getPropertyValue('--interest').trim().slice(1), 16);
  map.forEach((share, n) => {
    pixels.data.set([colour >> 16, (colour >> 8) & 255, colour & 255, (MOST * share) / top], 4 * n);
  });
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
}

/** What the colours mean: from nothing to the end of the scale. */
export function InterestLegend(): JSX.Element | null {
  const interest = useStudio(shownInterest);
  if (interest === null) return null;
  const { width, height } = interest;
  const even = percent(1 / (width * height));
  return (
    <div class="interest-legend" title={say('interestAbout', { width, height, even })}>
      <span>{say('interestPatch')}</span>
      <span>0</span>
      <span class="scale" aria-hidden />
      <span>{say('percent', { value: percent(topOf(interest)) })}</span>
    </div>
  );
}

/** Two digits that count: 0.51, 2.1, 64. */
export const percent = (share: number): string => String(Number((100 * share).toPrecision(2)));

/** A case in the list: its picture, name, figure, and what was decided. */
import { Check, Pencil, SkipForward } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Mark } from '../cases/marks.js';
import { THUMBNAIL } from '../cases/thumbnails.js';
import type { CaseFigures, CaseItem, Sort } from '../state/case-order.js';
import type { Judgement } from '../state/cases.js';
import { say } from '../strings.js';
import { useServices } from '../studio.js';
import { Icon } from './icon.js';

/** CSS pixels. */
export const ROW = 56;

interface CaseRowProps {
  readonly item: CaseItem;
  /** From 0, of `count`. */
  readonly at: number;
  readonly count: number;
  readonly isCurrent: boolean;
  readonly sort: Sort;
  readonly figures: CaseFigures | undefined;
  readonly judgement: Judgement | undefined;
  readonly thumbnail: ImageBitmap | null;
  readonly mark: Mark | null;
}

export function CaseRow(props: CaseRowProps): JSX.Element {
  const { item, at, count, isCurrent, judgement, thumbnail, mark } = props;
  const { cases } = useServices();
  const about = aboutOf(props);
  return (
    <li style={{ top: `${at * ROW}px` }} aria-setsize={count} aria-posinset={at + 1}>
      <button
        type="button"
        class="case-row"
        aria-current={isCurrent ? 'true' : undefined}
        title={item.id}
        onClick={() => void cases.open(item.id)}
      >
        <Picture bitmap={thumbnail} mark={mark} />
        <span class="case-text">
          <span class="case-name">{item.name}</span>
          <span class="small quiet case-about">{about}</span>
        </span>
        {judgement && <Decided judgement={judgement} />}
      </button>
    </li>
  );
}

interface PictureProps {
  readonly bitmap: ImageBitmap | null;
  readonly mark: Mark | null;
}

function Picture({ bitmap, mark }: PictureProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    context.clearRect(0, 0, THUMBNAIL, THUMBNAIL);
    if (bitmap === null) return;
    context.drawImage(bitmap, 0, 0);
    if (mark !== null) drawMark(context, mark);
  }, [bitmap, mark]);
  return <canvas ref={canvas} class="case-picture" width={THUMBNAIL} height={THUMBNAIL} aria-hidden />;
}

/** In the mask's colour, over the picture. */
function drawMark(context: CanvasRenderingContext2D, mark: Mark): void {
  const layer = new OffscreenCanvas(THUMBNAIL, THUMBNAIL);
  const own = layer.getContext('2d')!;
  const pixels = new ImageData(THUMBNAIL, THUMBNAIL);
  mark.forEach((covered, p) => (pixels.data[4 * p + 3] = covered));
  own.putImageData(pixels, 0, 0);
  own.globalCompositeOperation = 'source-in';
  own.fillStyle = getComputedStyle(context.canvas).getPropertyValue('--mask');
  own.fillRect(0, 0, THUMBNAIL, THUMBNAIL);
  context.globalAlpha = 0.7;
  context.drawImage(layer, 0, 0);
  context.globalAlpha = 1;
}

function Decided({ judgement }: { readonly judgement: Judgement }): JSX.Element {
  const icon = { accepted: Check, corrected: Pencil, skipped: SkipForward }[judgement];
  return (
    <span class="case-mark" role="img" aria-label={say(judgement)} title={say(judgement)}>
      <Icon of={icon} />
    </span>
  );
}

/** The figure that the list is sorted by, or the first that is known; then what was decided. */
function aboutOf({ item, figures, sort, judgement }: CaseRowProps): string {
  const texts = {
    dice: figures?.dice == null ? null : say('rowDice', { dice: figures.dice.toFixed(2) }),
    confidence: figures?.confidence == null ? null : say('rowConfidence', { confidence: figures.confidence.toFixed(2) }), // prettier-ignore
    area: figures?.area == null ? null : say('rowArea', { area: figures.area }),
  };
  const figure = (sort === 'name' ? null : texts[sort]) ?? texts.dice ?? texts.area;
  const first = figure ?? (item.note === '' ? say('rowNoNote') : item.note);
  return judgement === 'corrected' ? `${first}, ${say('corrected').toLowerCase()}` : first;
}

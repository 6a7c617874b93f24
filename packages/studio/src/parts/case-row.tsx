/** A case in the list: its picture, name, figure, and what was decided. */
import { Check, Pencil, SkipForward } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
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
}

export function CaseRow(props: CaseRowProps): JSX.Element {
  const { item, at, count, isCurrent, judgement, thumbnail } = props;
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
        <Picture bitmap={thumbnail} />
        <span class="case-text">
          <span class="case-name">{item.name}</span>
          <span class="small quiet case-about">{about}</span>
        </span>
        {judgement && <Mark judgement={judgement} />}
      </button>
    </li>
  );
}

function Picture({ bitmap }: { readonly bitmap: ImageBitmap | null }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    context.clearRect(0, 0, THUMBNAIL, THUMBNAIL);
    if (bitmap !== null) context.drawImage(bitmap, 0, 0);
  }, [bitmap]);
  return <canvas ref={canvas} class="case-picture" width={THUMBNAIL} height={THUMBNAIL} aria-hidden />;
}

function Mark({ judgement }: { readonly judgement: Judgement }): JSX.Element {
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

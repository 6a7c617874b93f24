/** Four hints on the first visit, next to what they are about. */
import type { JSX } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { say, type StringName } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';

interface Hint {
  readonly text: StringName;
  /** What it is about: the first of these that is on the page. */
  readonly at: readonly string[];
  readonly side: 'left' | 'right' | 'below';
}

const HINTS: readonly Hint[] = [
  { text: 'tour1', at: ['.drop .row', '.case'], side: 'below' },
  { text: 'tour2', at: ['.note-field'], side: 'left' },
  { text: 'tour3', at: ['.sides', '.note .head'], side: 'left' },
  { text: 'tour4', at: ['.finding', '.model-card', '.stays'], side: 'left' },
];
const WIDTH = 264;

function boxOf({ at }: Hint): DOMRect | null {
  const found = at.map((one) => document.querySelector(one)).find((element) => element !== null);
  return found?.getBoundingClientRect() ?? null;
}

export function Tour(): JSX.Element | null {
  const dispatch = useDispatch();
  const at = useStudio((state) => state.tour);
  const picture = useStudio((state) => state.picture?.id);
  const [box, setBox] = useState<DOMRect | null>(null);
  const hint = at === null ? undefined : HINTS[at];
  useLayoutEffect(() => {
    if (hint === undefined) return undefined;
    const look = (): void => setBox(boxOf(hint));
    look();
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, [hint, picture]);
  if (at === null || hint === undefined || box === null) return null;
  const last = at === HINTS.length - 1;
  const room = document.documentElement.clientWidth;
  const narrow = room < 900;
  const below = narrow || hint.side === 'below';
  const left = below ? box.left + box.width / 2 - WIDTH / 2 : box.left - WIDTH - 16;
  const top = below ? box.bottom + 12 : box.top;
  const style = {
    width: `${WIDTH}px`,
    left: `${Math.max(12, Math.min(room - WIDTH - 12, left))}px`,
    top: `${Math.max(12, Math.min(innerHeight - 140, top))}px`,
  };
  return (
    <section
      class="tour"
      style={style}
      role="dialog"
      aria-label={say('tourAt', { at: at + 1, count: HINTS.length })}
    >
      <p>{say(hint.text)}</p>
      <div class="row">
        <span class="quiet small grow">{say('tourAt', { at: at + 1, count: HINTS.length })}</span>
        {!last && (
          <button type="button" class="plain" onClick={() => dispatch({ type: 'tour/at', hint: null })}>
            {say('tourSkip')}
          </button>
        )}
        <button
          type="button"
          class="primary"
          onClick={() => dispatch({ type: 'tour/at', hint: last ? null : at + 1 })}
        >
          {say(last ? 'tourDone' : 'tourNext')}
        </button>
      </div>
    </section>
  );
}

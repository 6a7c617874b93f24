/** Asked once when a note is edited over strokes: they may lie over another mask now. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';

export function StrokesQuestion(): JSX.Element | null {
  const dispatch = useDispatch();
  const asks = useStudio((state) => state.strokes.asking !== null);
  useEffect(() => {
    if (!asks) return undefined;
    const escape = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') dispatch({ type: 'strokes/answered', answer: 'cancel' });
    };
    addEventListener('keydown', escape);
    return () => removeEventListener('keydown', escape);
  }, [asks]);
  if (!asks) return null;
  return (
    <div class="question" role="alertdialog" aria-labelledby="strokes-question">
      <strong id="strokes-question">{say('replaceStrokes')}</strong>
      <span class="grow" />
      <button
        type="button"
        class="edged"
        onClick={() => dispatch({ type: 'strokes/answered', answer: 'replace' })}
      >
        {say('replace')}
      </button>
      <button
        type="button"
        class="edged"
        onClick={() => dispatch({ type: 'strokes/answered', answer: 'keep' })}
      >
        {say('keepStrokes')}
      </button>
    </div>
  );
}

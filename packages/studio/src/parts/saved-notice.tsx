/** What was saved, or why not: for a few seconds, and read out. Failures stay until they are dismissed. */
import { Check, TriangleAlert, X } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { Icon } from './icon.js';

const SHOWN = 6000;

export function SavedNotice(): JSX.Element {
  const dispatch = useDispatch();
  const saved = useStudio((state) => state.saved);
  const dismiss = (): void => dispatch({ type: 'saved/set', saved: null });
  useEffect(() => {
    if (saved === null || saved.failed) return undefined;
    const timer = setTimeout(dismiss, SHOWN);
    return () => clearTimeout(timer);
  }, [saved]);
  return (
    <div role="status" aria-live="polite">
      {saved !== null && (
        <div class={`notice${saved.failed ? ' warning' : ' saved'}`}>
          <Icon of={saved.failed ? TriangleAlert : Check} />
          <span>{saved.text}</span>
          <button type="button" class="plain" aria-label={say('dismiss')} onClick={dismiss}>
            <Icon of={X} />
          </button>
        </div>
      )}
    </div>
  );
}

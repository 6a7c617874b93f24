/** Failures, slow work, and the line that is read out once per result. */
import { TriangleAlert, X } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { spoken } from '../state/model-text.js';
import { failureText, modelFailureText } from '../state/warning-text.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { Icon } from './icon.js';

/** Milliseconds after which the page says that it is working. */
const SLOW = 300;

export function Notices(): JSX.Element {
  const dispatch = useDispatch();
  const failure = useStudio((state) => state.failure);
  const model = useStudio((state) => state.model);
  const result = useStudio((state) => state.result);
  const computing = useStudio((state) => state.computing);
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!computing) {
      setSlow(false);
      return undefined;
    }
    const timer = setTimeout(() => setSlow(true), SLOW);
    return () => clearTimeout(timer);
  }, [computing]);
  const broken = model.status === 'failed' ? modelFailureText(model.code, model.message) : null;
  const text = broken ?? (failure && failureText(failure.code, failure.message, failure.file ?? null));
  return (
    <>
      {text !== null && (
        <div class="notice warning" role="alert">
          <Icon of={TriangleAlert} />
          <span>{text}</span>
          {broken === null && (
            <button
              type="button"
              class="plain"
              aria-label={say('dismiss')}
              onClick={() => dispatch({ type: 'failure/dismissed' })}
            >
              <Icon of={X} />
            </button>
          )}
        </div>
      )}
      {slow && <p class="notice slow">{say('redrawing')}</p>}
      <p class="unseen" role="status" aria-live="polite">
        {result === null ? '' : spoken(result)}
      </p>
    </>
  );
}

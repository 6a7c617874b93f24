/** Compares two models; absent if the page was served with one. */
import { Boxes } from 'lucide-preact';
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { KeyButton } from './icon.js';

export function ModelsButton(): JSX.Element | null {
  const dispatch = useDispatch();
  const ready = useStudio((state) => state.second !== null && state.result !== null);
  const open = useStudio((state) => state.compare?.models === true);
  const notes = useStudio((state) => state.compare?.models === false);
  if (!ready) return null;
  return (
    <KeyButton
      class="plain compare-button"
      icon={Boxes}
      label={say('models')}
      keys="D"
      pressed={open}
      disabled={notes}
      onClick={() => dispatch({ type: open ? 'compare/close' : 'compare/models' })}
    />
  );
}

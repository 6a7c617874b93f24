/** Shows patches and words of interest; absent where the model has none. */
import { ScanEye } from 'lucide-preact';
import type { JSX } from 'preact';
import { hasInterest } from '../state/interest.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { RailButton } from './rail-button.js';

export function InterestSwitch(): JSX.Element | null {
  const dispatch = useDispatch();
  const has = useStudio(hasInterest);
  const interest = useStudio((state) => state.view.interest);
  const comparing = useStudio((state) => state.compare !== null);
  if (!has) return null;
  return (
    <RailButton
      icon={ScanEye}
      label={say('toolInterest')}
      keys="I"
      pressed={interest}
      disabled={comparing}
      onClick={() => dispatch({ type: 'view/set', view: { interest: !interest } })}
    />
  );
}

/** The phone's row of tools; the style sheet shows it there alone. Sliders are behind "Mask". */
import { Eye, EyeOff, Redo2, SlidersHorizontal, Undo2 } from 'lucide-preact';
import type { LucideIcon } from 'lucide-preact';
import type { JSX } from 'preact';
import { canRedo, canUndo } from '../state/history.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { Icon } from './icon.js';

export function PhoneTools(): JSX.Element {
  const dispatch = useDispatch();
  const hidden = useStudio((state) => state.view.hidden);
  const sliders = useStudio((state) => state.panel.menu === 'mask');
  const history = useStudio((state) => state.history);
  return (
    <>
      <PhoneTool
        icon={hidden ? EyeOff : Eye}
        label={say(hidden ? 'show' : 'hide')}
        onClick={() => dispatch({ type: 'view/set', view: { hidden: !hidden } })}
      />
      <PhoneTool
        icon={SlidersHorizontal}
        label={say('mask')}
        expanded={sliders}
        onClick={() => dispatch({ type: 'panel/set', panel: { menu: sliders ? null : 'mask' } })}
      />
      <PhoneTool
        icon={Undo2}
        label={say('undo')}
        disabled={!canUndo(history)}
        onClick={() => dispatch({ type: 'history/undo' })}
      />
      <PhoneTool
        icon={Redo2}
        label={say('redo')}
        disabled={!canRedo(history)}
        onClick={() => dispatch({ type: 'history/redo' })}
      />
    </>
  );
}

interface PhoneToolProps {
  readonly icon: LucideIcon;
  readonly label: string;
  readonly disabled?: boolean;
  readonly expanded?: boolean;
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

export function PhoneTool({
  icon,
  label,
  disabled,
  expanded,
  pressed,
  onClick,
}: PhoneToolProps): JSX.Element {
  const hasPicture = useStudio((state) => state.picture !== null);
  return (
    <button
      type="button"
      class="phone-tool"
      aria-expanded={expanded}
      aria-pressed={pressed}
      disabled={!hasPicture || disabled === true}
      onClick={onClick}
    >
      <Icon of={icon} size={20} />
      {label}
    </button>
  );
}

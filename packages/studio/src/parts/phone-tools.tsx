/**
 * The phone's row of tools; the style sheet shows it there alone. Those that do not fit are behind "Brush"; sliders, view and
 * layers behind "Mask".
 */
import { Brush, Eraser, Eye, EyeOff, Redo2, SlidersHorizontal, Undo2 } from 'lucide-preact';
import type { LucideIcon } from 'lucide-preact';
import type { JSX } from 'preact';
import { canRedo, canUndo } from '../state/history.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { Icon } from './icon.js';

export function PhoneTools(): JSX.Element {
  const dispatch = useDispatch();
  const hidden = useStudio((state) => state.view.hidden);
  const menu = useStudio((state) => state.panel.menu);
  const tool = useStudio((state) => state.view.tool);
  const off = useStudio((state) => state.result === null || state.compare !== null);
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
        expanded={menu === 'mask'}
        onClick={() => dispatch({ type: 'panel/set', panel: { menu: menu === 'mask' ? null : 'mask' } })}
      />
      <PhoneTool
        icon={Brush}
        label={say('brush')}
        disabled={off}
        expanded={menu === 'brush'}
        onClick={() => {
          dispatch({ type: 'view/set', view: { tool: 'brush' } });
          dispatch({
            type: 'panel/set',
            panel: { menu: menu === 'brush' && tool === 'brush' ? null : 'brush' },
          });
        }}
      />
      <PhoneTool
        icon={Eraser}
        label={say('erase')}
        disabled={off}
        pressed={tool === 'eraser'}
        onClick={() => dispatch({ type: 'view/set', view: { tool: 'eraser' } })}
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

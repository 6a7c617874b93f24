/** Buttons of the rail: an icon with its key below. */
import type { LucideIcon } from 'lucide-preact';
import type { JSX } from 'preact';
import type { Tool } from '../state/state.js';
import { useDispatch, useStudio } from '../studio.js';
import { Icon } from './icon.js';

interface ToolButtonProps {
  readonly tool: Tool;
  readonly icon: LucideIcon;
  readonly label: string;
  readonly keys: string;
  readonly disabled?: boolean;
}

/** Chooses what the pointer does on the image. */
export function ToolButton({ tool, icon, label, keys, disabled = false }: ToolButtonProps): JSX.Element {
  const dispatch = useDispatch();
  const chosen = useStudio((state) => state.view.tool === tool);
  return (
    <RailButton
      icon={icon}
      label={label}
      keys={keys}
      pressed={chosen}
      disabled={disabled}
      onClick={() => dispatch({ type: 'view/set', view: { tool } })}
    />
  );
}

interface RailButtonProps {
  readonly icon: LucideIcon;
  readonly label: string;
  /** Below the icon on phones, where there are no tooltips; default: the label up to its colon. */
  readonly word?: string;
  readonly keys: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

export function RailButton(props: RailButtonProps): JSX.Element {
  const { icon, label, keys, pressed, disabled, onClick } = props;
  const word = props.word ?? label.split(':')[0];
  const hasPicture = useStudio((state) => state.picture !== null);
  return (
    <button
      type="button"
      class="rail"
      aria-label={label}
      aria-pressed={hasPicture ? pressed : undefined}
      aria-keyshortcuts={keys}
      title={`${label} (${keys})`}
      disabled={!hasPicture || disabled === true}
      onClick={onClick}
    >
      <Icon of={icon} size={18} />
      <span class="key" aria-hidden>
        {keys}
      </span>
      <span class="word" aria-hidden>
        {word}
      </span>
    </button>
  );
}

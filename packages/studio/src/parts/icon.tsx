/** Lucide's icons at the design's weight, and buttons that have a key. */
import type { LucideIcon } from 'lucide-preact';
import type { ComponentChildren, JSX } from 'preact';

interface IconProps {
  readonly of: LucideIcon;
  /** 16 in text, 18 in the rail, 20 on phones. */
  readonly size?: number;
}

export function Icon({ of: Drawn, size = 16 }: IconProps): JSX.Element {
  return <Drawn size={size} strokeWidth={1.6} aria-hidden />;
}

interface KeyButtonProps {
  readonly icon?: LucideIcon;
  readonly label: string;
  /** As shown, such as "W" or "⇧ C". */
  readonly keys?: string;
  readonly class?: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  /** Show icon and key alone; the label is a tooltip. */
  readonly bare?: boolean;
  readonly size?: number;
  readonly expanded?: boolean;
  readonly onClick: () => void;
  readonly children?: ComponentChildren;
}

export function KeyButton(props: KeyButtonProps): JSX.Element {
  const { icon, label, keys, pressed, disabled = false, bare = false, size, expanded, onClick } = props;
  const title = keys === undefined ? label : `${label} (${keys})`;
  return (
    <button
      type="button"
      class={props.class}
      aria-label={bare ? label : undefined}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-keyshortcuts={keys}
      disabled={disabled}
      title={bare ? title : undefined}
      onClick={onClick}
    >
      {icon && <Icon of={icon} {...(size === undefined ? {} : { size })} />}
      {!bare && <span>{label}</span>}
      {props.children}
      {keys !== undefined && !bare && (
        <span class="key" aria-hidden>
          {keys}
        </span>
      )}
    </button>
  );
}

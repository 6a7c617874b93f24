/** A choice of a few, as one control: radio buttons that look like a switch. */
import type { JSX } from 'preact';

interface SegmentedProps<T extends string> {
  readonly name: string;
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string; readonly keys?: string }[];
  readonly value: T | null;
  readonly onChange: (value: T) => void;
}

export function Segmented<T extends string>(props: SegmentedProps<T>): JSX.Element {
  const { name, label, options, value, onChange } = props;
  return (
    <fieldset class="segmented">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? 'chosen' : undefined}>
          <input
            type="radio"
            class="unseen"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
          {option.keys !== undefined && (
            <span class="key" aria-hidden>
              {option.keys}
            </span>
          )}
        </label>
      ))}
    </fieldset>
  );
}

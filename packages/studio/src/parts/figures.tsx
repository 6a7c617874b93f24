/** A table of figures with its heading, and the button that copies it as text. */
import { Copy } from 'lucide-preact';
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { KeyButton } from './icon.js';

interface HeadProps {
  readonly title: string;
  /** Null: there is nothing to copy. */
  readonly onCopy: (() => void) | null;
  readonly copied?: boolean;
}

export function FiguresHead({ title, onCopy, copied = false }: HeadProps): JSX.Element {
  return (
    <div class="head">
      <h2>{title}</h2>
      <KeyButton
        class="plain"
        icon={Copy}
        label={say(copied ? 'copied' : 'copy')}
        keys="⇧ C"
        disabled={onCopy === null}
        onClick={() => onCopy?.()}
      />
    </div>
  );
}

export function ColumnTitles({ titles }: { readonly titles: readonly string[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {titles.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
      </tr>
    </thead>
  );
}

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

/** The last row of a table: its label, then its figures. */
export function TotalRow({ cells }: { readonly cells: readonly string[] }): JSX.Element {
  return (
    <tfoot>
      <tr>
        {cells.map((cell, i) =>
          i === 0 ? (
            <th key={i} scope="row">
              {cell}
            </th>
          ) : (
            <td key={i}>{cell}</td>
          ),
        )}
      </tr>
    </tfoot>
  );
}

/** Rows of two masks' parts, each with the colour it has on the image. */
export function PartRows({
  rows,
  parts,
}: {
  readonly rows: readonly { readonly cells: readonly string[] }[];
  readonly parts: readonly ('kept' | 'gained' | 'lost')[];
}): JSX.Element {
  return (
    <tbody>
      {rows.map(({ cells: [label, ...figures] }, row) => (
        <tr key={label}>
          <th scope="row">
            <span class={`swatch ${parts[row] ?? ''}`} aria-hidden /> {label}
          </th>
          {figures.map((figure, i) => (
            <td key={i}>{figure}</td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

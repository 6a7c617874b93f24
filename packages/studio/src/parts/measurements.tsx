/** The table of areas, and the pixel size behind it: never a guessed millimetre. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { copyText } from '../copy.js';
import { type Table, tableOf, tableText } from '../state/table.js';
import type { Picture } from '../state/state.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { ColumnTitles, FiguresHead, TotalRow } from './figures.js';

export function Measurements(): JSX.Element {
  const dispatch = useDispatch();
  const result = useStudio((state) => state.result);
  const picture = useStudio((state) => state.picture);
  const marked = useStudio((state) => state.view.marked);
  const [copied, setCopied] = useState(false);
  const table = result && picture ? tableOf(result, picture) : null;
  const copy = (shown: Table): void => {
    copyText(tableText(shown));
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <section class="section measurements">
      <FiguresHead title={say('measurements')} onCopy={table && (() => copy(table))} copied={copied} />
      {table !== null && (
        <table>
          <ColumnTitles titles={table.head} />
          <tbody>
            {table.rows.map(({ place, cells: [label, ...figures] }) => (
              <tr
                key={label}
                class={place !== null && place === marked ? 'marked' : undefined}
                onPointerEnter={() => dispatch({ type: 'view/set', view: { marked: place } })}
                onPointerLeave={() => dispatch({ type: 'view/set', view: { marked: null } })}
              >
                <th scope="row">
                  {place !== null && <span class="number">{place}</span>} {label}
                </th>
                {figures.map((figure, i) => (
                  <td key={i}>{figure}</td>
                ))}
              </tr>
            ))}
          </tbody>
          <TotalRow cells={table.total} />
        </table>
      )}
      {picture !== null && <SpacingLine picture={picture} />}
    </section>
  );
}

function SpacingLine({ picture }: { readonly picture: Picture }): JSX.Element {
  const dispatch = useDispatch();
  const [asking, setAsking] = useState(false);
  const { spacing, spacingFrom } = picture;
  if (asking)
    return (
      <form
        class="row small"
        onSubmit={(event) => {
          event.preventDefault();
          const value = Number(new FormData(event.currentTarget).get('mm'));
          if (!(value > 0)) return;
          dispatch({ type: 'picture/spacing', spacing: [value, value] });
          setAsking(false);
        }}
      >
        <label>
          {say('pixelMm')}{' '}
          <input name="mm" type="number" min="0.001" max="100" step="any" required class="number-field" />
        </label>
        <button type="submit" class="edged">
          {say('set')}
        </button>
      </form>
    );
  const [width, height] = spacing ?? [0, 0];
  const name = spacingFrom === 'file' ? 'spacingFile' : spacingFrom === 'user' ? 'spacingUser' : 'noSpacing';
  return (
    <p class="quiet small">
      {say(name, { width: short(width), height: short(height) })}{' '}
      {spacingFrom !== 'file' && (
        <button type="button" class="link" onClick={() => setAsking(true)}>
          {say('setMm')}
        </button>
      )}
    </p>
  );
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

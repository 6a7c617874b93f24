/** Two notes on one image: A stays, B takes the typing. */
import type { JSX } from 'preact';
import { copyText } from '../copy.js';
import { piecesOf, changedWords } from '../note/pieces.js';
import { areaOf, compareMasks } from '../stage/compare-masks.js';
import { differenceTable, tableText } from '../state/table.js';
import type { Result } from '../state/state.js';
import { say, sayCount } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { ColumnTitles, FiguresHead, PartRows } from './figures.js';
import { KeyButton } from './icon.js';
import { NoteField } from './note-field.js';
import { Chips, SidesSwitch } from './note-section.js';
import { Thumbnail } from './mask-view.js';

export function ComparePanel(): JSX.Element {
  const dispatch = useDispatch();
  const { a, result } = useStudio((state) => state.compare)!;
  const text = useStudio((state) => state.note.text);
  const now = useStudio((state) => state.result);
  const changed = changedWords(a.text, text);
  const count = Math.max(changed.a.length, changed.b.length);
  return (
    <>
      <div class="scrolled">
        <section class="section note compared">
          <div class="head">
            <h2>
              <span class="letter">A</span> {say('note')}
            </h2>
            <span class="quiet small">{say('firstNote')}</span>
          </div>
          <p class="fixed-note">
            {piecesOf(a.text, null, changed.a).map((piece, i) => (
              <span key={i} class={piece.changed ? 'lost-word' : undefined}>
                {piece.text}
              </span>
            ))}
          </p>
        </section>
        <section class="section note">
          <div class="head">
            <h2>
              <span class="letter">B</span> {say('note')} <kbd aria-hidden>N</kbd>
            </h2>
            <span class="quiet small">{sayCount('wordsChanged', count)}</span>
          </div>
          <NoteField changed={changed.b} />
          <SidesSwitch />
          <Chips writing={false} />
        </section>
        <section class="section thumbnails">
          <Thumbnail letter="A" />
          <Thumbnail letter="B" />
        </section>
        <Difference />
        {now !== null && <BothFindings a={result} b={now} />}
      </div>
      <section class="actions" aria-label={say('actions')}>
        <KeyButton
          class="edged"
          label={say('keepA')}
          keys="⇧ A"
          onClick={() => dispatch({ type: 'compare/keep', which: 'a' })}
        />
        <KeyButton
          class="primary"
          label={say('keepB')}
          keys="⇧ B"
          onClick={() => dispatch({ type: 'compare/keep', which: 'b' })}
        />
        <KeyButton
          class="plain"
          label={say('close')}
          keys="Esc"
          onClick={() => dispatch({ type: 'compare/close' })}
        />
      </section>
    </>
  );
}

function Difference(): JSX.Element {
  const { rasters } = useServices();
  const picture = useStudio((state) => state.picture)!;
  useStudio((state) => state.result); // masks change with it
  const { compared, mask } = rasters;
  const parts = compared && mask ? compareMasks(compared, mask) : null;
  const table =
    parts &&
    differenceTable(
      { kept: areaOf(parts.kept), gained: areaOf(parts.gained), lost: areaOf(parts.lost) },
      picture,
    );
  return (
    <section class="section measurements difference">
      <FiguresHead title={say('difference')} onCopy={table && (() => copyText(tableText(table)))} />
      {table !== null && (
        <table>
          <ColumnTitles titles={table.head} />
          <PartRows rows={table.rows} parts={['kept', 'gained', 'lost']} />
        </table>
      )}
    </section>
  );
}

export function BothFindings({ a, b }: { readonly a: Result; readonly b: Result }): JSX.Element {
  const dash = '–';
  const presence = ({ confidence }: Result): string =>
    confidence ? say('percent', { value: Math.round(100 * confidence.presence.probability) }) : dash;
  const rows = [
    [say('present'), presence(a), presence(b)],
    [say('confidence'), a.confidence?.dice.toFixed(2) ?? dash, b.confidence?.dice.toFixed(2) ?? dash],
    [say('warnings'), String(a.warnings.length), String(b.warnings.length)],
  ] as const;
  return (
    <section class="section measurements both">
      <h2 class="unseen">{say('finding')}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('finding')}</th>
            <th scope="col">A</th>
            <th scope="col">B</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, first, second]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{first}</td>
              <td>{second}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

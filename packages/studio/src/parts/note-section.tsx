/** The note, whose sides it means, and how it was read. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { withPlace } from '../note/reading.js';
import { zoneRects } from '../note/zone-rects.js';
import type { Sides } from '../state/state.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { StrokesQuestion } from './strokes-question.js';
import { InterestWords } from './interest-words.js';
import { NoteField } from './note-field.js';
import { Segmented } from './segmented.js';

export function NoteSection(): JSX.Element {
  const hasPicture = useStudio((state) => state.picture !== null);
  const [writing, setWriting] = useState(false);
  return (
    <section class="section note" onFocusIn={() => setWriting(true)} onFocusOut={() => setWriting(false)}>
      <div class="head">
        <h2>
          {say('note')} <kbd aria-hidden>N</kbd>
        </h2>
        {hasPicture && <SidesSwitch />}
      </div>
      <NoteField />
      <StrokesQuestion />
      {hasPicture ? <Chips writing={writing} /> : <p class="quiet small">{say('noteHint')}</p>}
      <InterestWords />
    </section>
  );
}

export function SidesSwitch(): JSX.Element {
  const dispatch = useDispatch();
  const asked = useStudio((state) => state.note.sides);
  const learnt = useStudio((state) => (state.model.status === 'ready' ? state.model.info.sides : 'unknown'));
  const value: Sides | null = asked ?? (learnt === 'unknown' ? null : learnt);
  return (
    <div class="sides" title={say('sidesHelp')}>
      <span class="quiet" aria-hidden>
        {say('sides')}
      </span>
      <Segmented
        name="sides"
        label={say('sidesHelp')}
        options={[
          { value: 'patient', label: say('patient') },
          { value: 'image', label: say('image') },
        ]}
        value={value}
        onChange={(sides) => dispatch({ type: 'note/sides', sides })}
      />
    </div>
  );
}

/** How the note was read; while it is written, places to add follow. */
export function Chips({ writing }: { readonly writing: boolean }): JSX.Element {
  const dispatch = useDispatch();
  const reading = useStudio((state) => state.noteReading);
  const text = useStudio((state) => state.note.text);
  const marked = useStudio((state) => state.view.marked);
  const readsNotes = useStudio((state) => state.model.status === 'ready' && state.model.info.readsNotes);
  if (!readsNotes) return <p class="quiet small">{say('noNotes')}</p>;
  const named = (reading?.places ?? []).reduce((bits, { zones }) => bits | zones, 0);
  const open = zoneRects(1, 1, reading?.sides ?? 'unknown').filter(({ zone }) => (named & zone) === 0);
  const mark = (number: number | null): void => dispatch({ type: 'view/set', view: { marked: number } });
  return (
    <ul class="chips">
      {(reading?.chips ?? []).map((chip) => (
        <li key={chip} class="chip">
          {chip}
        </li>
      ))}
      {(reading?.places ?? []).map(({ number, label }) => (
        <li
          key={number}
          class={`chip place ${marked === number ? 'marked' : ''}`}
          onPointerEnter={() => mark(number)}
          onPointerLeave={() => mark(null)}
        >
          <span class="number">{number}</span> {label}
        </li>
      ))}
      {writing &&
        open.map(({ name }) => (
          <li key={name}>
            <button
              type="button"
              class="chip add"
              aria-label={say('addPlace', { place: name })}
              onPointerDown={(event) => event.preventDefault()} // the field keeps the focus
              onClick={() => dispatch({ type: 'note/typed', text: withPlace(text, `${name} lung`) })}
            >
              + {name}
            </button>
          </li>
        ))}
      {reading?.sent != null && text.trim() !== '' && (
        <li class="sent quiet small">{say('sent', { note: reading.sent })}</li>
      )}
    </ul>
  );
}

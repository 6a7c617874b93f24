/** The note's field: what is drawn under its text shows how the note is read; suggestions wait in its last row. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { piecesOf } from '../note/pieces.js';
import { replaced } from '../note/reading.js';
import type { Reading, Span, UnknownWord } from '../state/state.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';

/** Where the keys find it. */
export const NOTE_ID = 'note';

interface NoteFieldProps {
  /** Words that differ from another note. */
  readonly changed?: readonly Span[];
}

export function NoteField({ changed = [] }: NoteFieldProps): JSX.Element {
  const dispatch = useDispatch();
  const text = useStudio((state) => state.strokes.asking?.text ?? state.note.text);
  const reading = useStudio((state) => state.noteReading);
  const hasPicture = useStudio((state) => state.picture !== null);
  const area = useRef<HTMLTextAreaElement>(null);
  const caret = useRef<number | null>(null);
  const word = reading?.text === text ? suggested(reading) : null;
  const type = (to: string): void => dispatch({ type: 'note/typed', text: to });

  useEffect(() => {
    const element = area.current!;
    element.style.height = '0';
    element.style.height = `${element.scrollHeight}px`;
    if (caret.current === null) return;
    element.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [text]);

  const take = (): void => {
    if (word?.nearest == null) return;
    const next = replaced(text, word, word.nearest);
    caret.current = next.length - (text.length - word.end);
    type(next);
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === 'Escape') area.current?.blur();
    else if (event.key === 'Tab' && plain && word?.nearest != null) {
      event.preventDefault();
      take();
    }
  };
  return (
    <div class="note-field">
      <div class="note-text">
        <div class="under" aria-hidden>
          {piecesOf(text, reading, changed).map((piece, i) => (
            <span key={i} class={classOf(piece)}>
              {piece.text}
              {piece.ends && <sup data-number={piece.place} />}
            </span>
          ))}{' '}
        </div>
        <textarea
          id={NOTE_ID}
          ref={area}
          value={text}
          placeholder={say('noteExample')}
          aria-label={say('note')}
          aria-describedby="suggestion"
          aria-keyshortcuts="N"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="sentences"
          rows={3}
          maxLength={4000}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      {hasPicture && (
        <div class="suggestion" id="suggestion">
          {word !== null && <Suggestion word={word} onTake={take} />}
        </div>
      )}
    </div>
  );
}

/** The first word to speak about: one that is ignored, before one that was read as another. */
function suggested({ unknown }: Reading): UnknownWord | null {
  return unknown.find(({ mended }) => !mended) ?? unknown[0] ?? null;
}

function classOf({ place, unknown, changed }: ReturnType<typeof piecesOf>[number]): string {
  return [place === null ? '' : 'named', unknown ? 'unknown' : '', changed ? 'changed' : '']
    .filter((name) => name !== '')
    .join(' ');
}

function Suggestion({
  word,
  onTake,
}: {
  readonly word: UnknownWord;
  readonly onTake: () => void;
}): JSX.Element {
  if (word.nearest === null) return <span>{say('unknownIgnored')}</span>;
  return (
    <>
      <span>
        {say('unknownUse')} <strong>{word.nearest}</strong>?
      </span>
      <button type="button" class="link take" tabIndex={-1} onClick={onTake}>
        {say('replace')}
      </button>
      <kbd>Tab</kbd>
    </>
  );
}

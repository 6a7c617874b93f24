/** Steps of notes, sides, thresholds and strokes; undone ones stay, dimmed, until a new step replaces them. */
import { Redo2, Undo2 } from 'lucide-preact';
import type { JSX } from 'preact';
import type { Step } from '../state/state.js';
import { stepName } from '../note/step-name.js';
import { canRedo, canUndo } from '../state/history.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { KeyButton } from './icon.js';

export function HistorySection(): JSX.Element {
  const dispatch = useDispatch();
  const history = useStudio((state) => state.history);
  return (
    <section class="section history">
      <div class="head">
        <h2>{say('history')}</h2>
        <span class="row">
          <KeyButton
            bare
            class="plain"
            icon={Undo2}
            label={say('undo')}
            keys={`${COMMAND} Z`}
            disabled={!canUndo(history)}
            onClick={() => dispatch({ type: 'history/undo' })}
          />
          <KeyButton
            bare
            class="plain"
            icon={Redo2}
            label={say('redo')}
            keys={`⇧ ${COMMAND} Z`}
            disabled={!canRedo(history)}
            onClick={() => dispatch({ type: 'history/redo' })}
          />
        </span>
      </div>
      <ol>
        {history.steps.map((step, i) => (
          <li
            key={step.id}
            class={i >= history.at ? 'undone' : i === history.at - 1 ? 'current' : undefined}
            aria-current={i === history.at - 1 ? 'step' : undefined}
          >
            <span class="dot" aria-hidden />
            <span class="name">{stepName(step)}</span>
            <span class="quiet">{areaText(step)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What edits added or took away. */
const areaText = ({ area, kind }: Step): string =>
  area === null ? '' : `${kind !== 'edit' ? area : area < 0 ? `−${-area}` : `+${area}`} px`;

/** Control replaces Command off macOS. */
export const COMMAND = /mac|iphone|ipad/i.test(navigator.userAgent) ? '⌘' : 'Ctrl';

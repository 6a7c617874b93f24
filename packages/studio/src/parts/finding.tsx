/** Is it there, can it be trusted: presence, confidence and warnings as the runtime reports them. */
import { LockKeyhole, TriangleAlert } from 'lucide-preact';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { editsOf } from '../state/history.js';
import type { Result } from '../state/state.js';
import { warningText } from '../state/warning-text.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { DrawnOnly } from './drawn-only.js';
import { Icon } from './icon.js';
import { TruthLine } from './truth-line.js';

export function Finding(): JSX.Element {
  const result = useStudio((state) => state.result);
  const blank = useStudio((state) => state.note.text.trim() === '');
  const edited = useStudio((state) => editsOf(state.history).length > 0);
  return (
    <section class="section finding">
      <div class="head">
        <h2>{say('finding')}</h2>
        <span class="phone-only row quiet small">
          <Icon of={LockKeyhole} /> {say('privacyPhone')}
        </span>
      </div>
      <DrawnOnly />
      {result === null ? (
        <p class="quiet">{say(blank ? 'emptyNote' : 'noResult')}</p>
      ) : (
        <Confidence result={result} />
      )}
      {result !== null && edited && <p class="quiet small">{say('beforeCorrections')}</p>}
      <TruthLine />
      <Warnings />
    </section>
  );
}

function Confidence({ result: { confidence, threshold } }: { readonly result: Result }): JSX.Element {
  const dispatch = useDispatch();
  const model = useStudio((state) => state.model);
  const calibration = model.status === 'ready' ? model.info.calibration : null;
  if (calibration === null) return <p class="quiet small">{say('confidenceNone')}</p>;
  if (confidence === null) {
    const own = calibration.threshold;
    return (
      <p class="quiet small">
        {say('confidenceThreshold', { threshold: own.toFixed(2) })}{' '}
        <button
          type="button"
          class="link"
          onClick={() => {
            dispatch({ type: 'threshold/moved', threshold: own });
            dispatch({ type: 'threshold/settled', from: threshold, area: null });
          }}
        >
          {say('backToThreshold', { threshold: own.toFixed(2) })}
        </button>
      </p>
    );
  }
  const { dice, calibrated, presence } = confidence;
  const { error, cases, data } = calibration;
  const percent = Math.round(100 * presence.probability);
  const isThere = presence.probability >= 0.5;
  return (
    <>
      <div class="measure">
        <span>{say(isThere ? 'present' : 'notPresent')}</span>
        <span class="meter" aria-hidden>
          <span class="fill" style={{ width: `${percent}%` }} />
        </span>
        <strong>{say('percent', { value: percent })}</strong>
      </div>
      {!presence.calibrated && <p class="quiet small">{say('presentRule')}</p>}
      <div class="measure">
        <span>{say('confidence')}</span>
        <span class="meter" aria-hidden>
          <span
            class="range"
            style={{
              left: `${100 * Math.max(0, dice - error)}%`,
              right: `${100 * Math.max(0, 1 - dice - error)}%`,
            }}
          />
          <span class="mark" style={{ left: `${100 * dice}%` }} />
        </span>
        <strong>{dice.toFixed(2)}</strong>
      </div>
      <p class="quiet small">
        {calibrated
          ? say('confidenceOff', { error: error.toFixed(2), cases, data })
          : say('confidenceUnusual')}
      </p>
    </>
  );
}

/** The row keeps its height when it is empty, so nothing jumps while typing. */
function Warnings(): JSX.Element {
  const result = useStudio((state) => state.result);
  const [all, setAll] = useState(false);
  const warnings = result?.warnings ?? [];
  const shown = all ? warnings : warnings.slice(0, 1);
  return (
    <div class="warnings">
      <ul aria-label={say('warnings')}>
        {shown.map(({ code, message, words }, i) => (
          <li key={`${code} ${i}`} class="warning">
            <Icon of={TriangleAlert} />
            <span title={code}>{warningText({ code, message, ...(words ? { words } : {}) })}</span>
          </li>
        ))}
      </ul>
      {warnings.length > 1 && (
        <button type="button" class="link small" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? say('less') : say('more', { count: warnings.length - 1 })}
        </button>
      )}
    </div>
  );
}

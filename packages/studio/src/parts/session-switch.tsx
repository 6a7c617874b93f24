/** Keeping the session in this browser: off until it is asked for, and cleared by one button. */
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';

export function SessionSwitch(): JSX.Element {
  const { session } = useServices();
  const on = useStudio((state) => state.session);
  return (
    <div class="session">
      <label class="row">
        <input type="checkbox" checked={on} onChange={() => void (on ? session.clear() : session.start())} />
        {say('keepSession')}
      </label>
      <p class="small quiet">{say('keepSessionText')}</p>
      {on && (
        <button type="button" class="edged" onClick={() => void session.clear()}>
          {say('clearSession')}
        </button>
      )}
    </div>
  );
}

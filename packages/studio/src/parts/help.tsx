/** All keys, the switch for them, and the hints again. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { KEYS } from '../keys.js';
import { say, type StringName } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { COMMAND } from './history-section.js';
import { SessionSwitch } from './session-switch.js';

const GROUPS = ['cases', 'note', 'view', 'edit', 'compare'] as const;
const TITLES: Readonly<Record<(typeof GROUPS)[number], StringName>> = {
  cases: 'keysCases',
  note: 'keysNote',
  view: 'keysView',
  edit: 'keysEdit',
  compare: 'keysCompare',
};

export function Help(): JSX.Element {
  const dispatch = useDispatch();
  const { store } = useServices();
  const open = useStudio((state) => state.panel.help);
  const keys = useStudio((state) => state.keys);
  useStudio((state) => state.model); // decides which keys there are
  const offered = KEYS.filter((entry) => entry.offered?.(store.state) ?? true);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = (): void => dispatch({ type: 'panel/set', panel: { help: false } });
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <div class="head">
        <h2 id="help-title">{say('keysTitle')}</h2>
        <button type="button" class="edged" onClick={close}>
          {say('close')} <kbd>Esc</kbd>
        </button>
      </div>
      <div class="key-groups">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3 class="quiet">{say(TITLES[group])}</h3>
            <dl class="pairs">
              {offered
                .filter((entry) => entry.group === group)
                .map((entry) => (
                  <div key={entry.name}>
                    <dt>{say(entry.name)}</dt>
                    <dd>
                      <kbd>{(entry.shown ?? entry.keys.join(' ')).replace('⌘', COMMAND)}</kbd>
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
      <SessionSwitch />
      <div class="row foot">
        <label class="row">
          <input
            type="checkbox"
            checked={keys}
            onChange={() => dispatch({ type: 'keys/set', keys: !keys })}
          />
          {say('keysOn')}
        </label>
        <span class="grow" />
        <button
          type="button"
          class="edged"
          onClick={() => {
            close();
            dispatch({ type: 'tour/at', hint: 0 });
          }}
        >
          {say('tourAgain')}
        </button>
      </div>
      <p class="small quiet">
        <strong>{say('researchLong')}</strong> {say('researchRest')} {say('privacyLong')}
      </p>
    </dialog>
  );
}

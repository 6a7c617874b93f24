/** What is decided about a mask: accept or save the correction, skip, export. */
import { Check, ChevronDown, Download } from 'lucide-preact';
import type { JSX } from 'preact';
import { editsOf } from '../state/history.js';
import { say } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { ExportMenu } from './export-menu.js';
import { KeyButton } from './icon.js';

export function Decision(): JSX.Element {
  const { cases } = useServices();
  const dispatch = useDispatch();
  const ready = useStudio((state) => state.result !== null && !state.computing);
  const isCase = useStudio((state) => state.cases.current !== null);
  const isShown = useStudio((state) => state.cases.shown === state.cases.current);
  const edited = useStudio((state) => editsOf(state.history).length > 0);
  const open = useStudio((state) => state.panel.menu === 'export');
  return (
    <section class="actions" aria-label={say('actions')}>
      <KeyButton
        class="primary grow"
        {...(edited ? {} : { icon: Check })} // the longer words leave no room for it
        label={say(edited ? 'saveCorrection' : 'accept')}
        keys="A"
        disabled={!ready || !isCase || !isShown}
        onClick={() => cases.judge('accept')}
      />
      <KeyButton
        class="edged"
        label={say('skip')}
        keys="S"
        disabled={!isCase}
        onClick={() => cases.judge('skip')}
      />
      <div class="menu-place">
        <button
          type="button"
          class="edged"
          id="export-button"
          aria-haspopup="menu"
          aria-expanded={open}
          aria-keyshortcuts="X"
          disabled={!ready}
          onClick={() => dispatch({ type: 'panel/set', panel: { menu: open ? null : 'export' } })}
        >
          <Download size={16} strokeWidth={1.6} aria-hidden /> {say('export')}
          <ChevronDown size={16} strokeWidth={1.6} aria-hidden />
        </button>
        {open && <ExportMenu />}
      </div>
    </section>
  );
}

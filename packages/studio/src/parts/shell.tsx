/** The regions of the page. On small windows the style sheet arranges them differently; their order stays that of reading. */
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';
import { Cases } from './cases.js';
import { DropTarget } from './drop-target.js';
import { Help } from './help.js';
import { Notices } from './notices.js';
import { SavedNotice } from './saved-notice.js';
import { Panel } from './panel.js';
import { Stage } from './stage.js';
import { Strip } from './strip.js';
import { Tools } from './tools.js';
import { TopBar } from './top-bar.js';
import { Tour } from './tour.js';

export function Shell(): JSX.Element {
  const drawer = useStudio((state) => state.panel.drawer);
  const menu = useStudio((state) => state.panel.menu);
  const empty = useStudio((state) => state.picture === null);
  return (
    <div
      class={`shell${drawer ? ' with-drawer' : ''}${empty ? ' is-empty' : ''}${menu === 'mask' ? ' with-sliders' : ''}${menu === 'brush' ? ' with-brush' : ''}`}
    >
      <TopBar />
      <nav class="cases" aria-label={say('cases')}>
        <Cases />
      </nav>
      <section class="tools" aria-label={say('tools')}>
        <Tools />
      </section>
      <main class="stage" aria-label={say('stage')}>
        <Stage />
        <Strip />
        <Notices />
        <SavedNotice />
      </main>
      <aside class="panel" aria-label={say('panel')}>
        <Panel />
      </aside>
      <DropTarget />
      <Help />
      <Tour />
    </div>
  );
}

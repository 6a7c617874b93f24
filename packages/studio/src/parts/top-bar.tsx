/** Name, picture, research line, privacy, runtime, compare, theme, help: one row, so height goes to the image. */
import {
  ChevronLeft,
  ChevronRight,
  CircleHelp,
  Columns2,
  FolderOpen,
  List,
  LockKeyhole,
  Moon,
  Sun,
} from 'lucide-preact';
import type { JSX } from 'preact';
import { shownCases } from '../cases/cases.js';
import { chooseFiles } from '../choose.js';
import { modelLine } from '../state/model-text.js';
import { say } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { Icon, KeyButton } from './icon.js';
import { ModelsButton } from './models-button.js';

export function TopBar(): JSX.Element {
  const services = useServices();
  const dispatch = useDispatch();
  const theme = useStudio((state) => state.theme);
  const picture = useStudio((state) => state.picture);
  const reading = useStudio((state) => state.reading);
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <header class="bar">
      <h1 class="product">
        <strong>{say('product')}</strong> {say('studio')}
      </h1>
      <div class="case">
        <DrawerButton />
        <Steps />
        <KeyButton
          class="plain"
          icon={FolderOpen}
          label={say('open')}
          keys="O"
          onClick={() => chooseFiles(services)}
        />
        {(reading !== null || picture !== null) && (
          <strong class="file" title={reading ?? picture?.name}>
            {reading === null ? picture?.name : say('reading', { file: reading })}
          </strong>
        )}
      </div>
      <p class="research">{say('research')}</p>
      <p class="privacy" title={say('privacyLong')}>
        <Icon of={LockKeyhole} /> <span>{say('privacy')}</span>
      </p>
      <div class="switches">
        <RuntimeLine />
        <CompareButton />
        <ModelsButton />
        <KeyButton
          bare
          class="plain"
          size={18}
          icon={theme === 'dark' ? Sun : Moon}
          label={say(other)}
          onClick={() => dispatch({ type: 'theme/set', theme: other })}
        />
        <KeyButton
          bare
          class="plain"
          size={18}
          icon={CircleHelp}
          label={say('help')}
          keys="?"
          onClick={() => dispatch({ type: 'panel/set', panel: { help: true } })}
        />
      </div>
    </header>
  );
}

/** Under 1280 pixels the list of cases is a drawer. */
function DrawerButton(): JSX.Element {
  const dispatch = useDispatch();
  const open = useStudio((state) => state.panel.drawer);
  return (
    <KeyButton
      bare
      class="plain drawer-button"
      icon={List}
      size={18}
      label={say('list')}
      expanded={open}
      onClick={() => dispatch({ type: 'panel/set', panel: { drawer: !open } })}
    />
  );
}

/** To the neighbouring cases, if there are several. */
function Steps(): JSX.Element | null {
  const { cases } = useServices();
  const listed = useStudio((state) => state.cases);
  const all = shownCases({ cases: listed });
  if (listed.items.length < 2) return null;
  const at = all.indexOf(listed.current ?? '');
  return (
    <div class="steps">
      <KeyButton
        bare
        class="plain"
        icon={ChevronLeft}
        size={18}
        label={say('previousCase')}
        keys="K"
        onClick={() => cases.step(-1)}
      />
      <KeyButton
        bare
        class="plain"
        icon={ChevronRight}
        size={18}
        label={say('nextCase')}
        keys="J"
        onClick={() => cases.step(1)}
      />
      {at >= 0 && <span class="quiet place">{say('caseAt', { at: at + 1, count: all.length })}</span>}
    </div>
  );
}

function RuntimeLine(): JSX.Element {
  const model = useStudio((state) => state.model);
  const result = useStudio((state) => state.result);
  const title = model.status === 'ready' && model.info.fellBack ? say('fallback') : undefined;
  return (
    <p class="runtime" title={title}>
      {modelLine(model, result)}
    </p>
  );
}

function CompareButton(): JSX.Element | null {
  const dispatch = useDispatch();
  const ready = useStudio((state) => state.result !== null);
  const open = useStudio((state) => state.compare?.models === false);
  const models = useStudio((state) => state.compare?.models === true);
  if (!ready) return null;
  return (
    <KeyButton
      class="plain compare-button"
      icon={Columns2}
      label={say('compare')}
      keys="C"
      pressed={open}
      disabled={models}
      onClick={() => dispatch({ type: open ? 'compare/close' : 'compare/open' })}
    />
  );
}

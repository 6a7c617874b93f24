/**
 * The keys, in one table that the help lists too. Single letters work outside text fields and can be switched off (WCAG
 * 2.1.4); those with Control or Command always work.
 */
import { chooseFiles, chooseFolder } from './choose.js';
import { CASE_KEYS } from './tools/case-keys.js';
import { EDIT_KEYS } from './tools/edit-keys.js';
import { hasInterest } from './state/interest.js';
import { endTint } from './effects.js';
import type { KeyEntry } from './key-entry.js';
import type { Action } from './state/actions.js';
import { hasTruth } from './state/cases.js';
import type { Studio } from './state/state.js';
import type { Services } from './studio.js';
import { copyMeasures } from './copy.js';

const hasPicture = ({ picture }: Studio): boolean => picture !== null;
const comparing = ({ compare }: Studio): boolean => compare !== null;
const comparingNotes = ({ compare }: Studio): boolean => compare?.models === false;

const act =
  (action: (state: Studio) => Action) =>
  ({ store }: Services): void =>
    store.dispatch(action(store.state));

const step = (value: number, by: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, Math.round(100 * (value + by)) / 100));

export const KEYS: readonly KeyEntry[] = [
  ...EDIT_KEYS,
  ...CASE_KEYS,
  { group: 'cases', keys: ['o'], shown: 'O', name: 'openFiles', run: chooseFiles },
  { group: 'cases', keys: ['Shift+O'], shown: '⇧ O', name: 'chooseFolder', run: chooseFolder },
  { group: 'note', keys: ['n'], shown: 'N', name: 'keyWrite', run: () => document.getElementById('note')?.focus() },
  { group: 'view', keys: ['h'], shown: 'H', name: 'keyHide', when: hasPicture, run: act(({ view }) => ({ type: 'view/set', view: { hidden: !view.hidden } })) },
  { group: 'view', keys: ['t'], shown: 'T', name: 'keyStyle', when: hasPicture, run: act(({ view }) => ({ type: 'view/set', view: { style: view.style === 'fill' ? 'outline' : 'fill' } })) },
  { group: 'view', keys: ['-', '+', '='], shown: '− +', name: 'opacity', when: hasPicture, run: ({ store }, key) => store.dispatch({ type: 'view/set', view: { opacity: step(store.state.view.opacity, key === '-' ? -0.05 : 0.05, 0, 1) } }) },
  { group: 'view', keys: ['<', '>', 'Shift+<', 'Shift+>', ',', '.'], shown: '< >', name: 'threshold', when: (state) => hasPicture(state) && !comparing(state), run: moveThreshold },
  { group: 'view', keys: ['0'], shown: '0', name: 'toolReset', when: hasPicture, run: act(() => ({ type: 'view/reset' })) },
  { group: 'view', keys: ['w'], shown: 'W', name: 'toolWindow', when: hasPicture, run: act(() => ({ type: 'view/set', view: { tool: 'window' } })) },
  { group: 'view', keys: ['v'], shown: 'V', name: 'toolPan', when: hasPicture, run: act(() => ({ type: 'view/set', view: { tool: 'pan' } })) },
  { group: 'view', keys: ['z'], shown: 'Z', name: 'toolZones', when: hasPicture, run: act(({ view }) => ({ type: 'view/set', view: { zones: !view.zones } })) },
  { group: 'view', keys: ['g'], shown: 'G', name: 'toolTruth', when: (state) => hasTruth(state.cases), run: act(({ view }) => ({ type: 'view/set', view: { truth: !view.truth } })) },
  { group: 'view', keys: ['u'], shown: 'U', name: 'toolUncertainty', when: hasPicture, run: act(({ view }) => ({ type: 'view/set', view: { uncertainty: !view.uncertainty } })) },
  { group: 'view', keys: ['i'], shown: 'I', name: 'toolInterest', offered: hasInterest, when: (state) => hasPicture(state) && hasInterest(state) && !comparing(state), run: act(({ view }) => ({ type: 'view/set', view: { interest: !view.interest } })) },
  { group: 'edit', keys: ['Mod+z'], shown: '⌘ Z', name: 'undo', run: act(() => ({ type: 'history/undo' })) },
  { group: 'edit', keys: ['Shift+Mod+Z', 'Shift+Mod+z'], shown: '⇧ ⌘ Z', name: 'redo', run: act(() => ({ type: 'history/redo' })) },
  { group: 'compare', keys: ['c'], shown: 'C', name: 'compareNotes', run: act(({ compare }) => ({ type: compare === null ? 'compare/open' : 'compare/close' })) },
  { group: 'compare', keys: ['d'], shown: 'D', name: 'compareModels', offered: ({ second }) => second !== null, when: ({ second, result, compare }) => second !== null && result !== null && compare?.models !== false, run: act(({ compare }) => ({ type: compare === null ? 'compare/models' : 'compare/close' })) },
  { group: 'compare', keys: ['1', '2', '3', '4'], shown: '1 2 3 4', name: 'keyShown', when: comparing, run: ({ store }, key) => store.dispatch({ type: 'compare/shown', shown: (['difference', 'a', 'b', 'both'] as const)[Number(key) - 1]! }) },
  { group: 'compare', keys: [' '], shown: 'Space', name: 'holdForA', when: comparing, run: act(() => ({ type: 'compare/held', held: true })) },
  { group: 'compare', keys: ['Shift+A'], shown: '⇧ A', name: 'keepA', when: comparingNotes, run: act(() => ({ type: 'compare/keep', which: 'a' })) },
  { group: 'compare', keys: ['Shift+B'], shown: '⇧ B', name: 'keepB', when: comparingNotes, run: act(() => ({ type: 'compare/keep', which: 'b' })) },
  { group: 'compare', keys: ['Escape'], shown: 'Esc', name: 'close', when: comparing, run: act(() => ({ type: 'compare/close' })) },
  { group: 'compare', keys: ['Shift+C'], shown: '⇧ C', name: 'keyCopy', when: hasPicture, run: copyMeasures },
  { group: 'note', keys: ['?', 'Shift+?'], shown: '?', name: 'help', run: act(({ panel }) => ({ type: 'panel/set', panel: { help: !panel.help } })) },
]; // prettier-ignore

/** "w", "Shift+C", "Mod+z": Control or Command is Mod. */
export function keyOf({
  key,
  shiftKey,
  ctrlKey,
  metaKey,
}: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey'>): string {
  const modifiers = [shiftKey ? 'Shift+' : '', ctrlKey || metaKey ? 'Mod+' : ''].join('');
  return modifiers + key;
}

/** What a key does now; null: nothing. */
export function entryFor(key: string, state: Studio): KeyEntry | null {
  return KEYS.find((entry) => entry.keys.includes(key) && (entry.when?.(state) ?? true)) ?? null;
}

const isText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('textarea, select, input:not([type=range], [type=radio], [type=checkbox])'));

export function listenForKeys(services: Services): void {
  const { store, rasters } = services;
  addEventListener('keydown', (event) => {
    endTint(rasters);
    const key = keyOf(event);
    const { state } = store;
    if (state.panel.help && key === 'Escape') {
      store.dispatch({ type: 'panel/set', panel: { help: false } });
      return;
    }
    if (event.altKey || event.isComposing) return;
    const isSingle = !key.includes('Mod+');
    if (isText(event.target) && isSingle) return;
    if (isSingle && !state.keys && key !== 'Escape') return;
    if (key === ' ' && event.target instanceof HTMLElement && event.target.matches('button, input, label'))
      return;
    if (event.target instanceof HTMLElement && hasOwnKeys(event.target, event.key)) return;
    if (event.target instanceof HTMLInputElement && /^[0-9]$/.test(key) && event.target.type === 'range')
      return;
    const entry = entryFor(key, state);
    if (entry === null) return;
    event.preventDefault();
    entry.run(services, key);
  });
  addEventListener('keyup', ({ key }) => {
    if (key === ' ' && store.state.compare?.held === true)
      store.dispatch({ type: 'compare/held', held: false });
  });
}

/** Sliders, lists and buttons use these keys themselves. */
const hasOwnKeys = (target: HTMLElement, key: string): boolean =>
  (/^(?:Arrow|Enter$)/.test(key) &&
    target.matches('button, a, [role=option], [role=menuitem], [role=listbox]')) ||
  (/^Arrow/.test(key) && target.matches('input, select'));

function moveThreshold({ store }: Services, key: string): void {
  const { threshold, result } = store.state;
  const by = /[<,]$/.test(key) ? -0.05 : 0.05;
  store.dispatch({ type: 'threshold/moved', threshold: step(threshold, by, 0.01, 0.99) });
  store.dispatch({ type: 'threshold/settled', from: threshold, area: result?.area ?? null });
}

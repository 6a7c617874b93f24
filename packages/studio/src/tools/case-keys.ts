/** Keys of the case list and of what is decided. */
import type { KeyEntry } from '../key-entry.js';
import type { Studio } from '../state/state.js';

const hasCases = ({ cases }: Studio): boolean => cases.items.length > 0;
const canDecide = ({ cases, compare }: Studio): boolean => cases.shown !== null && compare === null;
const canExport = ({ result, compare }: Studio): boolean => result !== null && compare === null;

export const SEARCH_ID = 'search';

export const CASE_KEYS: readonly KeyEntry[] = [
  { group: 'cases', keys: ['/'], shown: '/', name: 'keySearch', when: hasCases, run: () => document.getElementById(SEARCH_ID)?.focus() },
  { group: 'cases', keys: ['j'], shown: 'J', name: 'nextCase', when: hasCases, run: ({ cases }) => cases.step(1) },
  { group: 'cases', keys: ['k'], shown: 'K', name: 'previousCase', when: hasCases, run: ({ cases }) => cases.step(-1) },
  { group: 'cases', keys: ['a'], shown: 'A', name: 'keyAccept', when: canDecide, run: ({ cases }) => cases.judge('accept') },
  { group: 'cases', keys: ['s'], shown: 'S', name: 'skip', when: canDecide, run: ({ cases }) => cases.judge('skip') },
  { group: 'cases', keys: ['x'], shown: 'X', name: 'export', when: canExport, run: ({ store }) => store.dispatch({ type: 'panel/set', panel: { menu: store.state.panel.menu === 'export' ? null : 'export' } }) },
]; // prettier-ignore

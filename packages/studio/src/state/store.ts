/** Holds the state, applies actions in order, tells listeners. */
import type { Action } from './actions.js';
import { reduce } from './reduce.js';
import { FIRST, type Studio } from './state.js';

export type Listener = (state: Studio, before: Studio, action: Action) => void;

export interface Store {
  readonly state: Studio;
  readonly dispatch: (action: Action) => void;
  /** @returns how to stop */
  readonly subscribe: (listener: Listener) => () => void;
}

export function createStore(first: Studio = FIRST): Store {
  let state = first;
  const listeners = new Set<Listener>();
  const waiting: Action[] = [];
  let busy = false;
  return {
    get state() {
      return state;
    },
    dispatch(action) {
      waiting.push(action); // listeners may dispatch; everyone sees actions in one order
      if (busy) return;
      busy = true;
      try {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const before = state;
          state = reduce(state, next);
          for (const listener of [...listeners]) listener(state, before, next);
        }
      } finally {
        busy = false;
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

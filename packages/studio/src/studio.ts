/** What components share: the store, the rasters, the engine, and a hook that follows a part of the state. */
import { createContext } from 'preact';
import { useContext, useEffect, useReducer, useRef } from 'preact/hooks';
import { Edits } from './edit/edits.js';
import { Cases } from './cases/cases.js';
import { startEffects } from './effects.js';
import { type Channel, Engine } from './engine/engine.js';
import { Second } from './engine/second.js';
import { Rasters } from './rasters.js';
import { Session } from './session/session.js';
import type { Action } from './state/actions.js';
import { FIRST, type Studio } from './state/state.js';
import { createStore, type Store } from './state/store.js';

export interface Services {
  readonly store: Store;
  readonly rasters: Rasters;
  readonly engine: Engine;
  readonly edits: Edits;
  readonly cases: Cases;
  readonly session: Session;
  readonly second: Second;
}

/** @param start of another worker, for a second model */
export function createServices(channel: Channel, start: () => Channel, first: Studio = FIRST): Services {
  const store = createStore(first);
  const rasters = new Rasters();
  const engine = new Engine(channel, store, rasters);
  startEffects(store, rasters, engine);
  const edits = new Edits(store, rasters);
  const cases = new Cases(store, rasters, engine, edits);
  const session = new Session(store, rasters, cases);
  const second = new Second(start, store, rasters);
  return { store, rasters, engine, edits, cases, session, second };
}

export const StudioContext = createContext<Services | null>(null);

/** @throws Error outside of a `StudioContext` */
export function useServices(): Services {
  const services = useContext(StudioContext);
  if (services === null) throw new Error('a part of the studio outside of its context');
  return services;
}

export function useDispatch(): (action: Action) => void {
  return useServices().store.dispatch;
}

/** A part of the state; the component is drawn again when that part changes. */
export function useStudio<T>(select: (state: Studio) => T): T {
  const { store } = useServices();
  const [, again] = useReducer((count: number, _: null) => count + 1, 0);
  const chosen = select(store.state);
  const last = useRef({ select, chosen });
  last.current = { select, chosen };
  useEffect(() => {
    const look = (): void => {
      const { select: now, chosen: then } = last.current;
      if (!Object.is(now(store.state), then)) again(null);
    };
    look(); // what changed before this effect ran
    return store.subscribe(look);
  }, [store]);
  return chosen;
}

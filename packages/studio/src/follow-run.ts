/** Follows a run in training: asks for its epochs while the page is seen, and tells the state of new ones. */
import { FOLLOW_RUN, PLACES } from './places.js';
import type { Epoch } from './state/state.js';
import type { Store } from './state/store.js';

/** Milliseconds between two requests; an epoch takes longer. */
const PAUSE = 2000;

/** The part of the log's records that is shown. */
interface Written {
  readonly epoch: number;
  readonly losses: { readonly total: number };
  readonly validation: { readonly dice: number };
  readonly best: boolean;
}

export const epochOf = ({ epoch, losses, validation, best }: Written): Epoch => ({
  epoch,
  loss: losses.total,
  dice: validation.dice,
  best,
});

/** Does nothing unless the page's address asks for it. A server that has ended is asked again: the curves stay. */
export function followRun(store: Store): void {
  if (location.search !== FOLLOW_RUN) return;
  const address = new URL(PLACES.epochs, document.baseURI);
  let last = '';
  const ask = async (): Promise<void> => {
    if (document.visibilityState === 'visible') {
      const response = await fetch(address).catch(() => null);
      const text = response?.ok === true ? await response.text() : last;
      if (text !== last) {
        last = text;
        store.dispatch({ type: 'run/read', epochs: (JSON.parse(text) as readonly Written[]).map(epochOf) });
      }
    }
    setTimeout(() => void ask(), PAUSE);
  };
  void ask();
}

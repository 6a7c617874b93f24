/** What follows from a change of the state: asking the model, settling steps after a pause, ending the tint. */
import { threshold } from '@reclmis/core';
import type { Engine } from './engine/engine.js';
import type { Rasters } from './rasters.js';
import type { Note, Studio } from './state/state.js';
import type { Listener, Store } from './state/store.js';

/** Milliseconds without typing after which a note is a step of the history. */
const PAUSE = 1000;
/** Milliseconds for which gained and lost pixels are tinted. */
const TINT = 600;

const sameNote = (a: Note, b: Note): boolean => a.text === b.text && a.sides === b.sides;

export function startEffects(store: Store, rasters: Rasters, engine: Engine): void {
  for (const effect of [asking(rasters, engine), settling(store), tinting(rasters), comparing(rasters)])
    store.subscribe(effect);
}

/** A changed note, picture or settled threshold asks the model; a moving threshold cuts the probabilities that the page has. */
function asking(rasters: Rasters, engine: Engine): Listener {
  return (state, before, action) => {
    const became = (part: (of: Studio) => unknown): boolean => part(state) !== part(before);
    if (became(({ threshold: value }) => value)) cut(state, rasters);
    const settled =
      ['threshold/settled', 'session/restored'].includes(action.type) || action.type.startsWith('history/');
    const asks =
      !sameNote(state.note, before.note) ||
      became(({ picture }) => picture?.id) ||
      became(({ picture }) => picture?.spacing) ||
      became(({ model }) => model.status) ||
      (state.view.interest && !before.view.interest && state.result?.interest === null) ||
      (settled && state.threshold !== state.result?.threshold);
    if (asks) engine.ask();
  };
}

function cut({ threshold: least, picture }: Studio, rasters: Rasters): void {
  const { probability } = rasters;
  if (picture === null || probability === null) return;
  rasters.model = threshold(probability, picture.width, picture.height, least);
  rasters.mask = { ...rasters.model, data: rasters.model.data.slice() };
  rasters.before = null;
  rasters.changed('mask');
}

function settling(store: Store): Listener {
  let from: Note | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = (): void => {
    const { note, result } = store.state;
    const begun = from;
    from = null;
    if (begun !== null && !sameNote(begun, note))
      store.dispatch({ type: 'note/settled', from: begun, area: result?.area ?? null });
  };
  return (_state, before, action) => {
    if (action.type === 'picture/opened' || action.type.startsWith('history/')) {
      from = null;
      clearTimeout(timer);
    }
    if (!['note/typed', 'note/sides', 'strokes/answered'].includes(action.type)) return;
    from ??= before.note;
    clearTimeout(timer);
    timer = setTimeout(settle, PAUSE);
  };
}

/** Note A's mask is kept while two notes are compared. */
function comparing(rasters: Rasters): Listener {
  return ({ compare }, before) => {
    if ((compare === null) === (before.compare === null)) return;
    const { mask } = rasters;
    rasters.compared =
      compare === null || compare.models || mask === null ? null : { ...mask, data: mask.data.slice() };
    rasters.before = null;
    rasters.changed('compared');
  };
}

/** With reduced motion there is no timed effect: the tint stays until the next key (`keys.ts`). */
function tinting(rasters: Rasters): Listener {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (_state, _before, action) => {
    if (action.type !== 'result/found') return;
    clearTimeout(timer);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    timer = setTimeout(() => endTint(rasters), TINT);
  };
}

export function endTint(rasters: Rasters): void {
  if (rasters.before === null) return;
  rasters.before = null;
  rasters.changed('mask');
}

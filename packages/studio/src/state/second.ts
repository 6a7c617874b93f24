/** A second model next to the first: both answer one note about one image. */
import type { ModelState, Result, Studio } from './state.js';

export type SecondAction =
  /** The page was served with a second model; it is loaded when first asked for. */
  | { readonly type: 'second/offered' }
  | { readonly type: 'second/model'; readonly model: ModelState }
  | { readonly type: 'second/found'; readonly result: Result | null }
  | { readonly type: 'compare/models' };

export function secondReduced(state: Studio, action: SecondAction): Studio {
  switch (action.type) {
    case 'second/offered':
      return { ...state, second: { status: 'loading', loaded: 0, total: 0 } };
    case 'second/model':
      return { ...state, second: action.model };
    case 'second/found':
      return state.compare === null
        ? state
        : { ...state, compare: { ...state.compare, second: action.result } };
    case 'compare/models': {
      const { result, note, second } = state;
      if (result === null || second === null) return state;
      const compare = { models: true, a: note, result, second: null, shown: 'both', held: false } as const;
      return { ...state, compare };
    }
  }
}

/** The second model's result, if it is about what the first one's is about. */
export function secondResult({ compare, result }: Studio): Result | null {
  const found = compare?.second ?? null;
  if (found === null || result === null) return null;
  const same =
    found.note.text === result.note.text &&
    found.note.sides === result.note.sides &&
    found.threshold === result.threshold;
  return same ? found : null;
}

/** The one reducer: state and action give the next state. Nothing else changes the state. */
import { casesReduced } from './cases.js';
import type { Action } from './actions.js';
import { editsOf, redone, stepped, undone } from './history.js';
import { secondReduced } from './second.js';
import { FIRST_VIEW, NO_STROKES, type Note, type Studio } from './state.js';

export function reduce(state: Studio, action: Action): Studio {
  switch (action.type) {
    case 'model/loading':
      return { ...state, model: { status: 'loading', loaded: action.loaded, total: action.total } };
    case 'model/ready':
      return {
        ...state,
        model: { status: 'ready', info: action.info },
        threshold: state.model.status === 'ready' ? state.threshold : action.info.threshold,
      };
    case 'model/failed':
      return { ...state, model: { status: 'failed', ...action.failure } };
    case 'picture/reading':
      return { ...state, reading: action.name, failure: null };
    case 'picture/opened':
      return {
        ...state,
        reading: null,
        picture: action.picture,
        note: action.note,
        noteReading: null,
        result: null,
        computing: false,
        failure: null,
        compare: null,
        view: { ...state.view, window: FIRST_VIEW.window, zoom: 1, pan: { x: 0, y: 0 }, marked: null },
        history: stepped({ steps: [], at: 0 }, { kind: 'opened', area: null }),
        strokes: NO_STROKES,
      };
    case 'picture/failed':
      return {
        ...state,
        reading: null,
        failure: state.reading === null ? action.failure : { ...action.failure, file: state.reading },
      };
    case 'picture/spacing':
      return state.picture === null
        ? state
        : { ...state, picture: { ...state.picture, spacing: action.spacing, spacingFrom: 'user' } };
    case 'note/typed':
      return noted(state, { ...(state.strokes.asking ?? state.note), text: action.text });
    case 'note/sides':
      return noted(state, { ...(state.strokes.asking ?? state.note), sides: action.sides });
    case 'note/read':
      return { ...state, noteReading: action.reading };
    case 'note/settled':
      return {
        ...state,
        history: stepped(state.history, {
          kind: 'note',
          from: action.from,
          to: state.note,
          area: action.area,
        }),
      };
    case 'result/asked':
      return { ...state, computing: true };
    case 'result/found':
      return { ...state, computing: false, failure: null, result: action.result };
    case 'result/none':
      return { ...state, computing: false, result: null };
    case 'result/failed':
      return { ...state, computing: false, failure: action.failure };
    case 'threshold/moved':
      return { ...state, threshold: action.threshold };
    case 'threshold/settled':
      return {
        ...state,
        history: stepped(state.history, {
          kind: 'threshold',
          from: action.from,
          to: state.threshold,
          area: action.area,
        }),
      };
    case 'failure/dismissed':
      return { ...state, failure: null };
    case 'edit/done':
      return {
        ...state,
        strokes: { ...state.strokes, kept: false },
        history: stepped(state.history, {
          kind: 'edit',
          name: action.name,
          edit: action.edit,
          area: action.area,
        }),
      };
    case 'edit/measured': {
      const { area, areas, measures } = action;
      return state.result === null ? state : { ...state, result: { ...state.result, area, areas, measures } };
    }
    case 'strokes/answered':
      return answered(state, action.answer);
    case 'polygon/set':
      return { ...state, strokes: { ...state.strokes, polygon: action.points } };
    case 'cursor/set':
      return { ...state, strokes: { ...state.strokes, cursor: action.cursor } };
    case 'session/set':
      return { ...state, session: action.session };
    case 'session/restored': {
      const { note, threshold, history } = action;
      return { ...state, note, threshold, history, strokes: { ...NO_STROKES, kept: true } };
    }
    case 'saved/set':
      return { ...state, saved: action.saved };
    case 'history/folded': {
      const opened = stepped({ steps: [], at: 0 }, { kind: 'opened', area: null });
      const { edit } = action;
      return { ...state, history: stepped(opened, { kind: 'edit', name: 'earlier', edit, area: null }) };
    }
    case 'history/undo':
      return undone(state);
    case 'history/redo':
      return redone(state);
    case 'view/set':
      return { ...state, view: { ...state.view, ...action.view } };
    case 'view/reset':
      return {
        ...state,
        view: { ...state.view, window: FIRST_VIEW.window, zoom: 1, pan: { x: 0, y: 0 } },
      };
    case 'panel/set':
      return { ...state, panel: { ...state.panel, ...action.panel } };
    case 'tour/at':
      return { ...state, tour: action.hint };
    case 'run/read':
      return { ...state, epochs: action.epochs };
    case 'theme/set':
      return { ...state, theme: action.theme };
    case 'keys/set':
      return { ...state, keys: action.keys };
    case 'compare/open':
      return state.picture === null || state.result === null
        ? state
        : {
            ...state,
            compare: {
              a: state.note,
              result: state.result,
              shown: 'difference',
              held: false,
              models: false,
              second: null,
            },
          };
    case 'compare/shown':
      return state.compare === null
        ? state
        : { ...state, compare: { ...state.compare, shown: action.shown } };
    case 'compare/held':
      return state.compare === null ? state : { ...state, compare: { ...state.compare, held: action.held } };
    case 'compare/keep':
      return state.compare === null
        ? state
        : { ...state, note: action.which === 'a' ? state.compare.a : state.note, compare: null };
    case 'compare/close':
      return { ...state, compare: null };
    case 'second/offered':
    case 'second/model':
    case 'second/found':
    case 'compare/models':
      return secondReduced(state, action);
    default:
      return { ...state, cases: casesReduced(state.cases, action) };
  }
}

/** A new note asks first if there are strokes over the old one's mask. */
function noted(state: Studio, note: Note): Studio {
  const { strokes, history } = state;
  const asks = !strokes.kept && editsOf(history).length > 0;
  return asks ? { ...state, strokes: { ...strokes, asking: note } } : { ...state, note };
}

function answered(state: Studio, answer: 'replace' | 'keep' | 'cancel'): Studio {
  const { asking } = state.strokes;
  const strokes = { ...state.strokes, asking: null };
  if (asking === null || answer === 'cancel') return { ...state, strokes };
  if (answer === 'keep') return { ...state, note: asking, strokes: { ...strokes, kept: true } };
  const history = stepped(state.history, {
    kind: 'edit',
    name: 'model',
    edit: { kind: 'model' },
    area: null,
  });
  return { ...state, note: asking, strokes: { ...strokes, kept: true }, history };
}

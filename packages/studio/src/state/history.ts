/** Undo and redo across notes, thresholds and strokes: one list of steps and a place in it. */
import type { EditAction } from './edit-action.js';
import type { History, Step, Studio } from './state.js';

type NewStep = Step extends infer S ? (S extends Step ? Omit<S, 'id'> : never) : never;

/** Adds a step; what was undone is gone. */
export function stepped(history: History, step: NewStep): History {
  const done = history.steps.slice(0, history.at);
  const id = (history.steps.at(-1)?.id ?? 0) + 1;
  const steps = [...done, { ...step, id } as Step];
  return { steps, at: steps.length };
}

/** The state before its last step; the opened picture stays. `edit/` makes the mask of the edits that remain. */
export function undone(state: Studio): Studio {
  const { steps, at } = state.history;
  const step = steps[at - 1];
  if (step === undefined || step.kind === 'opened') return state;
  return { ...applied(state, step, 'from'), history: { steps, at: at - 1 } };
}

export function redone(state: Studio): Studio {
  const { steps, at } = state.history;
  const step = steps[at];
  return step === undefined ? state : { ...applied(state, step, 'to'), history: { steps, at: at + 1 } };
}

function applied(state: Studio, step: Step, end: 'from' | 'to'): Studio {
  if (step.kind === 'note') return { ...state, note: step[end] };
  if (step.kind === 'threshold') return { ...state, threshold: step[end] };
  return state;
}

/** Edits that are done, in order: what the shown mask is made of, over the model's. */
export function editsOf({ steps, at }: History): readonly EditAction[] {
  const edits = steps.slice(0, at).flatMap((step) => (step.kind === 'edit' ? [step.edit] : []));
  const last = edits.findLastIndex(({ kind }) => kind === 'model' || kind === 'mask');
  if (last < 0) return edits;
  return edits.slice(edits[last]?.kind === 'model' ? last + 1 : last); // nothing before it matters
}

export const canUndo = ({ steps, at }: History): boolean => at > 0 && steps[at - 1]?.kind !== 'opened';
export const canRedo = ({ steps, at }: History): boolean => at < steps.length;

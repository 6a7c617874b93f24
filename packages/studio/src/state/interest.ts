/** What of the state decides whether interest is offered, and shown. */
import type { ShownInterest, Studio } from './state.js';

/** Whether the loaded model can say where it looks. */
export const hasInterest = ({ model }: Studio): boolean => model.status === 'ready' && model.info.hasInterest;

/** The interest that is shown; null: none is asked for, none is known yet, or two masks are compared. */
export const shownInterest = ({ view, compare, result }: Studio): ShownInterest | null =>
  view.interest && compare === null ? (result?.interest ?? null) : null;

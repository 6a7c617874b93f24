/** Keys of the editing tools. */
import type { KeyEntry } from '../key-entry.js';
import type { Studio, Tool } from '../state/state.js';
import type { Services } from '../studio.js';
import {
  closePolygon,
  isDrawing,
  leaveDrawing,
  moveCursor,
  pressCursor,
  removeCorner,
  repair,
  resizeBrush,
} from './drawing.js';

const canEdit = ({ picture, compare, result }: Studio): boolean =>
  picture !== null && compare === null && result !== null;
const draws = (state: Studio): boolean => canEdit(state) && isDrawing(state);
const hasPolygon = (state: Studio): boolean => draws(state) && state.strokes.polygon.length > 0;
const tool =
  (name: Tool) =>
  ({ store }: Services): void =>
    store.dispatch({ type: 'view/set', view: { tool: name } });

const ARROWS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];

export const EDIT_KEYS: readonly KeyEntry[] = [
  { group: 'edit', keys: ['b'], shown: 'B', name: 'toolBrush', when: canEdit, run: tool('brush') },
  { group: 'edit', keys: ['e'], shown: 'E', name: 'toolEraser', when: canEdit, run: tool('eraser') },
  { group: 'edit', keys: ['[', ']'], shown: '[ ]', name: 'keyBrush', when: canEdit, run: (services, key) => resizeBrush(services, key === ']' ? 1 : -1) },
  { group: 'edit', keys: ['p'], shown: 'P', name: 'toolPolygon', when: canEdit, run: tool('polygon') },
  { group: 'edit', keys: ['Enter'], shown: 'Enter', name: 'keyClose', when: hasPolygon, run: closePolygon },
  { group: 'edit', keys: ['Backspace'], shown: '⌫', name: 'keyCorner', when: hasPolygon, run: removeCorner },
  { group: 'edit', keys: [...ARROWS, ...ARROWS.map((key) => `Shift+${key}`)], shown: '← ↑ → ↓', name: 'keyMove', when: draws, run: moveCursor },
  { group: 'edit', keys: [' '], shown: 'Space', name: 'keyDown', when: draws, run: pressCursor },
  { group: 'edit', keys: ['Escape'], shown: 'Esc', name: 'keyLeave', when: draws, run: leaveDrawing },
  { group: 'edit', keys: ['f'], shown: 'F', name: 'toolFillHoles', when: canEdit, run: (services) => repair(services, 'fill') },
  { group: 'edit', keys: ['l'], shown: 'L', name: 'toolLargest', when: canEdit, run: (services) => repair(services, 'largest') },
  { group: 'edit', keys: ['m'], shown: 'M', name: 'toolModel', when: canEdit, run: (services) => repair(services, 'model') },
]; // prettier-ignore

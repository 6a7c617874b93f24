/** What the editing tools do with pointer and keyboard, and what their steps are called. */
import { rounded } from '../edit/action.js';
import type { Point } from '../edit/brush.js';
import { zoneAt, zoneRects } from '../note/zone-rects.js';
import { strokeTools } from '../stage/pointer.js';
import type { EditAction } from '../state/edit-action.js';
import type { Studio } from '../state/state.js';
import { say } from '../strings.js';
import type { Services } from '../studio.js';

export const LEAST_BRUSH = 1;
export const MOST_BRUSH = 400;
/** Corners of a polygon; more is a stroke. */
const MOST_CORNERS = 500;

const TOOL_NAMES = { brush: 'toolBrush', eraser: 'toolEraser', polygon: 'toolPolygon' } as const;
type DrawingTool = keyof typeof TOOL_NAMES;

export const isDrawing = ({ view: { tool } }: Studio): boolean => tool in TOOL_NAMES;

/** Such as "Brush, lower right": the tool, and the zone of a point. */
function nameAt(state: Studio, tool: DrawingTool, { x, y }: Point): string {
  const { picture, noteReading, model } = state;
  const name = say(TOOL_NAMES[tool]);
  if (picture === null || model.status !== 'ready' || !model.info.readsNotes) return name;
  const zone = zoneAt(zoneRects(picture.width, picture.height, noteReading?.sides ?? 'unknown'), x, y);
  return zone === null ? name : `${name}, ${zone.name}`;
}

/** Registers brush, eraser and polygon as tools of the stage. */
export function startTools(services: Services): void {
  const { store, edits } = services;
  for (const [tool, value] of [
    ['brush', 1],
    ['eraser', 0],
  ] as const) {
    let last: Point = { x: 0, y: 0 };
    strokeTools.set(tool, {
      begin: (at) => {
        last = at;
        edits.begin(value, at);
      },
      move: (at) => {
        last = at;
        edits.moveTo(at);
      },
      end: () => edits.end(nameAt(store.state, tool, last)),
    });
  }
  strokeTools.set('polygon', {
    begin: (at) => addCorner(services, at),
    move: () => undefined,
    end: () => undefined,
  });
}

export function addCorner({ store }: Services, { x, y }: Point): void {
  const { polygon } = store.state.strokes;
  if (polygon.length >= 2 * MOST_CORNERS) return;
  store.dispatch({ type: 'polygon/set', points: [...polygon, rounded(x), rounded(y)] });
}

export function removeCorner({ store }: Services): void {
  store.dispatch({ type: 'polygon/set', points: store.state.strokes.polygon.slice(0, -2) });
}

/** Fills the polygon; fewer than three corners are forgotten. */
export function closePolygon({ store, edits }: Services): void {
  const { polygon: points } = store.state.strokes;
  store.dispatch({ type: 'polygon/set', points: [] });
  if (points.length < 6) return;
  const [x, y] = [0, 1].map((axis) => {
    const own = points.filter((_, i) => i % 2 === axis);
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  });
  edits.apply({ kind: 'polygon', value: 1, points }, nameAt(store.state, 'polygon', { x: x!, y: y! }));
}

/** Steps by a tenth, at least one pixel. */
export function resizeBrush({ store }: Services, way: 1 | -1): void {
  const { brush } = store.state.view;
  const by = Math.max(1, Math.round(brush / 10));
  const next = Math.min(MOST_BRUSH, Math.max(LEAST_BRUSH, brush + way * by));
  store.dispatch({ type: 'view/set', view: { brush: next } });
}

const REPAIRS = { fill: 'toolFillHoles', largest: 'toolLargest', model: 'toolModel' } as const;

/** Fills holes, keeps the largest component, or goes back to the model's mask. Says so if nothing changes. */
export function repair({ store, edits }: Services, kind: keyof typeof REPAIRS): void {
  const edit: EditAction = { kind };
  if (edits.apply(edit, say(REPAIRS[kind]))) return;
  const text = say('nothingToChange', { tool: say(REPAIRS[kind]) });
  store.dispatch({ type: 'saved/set', saved: { text, failed: false } });
}

const STEPS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Moves the keyboard's brush by a part of its size, four times as far with Shift; if it is down, it draws. */
export function moveCursor({ store, edits }: Services, key: string): void {
  const { picture, strokes, view } = store.state;
  if (picture === null) return;
  const far = key.startsWith('Shift+');
  const [dx, dy] = STEPS[key.replace('Shift+', '')] ?? [0, 0];
  const by = Math.max(1, Math.round(view.brush / 4)) * (far ? 4 : 1);
  const { x, y, down } = strokes.cursor ?? { x: picture.width / 2, y: picture.height / 2, down: false };
  const first = strokes.cursor === null; // shown where it is before it moves
  const next = first ? { x, y } : { x: clamp(x + dx * by, picture.width), y: clamp(y + dy * by, picture.height) }; // prettier-ignore
  store.dispatch({ type: 'cursor/set', cursor: { ...next, down } });
  if (down) edits.moveTo(next);
  document.querySelector<HTMLElement>('.picture')?.focus({ preventScroll: true });
}

const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** Space: puts the keyboard's brush down or lifts it; with the polygon, sets a corner. */
export function pressCursor(services: Services): void {
  const { store, edits } = services;
  const { picture, strokes, view } = store.state;
  if (picture === null) return;
  const { x, y, down } = strokes.cursor ?? { x: picture.width / 2, y: picture.height / 2, down: false };
  if (view.tool === 'polygon') {
    store.dispatch({ type: 'cursor/set', cursor: { x, y, down: false } });
    addCorner(services, { x, y });
    return;
  }
  const tool = view.tool === 'eraser' ? 'eraser' : 'brush';
  if (down) edits.end(nameAt(store.state, tool, { x, y }));
  else edits.begin(tool === 'brush' ? 1 : 0, { x, y });
  store.dispatch({ type: 'cursor/set', cursor: { x, y, down: !down } });
}

/** Escape: forgets the polygon and takes back the stroke of the keyboard. */
export function leaveDrawing({ store, edits }: Services): void {
  edits.cancel();
  store.dispatch({ type: 'polygon/set', points: [] });
  store.dispatch({ type: 'cursor/set', cursor: null });
}

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Rasters } from '../rasters.js';
import { FIRST, type Picture, type Reading, type Result } from '../state/state.js';
import { createStore } from '../state/store.js';
import { testImage } from '../testing.js';
import { Edits } from './edits.js';

const SIDE = 20;
const note = { text: 'Upper left lung.', sides: null };
const reading: Reading = { text: note.text, sides: 'patient', places: [], unknown: [], chips: [], sent: null, warnings: [] }; // prettier-ignore
const picture: Picture = { id: 'one', name: 'a.png', width: SIDE, height: SIDE, format: 'png', frame: 0, frames: 1, spacing: [0.5, 0.5], spacingFrom: 'user', oriented: false }; // prettier-ignore
const found: Result = {
  ...{
    id: 'first',
    picture: 'one',
    note,
    reading,
    threshold: 0.5,
    area: 4,
    areas: 1,
    warnings: [],
    confidence: null,
    interest: null,
  },
  ...{ measures: [], milliseconds: 1, gained: 0, lost: 0 },
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('measures the mask as it is shown after each stroke, undo and redo', () => {
  const store = createStore({ ...FIRST, picture, note, result: found });
  const rasters = new Rasters();
  const edits = new Edits(store, rasters);
  const data = new Uint8Array(SIDE * SIDE);
  for (const p of [0, 1, SIDE, SIDE + 1]) data[p] = 1;
  rasters.open({ id: 'one', file: new Blob(), image: testImage(SIDE, SIDE) });
  rasters.model = { width: SIDE, height: SIDE, data };
  rasters.changed('mask');
  const measured = (): readonly unknown[] => {
    vi.advanceTimersByTime(1000);
    const { area, areas, measures } = store.state.result!;
    const inside = rasters.mask!.data.filter((value) => value === 1).length;
    expect(area).toBe(inside);
    expect(measures.map(({ pixels, mm2 }) => [pixels, mm2])).toEqual([[inside, inside / 4]]);
    return [inside, areas];
  };

  edits.begin(1, { x: 10, y: 10 });
  edits.moveTo({ x: 15, y: 10 });
  edits.end('Brush');
  const [afterBrush, areas] = measured();
  expect(areas).toBe(2);
  expect(afterBrush).toBeGreaterThan(4 + 12 * 5); // the model's four, and a stroke of 12 pixels' width

  edits.begin(0, { x: 0, y: 0 });
  edits.end('Eraser');
  expect(measured()).toEqual([(afterBrush as number) - 4, 1]);
  store.dispatch({ type: 'history/undo' });
  expect(measured()).toEqual([afterBrush, 2]);
  store.dispatch({ type: 'history/undo' });
  expect(measured()).toEqual([4, 1]);
  store.dispatch({ type: 'history/redo' });
  expect(measured()).toEqual([afterBrush, 2]);
});

/** The reducer, its history, and the words made of the state. */
import { describe, expect, it } from 'vitest';
import { areasOf } from '../engine/areas.js';
import type { Action } from './actions.js';
import { modelLine, spoken } from './model-text.js';
import { FIRST, type Picture, type Result, type Studio } from './state.js';
import { createStore } from './store.js';
import { differenceTable, tableOf, tableText } from './table.js';
import { failureText, warningText } from './warning-text.js';

const PICTURE: Picture = { id: 'p1', name: 'a.png', width: 8, height: 6, format: 'png', frame: 0, frames: 1, spacing: null, spacingFrom: null, oriented: false }; // prettier-ignore
const note = (text: string): Studio['note'] => ({ text, sides: null });

function after(...actions: Action[]): Studio {
  const store = createStore();
  actions.forEach(store.dispatch);
  return store.state;
}

describe('the history', () => {
  const opened: Action = { type: 'picture/opened', picture: PICTURE, note: note('') };
  const written: Action[] = [
    opened,
    { type: 'note/typed', text: 'left' },
    { type: 'note/settled', from: note(''), area: 5 },
    { type: 'threshold/moved', threshold: 0.3 },
    { type: 'threshold/settled', from: 0.5, area: 9 },
  ];
  it('undoes and redoes notes and thresholds, and never the picture', () => {
    const undo: Action = { type: 'history/undo' };
    const redo: Action = { type: 'history/redo' };
    expect(after(...written).history.steps.map(({ kind }) => kind)).toEqual(['opened', 'note', 'threshold']);
    expect(after(...written, undo)).toMatchObject({ threshold: 0.5, note: { text: 'left' }, history: { at: 2 } });
    expect(after(...written, undo, undo, undo)).toMatchObject({ threshold: 0.5, note: { text: '' }, history: { at: 1 } });
    expect(after(...written, undo, undo, redo, redo, redo)).toMatchObject({ threshold: 0.3, note: { text: 'left' }, history: { at: 3 } });
  }); // prettier-ignore
  it('keeps undone steps until a new one replaces them', () => {
    const back = after(...written, { type: 'history/undo' });
    expect(back.history.steps).toHaveLength(3);
    const next = after(...written, { type: 'history/undo' }, { type: 'threshold/moved', threshold: 0.7 }, { type: 'threshold/settled', from: 0.5, area: 1 }); // prettier-ignore
    expect(next.history.steps.at(-1)).toMatchObject({ kind: 'threshold', from: 0.5, to: 0.7, area: 1 });
    expect(next.history.steps).toHaveLength(3);
  });
});

it('actions that listeners dispatch come after the one that they heard', () => {
  const store = createStore();
  const heard: string[] = [];
  store.subscribe((_state, _before, { type }) => {
    heard.push(type);
    if (type === 'note/typed') store.dispatch({ type: 'failure/dismissed' });
  });
  store.subscribe((state, _before, { type }) => heard.push(`${type} ${state.note.text}`));
  store.dispatch({ type: 'note/typed', text: 'x' });
  expect(heard).toEqual(['note/typed', 'note/typed x', 'failure/dismissed', 'failure/dismissed x']);
});

const measured = (spacing: readonly [number, number] | null): Result['measures'] => {
  const data = new Uint8Array(48);
  data.fill(1, 5, 8); // row 0, on the image's right: the patient's upper left
  data.fill(1, 40, 42); // row 5, on its left: lower right
  const places = [{ number: 1, label: 'Upper left', zones: 0b000_001, spans: [] }];
  return areasOf({ width: 8, height: 6, data }, places, 'patient', spacing).rows;
};
const RESULT = { measures: measured(null), confidence: null, areas: 2, warnings: [], milliseconds: 41.6 } as unknown as Result; // prettier-ignore

describe('the table', () => {
  it('gives each area to the place that holds it, others to “Elsewhere”', () => {
    expect(RESULT.measures.map(({ place, label, pixels, mm2 }) => [place, label, pixels, mm2])).toEqual([
      [1, 'Upper left', 3, null],
      [null, 'Elsewhere', 2, null],
    ]);
    expect(tableText(tableOf(RESULT, PICTURE))).toBe(
      'Zone\tArea, px\tDiameter, px\tImage, %\nUpper left\t3\t3.2\t6.3\nElsewhere\t2\t2.2\t4.2\nTotal\t5\t\t10.4\n',
    );
  });
  it('is in millimetres only with a spacing', () => {
    const spacing = [0.5, 2] as const;
    const table = tableOf(
      { ...RESULT, measures: measured(spacing) },
      { ...PICTURE, spacing, spacingFrom: 'file' },
    );
    expect(table.head).toEqual(['Zone', 'Area, mm²', 'Diameter, mm', 'Image, %']);
    expect(table.rows[0]?.cells).toEqual(['Upper left', '3.0', '2.5', '6.3']); // 1.5 x 2 mm: 2.5 across
    expect(table.total).toEqual(['Total', '5.0', '', '10.4']);
  });
  it('of a difference has signs', () => {
    const { rows } = differenceTable({ kept: 4, gained: 2, lost: 1 }, PICTURE);
    expect(rows.map(({ cells }) => cells)).toEqual([['Kept', '4', '8.3'], ['Gained', '+2', '+4.2'], ['Lost', '−1', '−2.1']]); // prettier-ignore
  });
});

it('the page’s words are the design’s where it has some, else the runtime’s', () => {
  expect(warningText({ code: 'MASK_EMPTY', message: 'x' })).toBe('No area found for this note. Lower the threshold or change the note.'); // prettier-ignore
  expect(warningText({ code: 'AREAS_DIFFER', message: 'the note states 2 areas, the mask has 3' })).toBe('The note states 2 areas, the mask has 3.'); // prettier-ignore
  expect(failureText('IMAGE_UNSUPPORTED', 'x', 'a.gif')).toContain('a.gif is not an image');
  expect(failureText('INFERENCE_FAILED', 'no memory', null)).toBe('That did not work: no memory');
  expect(spoken(RESULT)).toBe('2 areas. No warnings.');
  const presence = { probability: 0.97, calibrated: true };
  expect(spoken({ ...RESULT, areas: 1, confidence: { dice: 0.8, calibrated: true, presence } })).toBe('Present, 97 %. One area. No warnings.'); // prettier-ignore
  expect(modelLine({ status: 'loading', loaded: 3_100_000, total: 7_900_000 }, null)).toBe('Loading the model, 3.1 of 7.9 MB'); // prettier-ignore
  expect(modelLine(FIRST.model, null)).toBe('Loading the model');
});

import { type Mask, Random, ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import type { EditAction } from '../state/edit-action.js';
import { applyEdit, maskAction } from './action.js';
import { MaskEditor } from './editor.js';
import { Recorder } from './patch.js';

function blob(width: number, height: number, seed: number): Mask {
  const random = Random.from(seed);
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height }, () => (random.next() < 0.3 ? 1 : 0)),
  };
}

function anyAction(random: Random, size: number): EditAction {
  const points = (count: number): number[] =>
    Array.from({ length: 2 * count }, () => Math.round(random.next() * size * 16) / 16);
  const value = random.next() < 0.5 ? 1 : 0;
  const kind = random.int(8);
  if (kind < 4)
    return { kind: 'stroke', value, radius: 0.5 + random.int(6), points: points(1 + random.int(5)) };
  if (kind === 4) return { kind: 'polygon', value, points: points(5) };
  if (kind === 5) return { kind: 'fill' };
  if (kind === 6) return { kind: 'largest' };
  return random.next() < 0.5 ? { kind: 'model' } : maskAction(blob(size, size, random.int(1000)));
}

/** The edits applied one after the other, without an editor. */
function replayed(model: Mask, actions: readonly EditAction[]): number[] {
  const mask = { ...model, data: model.data.slice() };
  for (const action of actions) applyEdit(new Recorder(mask), mask, model, action);
  return [...mask.data];
}

describe('MaskEditor', () => {
  it.each([Infinity, 600, 0])(
    'shows what the edits make, in any order of undo and redo, with %s bytes',
    (limit) => {
      const random = Random.from(11);
      const model = blob(32, 32, 1);
      const editor = new MaskEditor(model, limit);
      let actions: EditAction[] = [];
      for (let round = 0; round < 120; round++) {
        if (random.next() < 0.4) actions = actions.slice(0, random.int(actions.length + 1));
        actions = [...actions, ...Array.from({ length: random.int(3) }, () => anyAction(random, 32))];
        const before = [...editor.mask.data];
        const rect = editor.show(model, actions);
        const after = [...editor.mask.data];
        expect(after).toEqual(replayed(model, actions));
        expect(editor.pixels).toBe(after.reduce((sum, value) => sum + value, 0));
        expect(editor.bytes).toBeLessThanOrEqual(limit);
        const missed = after.flatMap((value, p) => {
          const [x, y] = [p % 32, Math.floor(p / 32)];
          const within =
            rect && x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
          return value === before[p] || within === true ? [] : [p];
        });
        expect(missed).toEqual([]);
      }
      expect([...model.data]).toEqual([...blob(32, 32, 1).data]); // the model's mask is never changed
    },
  );

  it('draws a stroke live to the same pixels as its record gives', () => {
    const model = blob(48, 48, 2);
    const editor = new MaskEditor(model);
    const dirty = [editor.begin(1, 2.53, { x: 4.01, y: 5.02 })];
    for (let i = 1; i < 20; i++) dirty.push(editor.moveTo({ x: 4 + i * 2.07, y: 5 + i * 1.31 }));
    const stroke = editor.end()!;
    expect([...editor.mask.data]).toEqual(replayed(model, [stroke]));
    expect(dirty.every((rect) => rect !== null && rect.width <= 9 && rect.height <= 9)).toBe(true);
    expect(editor.show(model, [stroke])).toBeNull(); // it is there already
    const again: EditAction = JSON.parse(JSON.stringify(stroke)) as EditAction;
    expect(replayed(model, [again])).toEqual(replayed(model, [stroke]));
    editor.show(model, []);
    expect([...editor.mask.data]).toEqual([...model.data]);
  });

  it('says what an edit gained, and nothing of strokes that change nothing', () => {
    const editor = new MaskEditor({ width: 8, height: 8, data: new Uint8Array(64) });
    editor.begin(1, 1, { x: 4.5, y: 4.5 });
    const plus = editor.end()!;
    expect(editor.gainOf(plus)).toBe(5);
    editor.begin(1, 1, { x: 4.5, y: 4.5 });
    expect(editor.end()).toBeNull();
    editor.begin(0, 0.5, { x: 4.5, y: 4.5 });
    expect(editor.gainOf(editor.end()!)).toBe(-1);
  });

  it('takes back a stroke that is cancelled, and refuses to change under one', () => {
    const model = blob(16, 16, 3);
    const editor = new MaskEditor(model);
    editor.begin(0, 5, { x: 8, y: 8 });
    expect(() => editor.show(model, [])).toThrow(ReclmisError);
    expect(editor.cancel()).not.toBeNull();
    expect([...editor.mask.data]).toEqual([...model.data]);
    expect(editor.moveTo({ x: 1, y: 1 })).toBeNull();
  });

  it('keeps strokes over another mask of the model, and takes a new size', () => {
    const [first, second] = [blob(16, 16, 4), blob(16, 16, 5)];
    const stroke: EditAction = { kind: 'stroke', value: 1, radius: 3, points: [2, 2, 12, 9] };
    const editor = new MaskEditor(first);
    editor.show(first, [stroke]);
    editor.show(second, [stroke]);
    expect([...editor.mask.data]).toEqual(replayed(second, [stroke]));
    const other = blob(9, 7, 6);
    expect(editor.show(other, [])).toEqual({ x: 0, y: 0, width: 9, height: 7 });
    expect([...editor.mask.data]).toEqual([...other.data]);
  });

  it('refuses a stored mask of another size', () => {
    const editor = new MaskEditor(blob(8, 8, 1));
    const other = maskAction(blob(9, 8, 1));
    expect(() => editor.show(editor.mask, [other])).toThrow(
      expect.objectContaining({ code: 'ANNOTATION_INVALID' }) as Error,
    );
  });
});

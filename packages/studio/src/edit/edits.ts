/**
 * Keeps the shown mask what the history says: the model's mask with the edits that are done. Tools draw through it; their
 * strokes become steps of the history, so undo goes through notes and strokes alike.
 */
import { areasOf } from '../engine/areas.js';
import type { Rasters, Rect } from '../rasters.js';
import type { EditAction } from '../state/edit-action.js';
import { editsOf } from '../state/history.js';
import type { Step } from '../state/steps.js';
import type { Store } from '../state/store.js';
import { maskAction } from './action.js';
import type { Point } from './brush.js';
import { MaskEditor } from './editor.js';

/** A longer history becomes one step: nobody goes back further, and a session is kept whole. */
const MOST_STEPS = 1000;
/** Coordinates of all strokes: 1.6 MB. */
const MOST_NUMBERS = 200_000;
const numbersOf = (step: Step): number =>
  step.kind === 'edit' && 'points' in step.edit ? step.edit.points.length : 0;

/** Milliseconds after an edit until it is measured: strokes may follow each other. */
const MEASURE = 250;

export class Edits {
  private editor: MaskEditor | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawing = false;

  constructor(
    private readonly store: Store,
    private readonly rasters: Rasters,
  ) {
    rasters.subscribe((name, where) => {
      if (name === 'mask' && where === null) this.follow();
    });
    store.subscribe((state, before) => {
      if (state.history === before.history) return;
      this.measureSoon(); // the mask of a finished stroke is there already, so `follow` has nothing to change
      if (!this.follow()) return;
      rasters.before = null;
      rasters.changed('mask');
    });
  }

  /** Whether the shown mask is not the model's. */
  get isEdited(): boolean {
    return editsOf(this.store.state.history).length > 0;
  }

  /** Puts the brush (1) or the eraser (0) down. */
  begin(value: 0 | 1, at: Point): void {
    if (this.editor === null || this.drawing) return;
    this.rasters.before = null;
    this.drawing = true;
    this.show(this.editor.begin(value, this.store.state.view.brush / 2, at));
  }

  moveTo(at: Point): void {
    if (this.drawing) this.show(this.editor?.moveTo(at) ?? null);
  }

  /** Lifts the brush: the stroke becomes a step. @param name of the step, in words */
  end(name: string): void {
    if (!this.drawing || this.editor === null) return;
    this.drawing = false;
    const edit = this.editor.end();
    if (edit !== null) this.done(edit, name);
    this.rasters.changed('mask'); // with its outline again
  }

  /** Takes back the stroke that is being drawn. */
  cancel(): void {
    if (!this.drawing) return;
    this.drawing = false;
    this.editor?.cancel();
    this.rasters.changed('mask');
  }

  /** Does an edit at once: a polygon, a repair. Nothing becomes a step if it changes nothing. @returns whether it did */
  apply(edit: EditAction, name: string): boolean {
    const { editor, rasters, store } = this;
    if (editor === null || rasters.model === null || this.drawing) return false;
    editor.show(rasters.model, [...editsOf(store.state.history), edit]);
    if (editor.isLastEmpty()) {
      editor.show(rasters.model, editsOf(store.state.history));
      return false;
    }
    rasters.before = null;
    this.done(edit, name);
    rasters.changed('mask');
    return true;
  }

  private done(edit: EditAction, name: string): void {
    this.store.dispatch({ type: 'edit/done', name, edit, area: this.editor?.gainOf(edit) ?? 0 });
    const { steps } = this.store.state.history;
    const numbers = steps.reduce((sum, step) => sum + numbersOf(step), 0);
    if (this.editor !== null && (steps.length > MOST_STEPS || numbers > MOST_NUMBERS))
      this.store.dispatch({ type: 'history/folded', edit: maskAction(this.editor.mask) });
  }

  private show(rect: Rect | null): void {
    if (rect !== null) this.rasters.changed('mask', rect);
  }

  /** Makes the mask of the history. @returns whether its pixels changed */
  private follow(): boolean {
    const { rasters, store } = this;
    const { model } = rasters;
    if (model === null) {
      this.editor = null;
      this.drawing = false;
      return false;
    }
    if (this.drawing) {
      this.editor?.cancel(); // a new mask came under the brush
      this.drawing = false;
    }
    this.editor ??= new MaskEditor(model);
    const edits = editsOf(store.state.history);
    const isNew = this.editor.model !== model;
    const rect = this.editor.show(model, edits);
    rasters.mask = this.editor.mask;
    if (isNew && edits.length > 0) this.measureSoon();
    return rect !== null;
  }

  private measureSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.measure(), MEASURE);
  }

  private measure(): void {
    const { store, rasters } = this;
    const { result, picture } = store.state;
    if (result === null || picture === null || rasters.mask === null || result.picture !== picture.id) return;
    const { places, sides } = result.reading;
    const { pixels, count, rows } = areasOf(rasters.mask, places, sides, picture.spacing);
    store.dispatch({ type: 'edit/measured', area: pixels, areas: count, measures: rows });
  }
}

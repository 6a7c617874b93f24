/**
 * The mask that a list of edits makes of the model's mask, kept up to date: appended edits are applied, edits that
 * were undone are toggled back by their patches. A patch that was dropped to save memory is made again from the model's
 * mask, so history may be long and memory is bounded.
 */
import { foregroundPixels, type Mask, ReclmisError } from '@reclmis/core';
import type { EditAction } from '../state/edit-action.js';
import { applyEdit, rounded } from './action.js';
import { paintSegment, type Point } from './brush.js';
import type { Rect } from '../rasters.js';
import { type Patch, patchBytes, Recorder, togglePatch, unite } from './patch.js';

/** Bytes of patches that are kept for undo. */
export const PATCH_BYTES = 32 * 1024 * 1024;

interface Step {
  readonly action: EditAction;
  /** Null: dropped. */
  patch: Patch | null;
}

interface Stroke {
  readonly value: 0 | 1;
  readonly radius: number;
  readonly points: number[];
}

export class MaskEditor {
  /** Its own, unchanged. */
  private base: Mask;
  private current: Mask;
  private recorder: Recorder;
  private steps: Step[] = [];
  private stroke: Stroke | null = null;
  private kept = 0;
  private area: number;

  /** @param base the model's mask, 0 and 1; it is not changed. @param limit bytes of patches */
  constructor(
    base: Mask,
    private readonly limit: number = PATCH_BYTES,
  ) {
    this.base = base;
    this.current = { ...base, data: base.data.slice() };
    this.recorder = new Recorder(this.current);
    this.area = foregroundPixels(base);
  }

  /** The model's mask that the edits lie on. */
  get model(): Mask {
    return this.base;
  }

  /** As edited; changes in place. */
  get mask(): Mask {
    return this.current;
  }

  /** Pixels of the mask. */
  get pixels(): number {
    return this.area;
  }

  /** Bytes of patches kept. */
  get bytes(): number {
    return this.kept;
  }

  /**
   * Makes the mask that the edits make of a model's mask. Costs what differs from the last call.
   * @returns what changed, to draw it; null if nothing
   */
  show(model: Mask, actions: readonly EditAction[]): Rect | null {
    this.refuseStroke('show');
    let dirty: Rect | null = null;
    if (model !== this.base) dirty = this.rebuild(model, []);
    let same = 0;
    while (same < this.steps.length && this.steps[same]!.action === actions[same]) same++;
    if (this.steps.slice(same).some(({ patch }) => patch === null))
      dirty = unite(dirty, this.rebuild(this.base, actions.slice(0, same)));
    while (this.steps.length > same) dirty = unite(dirty, this.undoLast());
    for (const action of actions.slice(same)) dirty = unite(dirty, this.append(action));
    return dirty;
  }

  /** Pixels that an edit added, minus those that it took away; null if it is not among those shown, or long ago. */
  gainOf(action: EditAction): number | null {
    return this.steps.find((step) => step.action === action)?.patch?.gain ?? null;
  }

  /** Whether the last edit that is shown changed nothing. */
  isLastEmpty(): boolean {
    return this.steps.at(-1)?.patch?.runs.length === 0;
  }

  /** Puts the brush (1) or the eraser (0) down. @returns what changed @throws INTERNAL during a stroke */
  begin(value: 0 | 1, radius: number, at: Point): Rect | null {
    this.refuseStroke('begin');
    this.stroke = { value, radius: Math.max(rounded(radius), 1 / 16), points: [] };
    return this.moveTo(at);
  }

  /** Draws on to a point. @returns what changed; null if nothing, or no stroke was begun */
  moveTo({ x, y }: Point): Rect | null {
    const { stroke } = this;
    if (stroke === null) return null;
    const to = { x: rounded(x), y: rounded(y) };
    const { points, radius, value } = stroke;
    const from = points.length === 0 ? to : { x: points.at(-2)!, y: points.at(-1)! };
    if (points.length > 0 && from.x === to.x && from.y === to.y) return null;
    points.push(to.x, to.y);
    paintSegment(this.recorder, from, to, radius, value, this.current.height);
    return this.recorder.dirty();
  }

  /** Lifts the brush. @returns the edit, which is part of the mask already; null if it changed nothing */
  end(): EditAction | null {
    const { stroke } = this;
    this.stroke = null;
    if (stroke === null) return null;
    const patch = this.recorder.take();
    if (patch.runs.length === 0) return null;
    const action: EditAction = { kind: 'stroke', ...stroke };
    this.keep(action, patch);
    return action;
  }

  /** Takes back a stroke that was not ended. @returns what changed */
  cancel(): Rect | null {
    this.stroke = null;
    const patch = this.recorder.take();
    togglePatch(this.current, patch);
    return patch.rect;
  }

  private refuseStroke(what: string): void {
    if (this.stroke !== null) throw new ReclmisError('INTERNAL', `${what}: a stroke has not ended`);
  }

  private append(action: EditAction): Rect | null {
    applyEdit(this.recorder, this.current, this.base, action);
    const patch = this.recorder.take();
    this.keep(action, patch);
    return patch.rect;
  }

  private keep(action: EditAction, patch: Patch): void {
    this.steps.push({ action, patch });
    this.area += patch.gain;
    this.kept += patchBytes(patch);
    for (const step of this.steps) {
      if (this.kept <= this.limit) break;
      if (step.patch === null) continue;
      this.kept -= patchBytes(step.patch);
      step.patch = null;
    }
  }

  private undoLast(): Rect | null {
    const patch = this.steps.pop()?.patch;
    if (!patch) return null; // `show` rebuilds first if one is missing
    togglePatch(this.current, patch);
    this.area -= patch.gain;
    this.kept -= patchBytes(patch);
    return patch.rect;
  }

  /** Starts from a model's mask. @returns all of it */
  private rebuild(base: Mask, actions: readonly EditAction[]): Rect {
    this.base = base;
    this.current = { ...base, data: base.data.slice() };
    this.recorder = new Recorder(this.current);
    [this.steps, this.kept, this.area] = [[], 0, foregroundPixels(base)];
    for (const action of actions) this.append(action);
    const { width, height } = base;
    return { x: 0, y: 0, width, height };
  }
}

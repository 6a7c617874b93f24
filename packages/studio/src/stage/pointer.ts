/** What the pointer does on the image with each tool. Editing tools add themselves to `pointerTools`. */
import type { Tool, View } from '../state/state.js';
import { draggedWindow, type Point } from './transform.js';

export interface Drag {
  readonly view: View;
  /** Where it began and is, CSS pixels of the stage. */
  readonly from: Point;
  readonly at: Point;
  /** The same in image pixels. */
  readonly fromImage: Point;
  readonly atImage: Point;
  /** CSS pixels per image pixel. */
  readonly scale: number;
}

/** A tool that turns a drag into another view. */
export type ViewTool = (drag: Drag) => Partial<View>;

export const VIEW_TOOLS: Readonly<Partial<Record<Tool, ViewTool>>> = {
  window: ({ view, from, at }) => ({ window: draggedWindow(view.window, at.x - from.x, from.y - at.y) }),
  pan: ({ view, from, at, scale }) => ({
    pan: { x: view.pan.x - (at.x - from.x) / scale, y: view.pan.y - (at.y - from.y) / scale },
  }),
};

/** A tool that changes pixels; points are image pixels. */
export interface StrokeTool {
  begin(at: Point): void;
  move(at: Point): void;
  end(): void;
}

/** By tool; filled when the page starts. */
export const strokeTools = new Map<Tool, StrokeTool>();

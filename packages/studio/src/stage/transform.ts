/** From image pixels to the stage's CSS pixels and back. The image fits the stage at zoom 1, with a margin. */
import type { View } from '../state/state.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** x' = scale * x + left, y' = scale * y + top. */
export interface Transform {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

const MARGIN = 16;
export const MOST_ZOOM = 32;

export function transformOf(
  stage: Size,
  image: Size,
  { zoom, pan }: Pick<View, 'zoom' | 'pan'>,
  margin = MARGIN,
): Transform {
  const room = (length: number): number => Math.max(1, length - 2 * margin);
  const fit = Math.min(room(stage.width) / image.width, room(stage.height) / image.height);
  const scale = fit * zoom;
  return {
    scale,
    left: stage.width / 2 - scale * (image.width / 2 + pan.x),
    top: stage.height / 2 - scale * (image.height / 2 + pan.y),
  };
}

export function toImage({ scale, left, top }: Transform, { x, y }: Point): Point {
  return { x: (x - left) / scale, y: (y - top) / scale };
}

export function toStage({ scale, left, top }: Transform, { x, y }: Point): Point {
  return { x: scale * x + left, y: scale * y + top };
}

/** The view after zooming by a factor, with the image's point under `at` (stage) kept there. */
export function zoomedAt(
  view: Pick<View, 'zoom' | 'pan'>,
  factor: number,
  at: Point,
  stage: Size,
  image: Size,
  margin = MARGIN,
): Pick<View, 'zoom' | 'pan'> {
  const zoom = Math.min(MOST_ZOOM, Math.max(0.25, view.zoom * factor));
  const fixed = toImage(transformOf(stage, image, view, margin), at);
  const { scale } = transformOf(stage, image, { zoom, pan: view.pan }, margin);
  return {
    zoom,
    pan: {
      x: fixed.x - image.width / 2 - (at.x - stage.width / 2) / scale,
      y: fixed.y - image.height / 2 - (at.y - stage.height / 2) / scale,
    },
  };
}

/** The window after a drag: across for its width, down for its level, 1 grey value a CSS pixel. */
export function draggedWindow({ width, level }: View['window'], dx: number, dy: number): View['window'] {
  return {
    width: Math.min(510, Math.max(1, width + dx)),
    level: Math.min(255, Math.max(0, level + dy)),
  };
}

/** Displayed value for each stored one: a straight line from the window's lower to its upper end. */
export function windowTable({ width, level }: View['window']): Uint8ClampedArray {
  const low = level - width / 2;
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => (255 * (value - low)) / width);
}

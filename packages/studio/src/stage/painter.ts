/**
 * Draws image, mask and their like on two canvases: the image below, everything that changes with the note above.
 * Outlines are 2 px on a 4 px dark casing, since orange on mid-grey tissue has no contrast of its own.
 */
import type { Mask, RgbImage } from '@reclmis/core';
import { unite } from '../edit/patch.js';
import type { Rect } from '../rasters.js';
import type { View } from '../state/state.js';
import { areaOf, compareMasks } from './compare-masks.js';
import { type Outline, outlineOf, trace } from './outline.js';
import { type Size, type Transform, windowTable } from './transform.js';

export interface Palette {
  readonly mask: string;
  readonly reference: string;
  readonly onImage: string;
}

/** What is to be seen. */
export interface Scene {
  readonly transform: Transform;
  readonly stage: Size;
  readonly view: View;
  /** Device pixels per CSS pixel. */
  readonly ratio: number;
  readonly palette: Palette;
}

interface Layer {
  readonly outline: Outline;
  readonly kind: 'mask' | 'gained' | 'lost' | 'truth';
  /** Its path in image pixels, smooth and exact; made when first drawn, since panning and zooming draw it often. */
  readonly paths: { smooth?: Path2D; exact?: Path2D };
}

const layerOf = (mask: Mask, kind: Layer['kind']): Layer => ({ outline: outlineOf(mask), kind, paths: {} });

/** From this many CSS pixels per image pixel, pixels and their edges are drawn as they are. */
const EXACT = 14;
const HATCH = 7;

export class Painter {
  private image: RgbImage | null = null;
  private windowed: { readonly canvas: OffscreenCanvas; readonly key: string } | null = null;
  private layers: readonly Layer[] = [];
  private truth: Layer | null = null;
  /** While a stroke is drawn: the mask as a picture, redrawn where it changes. */
  private raster: OffscreenCanvas | null = null;
  private doubt: OffscreenCanvas | null = null;
  /** What strokes changed since the last frame. */
  private pending: { readonly mask: Mask; readonly where: Rect; readonly scene: Scene } | null = null;

  constructor(
    private readonly below: CanvasRenderingContext2D,
    private readonly above: CanvasRenderingContext2D,
  ) {}

  setImage(image: RgbImage | null): void {
    this.image = image;
    this.windowed = null;
    this.layers = [];
    this.truth = null;
    this.raster = null;
    this.pending = null;
    this.doubt = null;
  }

  /** @param before what the mask is compared with; null: nothing is tinted */
  setMask(mask: Mask | null, before: Mask | null): void {
    this.raster = null;
    this.pending = null;
    if (mask === null) this.layers = [];
    else if (before === null) this.layers = [layerOf(mask, 'mask')];
    else {
      const { kept, gained, lost } = compareMasks(before, mask);
      const layer = (part: Mask, kind: Layer['kind']): Layer[] =>
        areaOf(part) === 0 ? [] : [layerOf(part, kind)];
      this.layers = [...layer(kept, 'mask'), ...layer(gained, 'gained'), ...layer(lost, 'lost')];
    }
  }

  /** The true mask, drawn as an outline over the others. */
  setTruth(mask: Mask | null): void {
    this.truth = mask === null ? null : layerOf(mask, 'truth');
  }

  /** A stroke changed these pixels alone, so only they are drawn again: once a frame, as pointers move more often. */
  maskChangedAt(mask: Mask, rect: Rect, scene: Scene): void {
    if (this.pending === null) requestAnimationFrame(() => this.drawPending());
    this.pending = { mask, where: unite(this.pending?.where ?? null, rect) ?? rect, scene };
  }

  private drawPending(): void {
    if (this.pending === null) return;
    const { mask, where, scene } = this.pending;
    this.pending = null;
    const { x, y, width, height } = where;
    const whole = this.raster === null;
    this.raster ??= new OffscreenCanvas(mask.width, mask.height);
    const context = this.raster.getContext('2d')!;
    const part = whole ? { x: 0, y: 0, width: mask.width, height: mask.height } : { x, y, width, height };
    if (part.width <= 0 || part.height <= 0) return;
    const pixels = new ImageData(part.width, part.height);
    const quads = new Uint32Array(pixels.data.buffer);
    const [colour] = new Uint32Array(Uint8Array.of(...rgbOf(scene.palette.mask), 255).buffer);
    for (let row = 0; row < part.height; row++) {
      const from = (part.y + row) * mask.width + part.x;
      const to = row * part.width;
      for (let column = 0; column < part.width; column++)
        if (mask.data[from + column] !== 0) quads[to + column] = colour!;
    }
    context.putImageData(pixels, part.x, part.y);
    this.drawAbove(scene, whole ? null : part);
  }

  /** Probabilities near one half as a white veil: 4 p (1 - p). */
  setDoubt(probability: Float32Array | null): void {
    const { image } = this;
    this.doubt = null;
    if (probability === null || image === null) return;
    const { width, height } = image;
    this.doubt = new OffscreenCanvas(width, height);
    const pixels = new ImageData(width, height);
    for (let p = 0; p < probability.length; p++) {
      const value = probability[p]!;
      pixels.data.fill(255, 4 * p, 4 * p + 3);
      pixels.data[4 * p + 3] = 200 * 4 * value * (1 - value);
    }
    this.doubt.getContext('2d')!.putImageData(pixels, 0, 0);
  }

  drawBelow({ transform, stage, view, ratio }: Scene): void {
    const { below: context, image } = this;
    clear(context, stage, ratio);
    if (image === null) return;
    const { scale, left, top } = transform;
    context.imageSmoothingEnabled = scale < EXACT;
    context.imageSmoothingQuality = 'high';
    const { width, height } = image;
    context.drawImage(this.picture(image, view.window), left, top, scale * width, scale * height);
  }

  /** @param where image pixels; null: all */
  drawAbove(scene: Scene, where: Rect | null = null): void {
    const { transform, stage, view, ratio } = scene;
    const { above: context } = this;
    const { scale, left, top } = transform;
    context.save();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (where !== null) {
      const edge = 2; // CSS pixels: smoothing reaches beyond the rectangle
      context.beginPath();
      context.rect(left + scale * where.x - edge, top + scale * where.y - edge, scale * where.width + 2 * edge, scale * where.height + 2 * edge); // prettier-ignore
      context.clip();
    }
    context.clearRect(0, 0, stage.width, stage.height);
    if (view.uncertainty && this.doubt !== null)
      context.drawImage(this.doubt, left, top, scale * this.doubt.width, scale * this.doubt.height);
    if (!view.hidden) {
      if (this.raster === null) for (const layer of this.layers) drawLayer(context, layer, scene);
      else {
        context.globalAlpha = view.style === 'fill' ? view.opacity : Math.min(view.opacity, 0.35);
        context.imageSmoothingEnabled = scale < EXACT;
        context.drawImage(this.raster, left, top, scale * this.raster.width, scale * this.raster.height);
      }
    }
    context.globalAlpha = 1;
    if (view.truth && this.truth !== null) drawLayer(context, this.truth, scene);
    context.restore();
  }

  /** The image under its window. */
  private picture(image: RgbImage, window: View['window']): OffscreenCanvas {
    const key = `${window.width} ${window.level}`;
    if (this.windowed?.key === key) return this.windowed.canvas;
    const canvas = this.windowed?.canvas ?? new OffscreenCanvas(image.width, image.height);
    const table = windowTable(window);
    const pixels = new ImageData(image.width, image.height);
    const out = pixels.data;
    for (let from = 0, to = 0; from < image.data.length; from += 3, to += 4) {
      out[to] = table[image.data[from]!]!;
      out[to + 1] = table[image.data[from + 1]!]!;
      out[to + 2] = table[image.data[from + 2]!]!;
      out[to + 3] = 255;
    }
    canvas.getContext('2d')!.putImageData(pixels, 0, 0);
    this.windowed = { canvas, key };
    return canvas;
  }
}

function clear(context: CanvasRenderingContext2D, { width, height }: Size, ratio: number): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
}

function pathOf({ outline, paths }: Layer, exact: boolean): Path2D {
  const kind = exact ? 'exact' : 'smooth';
  const made = paths[kind];
  if (made !== undefined) return made;
  const path = new Path2D();
  trace(path, outline, exact);
  paths[kind] = path;
  return path;
}

function drawLayer(context: CanvasRenderingContext2D, layer: Layer, scene: Scene): void {
  const { outline, kind } = layer;
  const { transform, view, ratio, palette } = scene;
  const { scale, left, top } = transform;
  if (outline.rings.length === 0) return;
  const path = pathOf(layer, scale >= EXACT);
  const placed = new Path2D();
  placed.addPath(path, { a: scale, d: scale, e: left, f: top });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const colour = { mask: palette.mask, gained: palette.reference, lost: palette.onImage, truth: palette.reference }[kind]; // prettier-ignore
  if (kind === 'lost') hatch(context, placed, scene, colour);
  else if (view.style === 'fill' && kind !== 'truth') {
    context.globalAlpha = kind === 'gained' ? Math.min(1, view.opacity + 0.25) : view.opacity;
    context.fillStyle = colour;
    context.fill(placed, 'evenodd');
    context.globalAlpha = 1;
  }
  context.lineJoin = 'round';
  context.strokeStyle = 'rgb(0 0 0 / 0.5)';
  context.lineWidth = 4;
  context.stroke(placed);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash(kind === 'lost' ? [5, 4] : []);
  context.stroke(placed);
  context.setLineDash([]);
}

function hatch(context: CanvasRenderingContext2D, path: Path2D, { stage }: Scene, colour: string): void {
  context.save();
  context.clip(path, 'evenodd');
  context.beginPath();
  for (let x = -stage.height; x < stage.width; x += HATCH) {
    context.moveTo(x, stage.height);
    context.lineTo(x + stage.height, 0);
  }
  context.strokeStyle = 'rgb(0 0 0 / 0.5)';
  context.lineWidth = 3;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.restore();
}

/** "#e69f00" as numbers. */
function rgbOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

import type { DicomImage } from '../types.js';
import type { SegSource } from './types.js';

/** A frame of an image, from 0, as what a SEG was drawn on. */
export function segSourceOf(image: DicomImage, frame: number): SegSource {
  return { source: image.source, frame, frames: image.frames, geometry: image.geometryOf(frame) };
}

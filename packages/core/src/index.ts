/** Pure, browser-safe parts of RecLMIS: everything that training and serving share. */
export * from './errors.js';
export * from './image.js';
export * from './manifest.js';
export * from './metrics.js';
export * from './overlay.js';
export * from './random.js';
export * from './raster.js';
export * from './words.js';
export * from './clip-tokens.js';
export * from './note.js';
export { flipNoteVertically, mirrorNote, namesPlace, namesSide } from './note-mirror.js';

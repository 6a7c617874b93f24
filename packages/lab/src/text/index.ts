/** Note encoders. */
export type { NoteEncoder, NoteEncoderDescription, NoteFeatures } from './encoder.js';
export { restoreNoteEncoder } from './restore.js';
export { WordEncoder, type WordEncoderOptions } from './words.js';
export { CLIP_VIT_B_32, ClipTextTower, type ClipTextOptions } from './clip.js';

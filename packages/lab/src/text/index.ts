export type { NoteEncoder, NoteEncoderDescription, NoteFeatures } from './encoder.js';
export { buildEncoder, chooseEncoder, type EncoderChoice } from './choose.js';
export { restoreNoteEncoder } from './restore.js';
export { WordEncoder, type WordEncoderOptions } from './words.js';
export { ClipEncoder, type ClipEncoderOptions } from './clip-encoder.js';
export { CLIP_VIT_B_32, ClipTextTower, type ClipTextOptions } from '../clip/tower.js';

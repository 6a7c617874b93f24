/**
 * Errors, their text, and the version, without the rest of core: for programs that must start at once. The same classes
 * as in the main entry.
 */
export * from './errors.js';
export * from './printable.js';
export { isFull, oneLine, systemCode, writeError, type WriteRemedies } from './system-errors.js';
export { VERSION } from './version.js';

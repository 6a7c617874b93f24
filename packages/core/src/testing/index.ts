/** Fixtures that tests of several packages share, and measurements. */
export * from './manifest.js';
export { misspelt, slipsOf } from './misspell.js';

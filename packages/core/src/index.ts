/** Pure, browser-safe parts of RecLMIS: everything that training and serving share. */
export * from './errors.js';

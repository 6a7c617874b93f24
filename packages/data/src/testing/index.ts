/** For tests: files and small data sets. */
export { errorOf, greyPng, inFolder, notesXlsx, splitFiles, turnedTiff, writeFiles } from './files.js';
export { type TinyCounts, writeTinyData } from './tiny-data.js';

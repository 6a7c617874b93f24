/**
 * Files in Node, for training and serving: images, notes, and writing all or nothing.
 *
 * @packageDocumentation
 */
export { type FolderLock, withFolderLock } from './folder-lock.js';
export * as protobuf from './protobuf.js';
export { cacheHome, type Environment } from './home.js';
export { APPEND_FLAGS, openGrown, openToAppend } from './append.js';
export { makeFolder, mapLimit } from './files.js';
export { isFull, oneLine, systemCode, writeError, type WriteRemedies } from '@reclmis/core'; // used together with files
export {
  finalName,
  requireWritable,
  syncFolder,
  temporaryName,
  writeFileAtomic,
  writeFileAtomicSync,
  type Write,
  type WriteOptions,
} from './whole-file.js';
export {
  decodeImage,
  decodeImageHeader,
  endsComplete,
  fileError,
  IMAGE_EXTENSIONS,
  MAX_PIXELS,
  readImage,
  readImageHeader,
  readImageWithHeader,
  readLabels,
  type ReadLabels,
  readMask,
  readMaskWithValues,
  type ImageHeader,
  type ReadImage,
  type ReadMask,
  type ReadOptions,
} from './images.js';
export {
  encodePng,
  encodePng16,
  renderSvg,
  writePngGrey,
  writePngMask,
  writePngRgb,
  type GreyImage,
  type PngOptions,
} from './image-writing.js';
export { differentSizes, turnOf, type OrientedSize } from './orientation.js';
export { isLocked, machineTag, withLock, type LockHolder, type LockOptions } from './lock.js';
export { isAlive } from './process-start.js';
export { isLitter, nameDifference, nameKey, NearNames, visibleName } from './names.js';
export { checkNotesName, DERIVED, readNotes, writeNotes, type NoteTable } from './notes.js';
export { encodeCsv } from './csv.js';
export { encodeWorkbook } from './encode-workbook.js';
export {
  NotRegularError,
  openRegular,
  openRegularSync,
  readRegular,
  readRegularSync,
  readTextSync,
  type RegularOptions,
} from './regular.js';
export { decodeText } from './text.js';
export {
  CASE_COLUMNS,
  type CaseColumn,
  type CaseColumns,
  parseColumns,
  readCaseTable,
  type CaseTableOptions,
} from './case-table.js';
export type { NoteRow, Table } from './columns.js';
export { TABLE_EXTENSIONS } from './tables.js';
export {
  readZipDirectory,
  ZIP_STORED,
  type ZipBytes,
  type ZipDirectory,
  type ZipHeader,
  type ZipRules,
} from './zip-directory.js';

/**
 * Files in Node, for training and serving: images, notes, and writing all or nothing.
 *
 * @packageDocumentation
 */
export { type FolderLock, withFolderLock } from './folder-lock.js';
export * as protobuf from './protobuf.js';
export { cacheError, cacheHome, type Environment } from './home.js';
export { parseSource } from './download/connections.js';
export { download, type DownloadOptions, parseSha256 } from './download/download.js';
export { hashFile } from './download/part.js';
export { fetchHubModel, type HubFetchOptions, type HubModel, type HubOptions } from './hub/hub-model.js';
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
  endsComplete,
  fileError,
  MAX_PIXELS,
  openImage,
  openImageBytes,
  openSource,
  type OpenImage,
  readClinicalFrame,
  readImage,
  readImageHeader,
  readImageWithHeader,
  type ImageHeader,
  type ReadImage,
  type ReadOptions,
} from './images.js';
export {
  headerOnDisplay,
  maskOnDisplay,
  type MaskOptions,
  readLabels,
  type ReadLabels,
  readMask,
  type ReadMask,
  readMaskHeader,
  readMaskWithValues,
} from './masks.js';
export {
  encodePng,
  encodePng16,
  renderSvg,
  writePngGrey,
  writePngMask,
  writePngRgb,
  type GreyImage,
} from './image-writing.js';
export { IMAGE_EXTENSIONS, imageExtension, imageStem, isPictureName } from './image-names.js';
export { clinicalFormatOf, turned } from './clinical.js';
export { differentSizes, turnOf, type OrientedSize } from './orientation.js';
export { isLocked, machineTag, withLock, type LockHolder, type LockOptions } from './lock.js';
export { isAlive } from './process-start.js';
export { isLitter, nameDifference, nameKey, NearNames, visibleName } from './names.js';
export { checkNotesName, DERIVED, type NoteRange, readNotes, writeNotes, type NoteTable } from './notes.js';
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
export { isOpenToAll, readSecret } from './secret-file.js';
export { FAINT, INK, svgText, textWidth, wrapText, type TextStyle, type Weight } from './svg-text.js';
export { readCaseTable } from './case-table.js';

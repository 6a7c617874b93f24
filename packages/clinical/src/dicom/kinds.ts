/** Objects without an image to segment, by their SOP class (PS3.4 B.5): what a refusal calls them. */
import type { DataSet } from './data-set.js';
import { unreadable, unsupported } from './faults.js';
import { TAG } from './tags.js';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
/** Beginnings of SOP classes behind `STORAGE`, the longer first. */
const KINDS: readonly (readonly [string, string])[] = [
  ['11.', 'a presentation state'],
  ['104.1', 'an encapsulated PDF'],
  ['104.2', 'an encapsulated clinical document'],
  ['104.', 'an encapsulated document'],
  ['66.4', 'a segmentation'],
  ['66.5', 'a surface segmentation'],
  ['66.6', 'a tractography result'],
  ['66.', 'a registration or fiducials'],
  ['66', 'raw data'],
  ['68.', 'a surface scan'],
  ['88.59', 'a key object selection'],
  ['88.', 'a structured report'],
  ['9.', 'a waveform'],
  ['67', 'a real world value mapping'],
  ['30', 'a parametric map'],
  ['481.2', 'a radiotherapy dose'],
  ['481.3', 'a radiotherapy structure set'],
  ['481.5', 'a radiotherapy plan'],
  ['481.8', 'a radiotherapy plan'],
  ['78.', 'an ophthalmic measurement'],
];
const DIRECTORY = '1.2.840.10008.1.3.10';

/** @throws IMAGE_UNSUPPORTED for objects that hold no image, IMAGE_UNREADABLE if the pixels are missing */
export function refuseNonImages(dataSet: DataSet): void {
  const sopClass = dataSet.uid(TAG.sopClass);
  if (sopClass === DIRECTORY || (sopClass === '' && dataSet.has(0x00041220)))
    throw refusal('a directory (DICOMDIR)', 'Give the image files that it lists.');
  if (sopClass.startsWith(STORAGE)) {
    const rest = sopClass.slice(STORAGE.length);
    const kind = KINDS.find(([start]) =>
      start.endsWith('.') ? rest.startsWith(start) : rest === start || rest.startsWith(`${start}.`),
    );
    if (kind !== undefined) throw refusal(kind[1], 'Give the image that it belongs to.');
  }
  if (dataSet.has(TAG.floatPixels) || dataSet.has(TAG.doublePixels))
    throw unsupported('its pixels are floating point', 'Convert them to 8 or 16 bits with a rescale.');
  if (dataSet.element(TAG.pixels) !== undefined) return;
  if (dataSet.has(TAG.rows)) throw unreadable('the file has no pixels: it is cut off, or a header alone');
  throw refusal('an object without pixels', 'Give an image.');
}

function refusal(what: string, remedy: string): Error {
  return unsupported(`it is ${what}, not an image`, remedy);
}

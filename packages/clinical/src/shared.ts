/** What Node and browsers export alike. */
export * from './grid.js';
export { isNifti, type NiftiOptions, readNifti } from './nifti/read-nifti.js';
export { writeNifti } from './nifti/write-nifti.js';
export * from './seg/types.js';
export { algorithmName } from './seg/names.js';
export { segSourceOf } from './seg/source.js';
export { writeSeg } from './seg/write-seg.js';
export { writeNrrd, type NrrdSegment } from './outputs/nrrd.js';
export { type NrrdLabels, readNrrd } from './outputs/read-nrrd.js';
export { type OutlinedMask, outlinesGeoJson } from './outputs/geojson.js';
export { type FrameMeasures, measure, type MeasuredSegment, type Measures, type SegmentMeasures } from './outputs/measure.js'; // prettier-ignore
export { measuresCsv, measuresJson } from './outputs/measures-text.js';
export { SR_STORAGE, type SrOptions, writeSr, type WrittenSr } from './sr/write-sr.js';
export { readSeg, type ReadSegFrame, type ReadSegment, type SegObject } from './seg/read-seg.js';
export { type LabelMapOptions, segLabelMaps } from './seg/label-maps.js';
export { type SeriesFrame, seriesFrames, type SeriesSeg, writeSegs, writeSeriesSegs } from './series.js';
export { type DisplayedLabels, niftiLabels, segLabels } from './masks.js';
export {
  displayedFrame,
  type DisplayedFrame,
  displayedPixels,
  displayedSize,
  type ReadClinical,
  storedPlane,
  storedRaster,
} from './display.js';
export * from './orientation.js';
export type * from './types.js';
export * from './web/index.js';
export { isDicom } from './dicom/open-file.js';
export type { ReadDicom, ReadDicomOptions } from './dicom/read-dicom.js';

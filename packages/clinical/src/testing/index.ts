/** For tests of several packages. */
export { plainDicomFile, type PlainFileValues, DX } from './plain-file.js';
export { type Asked, type FakePacs, partsOf, sendParts, type Twist, withPacs } from './fake-pacs.js';
export { type Attribute, imageFile, type TestImage } from './dicom-file.js';
export { niftiFile, type NiftiParts } from './nifti-file.js';
export { encodeFrame, type Encoding, type Frame, phantomFrame } from './encode.js';
export { type Orthanc, orthancMissing, startOrthanc } from './orthanc.js';
export { testMask, testProjection, type TestSeries, testSlices } from './sources.js';

/** Reads a SEG by Cornerstone3D's adapter over images stated in a JSON file; prints the labels of each image. */
import { readFileSync } from 'node:fs';
import { adaptersSEG } from '@cornerstonejs/adapters';
import { metaData } from '@cornerstonejs/core';

const images = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const byId = new Map(images.map((image, i) => [`test:${i}`, image]));
metaData.addProvider((type, id) => {
  const image = byId.get(id);
  if (image === undefined) return undefined;
  const { rows, columns, instance, series, frameOfReference, position, orientation, spacing } = image;
  const [rowCosines, columnCosines] = orientation ? [orientation.slice(0, 3), orientation.slice(3)] : [];
  switch (type) {
    case 'imagePlaneModule':
      return {
        rows,
        columns,
        frameOfReferenceUID: frameOfReference,
        imagePositionPatient: position,
        imageOrientationPatient: orientation,
        rowCosines,
        columnCosines,
        pixelSpacing: spacing,
        rowPixelSpacing: spacing?.[0],
        columnPixelSpacing: spacing?.[1],
      };
    case 'imagePixelModule':
      return {
        rows,
        columns,
        bitsAllocated: 16,
        bitsStored: 16,
        highBit: 15,
        samplesPerPixel: 1,
        pixelRepresentation: 0,
        photometricInterpretation: 'MONOCHROME2',
      };
    case 'generalSeriesModule':
      return { seriesInstanceUID: series, modality: 'CT' };
    case 'generalImageModule':
      return { sopInstanceUID: instance };
    case 'instance':
      return {
        SOPInstanceUID: instance,
        SeriesInstanceUID: series,
        FrameOfReferenceUID: frameOfReference,
        Rows: rows,
        Columns: columns,
        ImagePositionPatient: position,
        ImageOrientationPatient: orientation,
        PixelSpacing: spacing,
      };
    default:
      return undefined;
  }
}, 10_000);
const file = readFileSync(process.argv[3]);
const seg = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
  [...byId.keys()],
  file.buffer.slice(file.byteOffset, file.byteOffset + file.length),
  { metadataProvider: metaData },
);
process.stdout.write(
  JSON.stringify(seg.labelMapImages[0].map((image) => Array.from(image.voxelManager.getScalarData()))),
);
process.exit();

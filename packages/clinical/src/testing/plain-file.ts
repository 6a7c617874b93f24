/** Small radiographs of a study and series of one's own, with the complete meta header that a PACS asks for. */
import { type Attribute, dicomFile, imageAttributes } from './dicom-file.js';

/** Values by keyword. */
export interface PlainFileValues {
  readonly sopClass?: string;
  readonly instance: string;
  readonly series: string;
  readonly study: string;
  readonly patientName?: string;
  readonly patientId?: string;
  readonly modality?: string;
  readonly number?: number;
  readonly rows?: number;
  readonly columns?: number;
  /** Patient Orientation; default a frontal image with the patient’s left on its right. */
  readonly orientation?: string;
  /** Image Laterality; default none. */
  readonly laterality?: string;
  /** 8 bits a pixel; default zeros. */
  readonly pixels?: Uint8Array;
}

/** Digital X-ray: image storage for presentation. */
export const DX = '1.2.840.10008.5.1.4.1.1.1.1';

export function plainDicomFile(values: PlainFileValues): Uint8Array<ArrayBuffer> {
  const { sopClass = DX, instance, series, study, rows = 4, columns = 6, laterality } = values;
  const more: readonly Attribute[] = [
    [0x00080016, 'UI', sopClass],
    [0x00080018, 'UI', instance],
    [0x00080020, 'DA', '20260101'],
    [0x00080030, 'TM', '120000'],
    [0x00080050, 'SH', ''],
    [0x00080090, 'PN', ''],
    [0x00100010, 'PN', values.patientName ?? 'Test^Phantom'],
    [0x00100020, 'LO', values.patientId ?? 'PHANTOM-1'],
    [0x00100030, 'DA', ''],
    [0x00100040, 'CS', ''],
    [0x00181164, 'DS', '0.2\\0.2'],
    [0x0020000d, 'UI', study],
    [0x0020000e, 'UI', series],
    [0x00200010, 'SH', '1'],
    [0x00200011, 'IS', '1'],
    [0x00200013, 'IS', String(values.number ?? 1)],
    [0x00200020, 'CS', values.orientation ?? 'L\\F'],
    ...(laterality === undefined ? [] : ([[0x00200062, 'CS', laterality]] as const)),
    [0x00281050, 'DS', '128'],
    [0x00281051, 'DS', '256'],
  ];
  const { modality = 'DX', pixels = new Uint8Array(rows * columns) } = values;
  const image = { width: columns, height: rows, allocated: 8, modality, pixels, more };
  return dicomFile(imageAttributes(image), { object: { sopClass, instance } });
}

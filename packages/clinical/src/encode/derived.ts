/** What all objects have that are derived from a DICOM image: its patient and study, and who made them (PS3.3 C.7.1 to C.7.5). */
import { VERSION } from '@reclmis/core';
import type { DicomSource } from '../types.js';
import { dateOf, timeOf } from './decimal.js';
import { ATTRIBUTES, type Keyword } from './dictionary.js';
import type { Attributes } from './encode.js';

/** A coded concept (PS3.3 8.8). */
export interface Code {
  readonly value: string;
  /** `SCT` for SNOMED CT, `DCM`, ... */
  readonly scheme: string;
  readonly meaning: string;
}

/** Attributes of type 2: they are present, though the source has none. */
const REQUIRED: readonly Keyword[] = [
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'ReferringPhysicianName',
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyID',
];

/** Patient, study, equipment and dates of an object that is derived from `source` at `time`. */
export function derivedFrom({ inherited, study }: DicomSource, time: Date): Attributes {
  const known = Object.entries(inherited).filter(([keyword]) => Object.hasOwn(ATTRIBUTES, keyword));
  const [date, clock] = [dateOf(time), timeOf(time)];
  return {
    ...Object.fromEntries(REQUIRED.map((keyword) => [keyword, ''])),
    ...Object.fromEntries(known),
    SpecificCharacterSet: 'ISO_IR 192',
    InstanceCreationDate: date,
    InstanceCreationTime: clock,
    SeriesDate: date,
    SeriesTime: clock,
    ContentDate: date,
    ContentTime: clock,
    Manufacturer: 'RecLMIS',
    ManufacturerModelName: 'RecLMIS for TypeScript',
    DeviceSerialNumber: '1',
    SoftwareVersions: VERSION,
    StudyInstanceUID: study,
  };
}

/** A code as an item of a sequence. */
export function codeItem({ value, scheme, meaning }: Code): Attributes {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning };
}

/** Content items of structured reports (PS3.3 C.17.3). */
import { codeItem } from '../encode/derived.js';
import type { Attributes } from '../encode/encode.js';
import type { Code } from '../seg/types.js';

export type Relationship = 'CONTAINS' | 'HAS CONCEPT MOD' | 'HAS OBS CONTEXT';

/** A frame of an object, or the whole of one with a single frame. */
export interface ReferencedImage {
  readonly sopClass: string;
  readonly sopInstance: string;
  /** From 1; undefined: the whole object. */
  readonly frame?: number | undefined;
  /** The segment of a SEG as a whole; a frame has its segment already, so not both (PS3.3, table 10-3). */
  readonly segment?: number;
}

export const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
export const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
const ucum = (value: string, meaning: string): Code => ({ value, scheme: 'UCUM', meaning });

/** Units of PS3.16, as UCUM writes them. */
export const UNITS = {
  mm: ucum('mm', 'millimeter'),
  mm2: ucum('mm2', 'square millimeter'),
  ml: ucum('ml', 'milliliter'),
} as const;

const item = (relationship: Relationship, type: string, name: Code, more: Attributes): Attributes => ({
  RelationshipType: relationship,
  ValueType: type,
  ConceptNameCodeSequence: [codeItem(name)],
  ...more,
});

export const code = (relationship: Relationship, name: Code, value: Code): Attributes =>
  item(relationship, 'CODE', name, { ConceptCodeSequence: [codeItem(value)] });

export const text = (relationship: Relationship, name: Code, value: string): Attributes =>
  item(relationship, 'TEXT', name, { TextValue: value });

export const uidRef = (relationship: Relationship, name: Code, value: string): Attributes =>
  item(relationship, 'UIDREF', name, { UID: value });

export const number = (name: Code, value: number, unit: Code): Attributes =>
  item('CONTAINS', 'NUM', name, {
    MeasuredValueSequence: [{ NumericValue: value, MeasurementUnitsCodeSequence: [codeItem(unit)] }],
  });

export const image = (name: Code, { sopClass, sopInstance, frame, segment }: ReferencedImage): Attributes =>
  item('CONTAINS', 'IMAGE', name, {
    ReferencedSOPSequence: [
      {
        ReferencedSOPClassUID: sopClass,
        ReferencedSOPInstanceUID: sopInstance,
        ...(frame === undefined ? {} : { ReferencedFrameNumber: frame }),
        ...(segment === undefined ? {} : { ReferencedSegmentNumber: segment }),
      },
    ],
  });

/** @param template of PS3.16 that its content follows */
export const container = (name: Code, content: readonly Attributes[], template?: string): Attributes =>
  item('CONTAINS', 'CONTAINER', name, { ...contentOf(content), ...(template === undefined ? {} : templateOf(template)) }); // prettier-ignore

export const contentOf = (content: readonly Attributes[]): Attributes => ({
  ContinuityOfContent: 'SEPARATE',
  ContentSequence: content,
});

export const templateOf = (template: string): Attributes => ({
  ContentTemplateSequence: [{ MappingResource: 'DCMR', TemplateIdentifier: template }],
});

/** Writes DICOM files for tests: any attribute, right or wrong, in any of the encodings. */

import { joined } from '../joined.js';

/** Text, numbers of the type's size, bytes as they are, items, or fragments of Pixel Data (the first is the offset table). */
export type Value =
  | string
  | readonly number[]
  | Uint8Array
  | { readonly items: readonly (readonly Attribute[])[]; readonly open?: boolean }
  | { readonly fragments: readonly Uint8Array[] };

export type Attribute = readonly [tag: number, vr: string, value: Value];

export interface FileForm {
  /** Transfer syntax UID; default explicit little endian. */
  readonly syntax?: string;
  readonly preamble?: boolean;
  readonly meta?: boolean;
  /** Makes the meta header complete: its length, and the object as there. Default: the transfer syntax alone. */
  readonly object?: { readonly sopClass: string; readonly instance: string };
}

export const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const BIG = '1.2.840.10008.1.2.2';
const CR = '1.2.840.10008.5.1.4.1.1.1';
const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

interface Form {
  readonly explicit: boolean;
  readonly little: boolean;
}

/** Bytes of a data set, in the order given. */
export function dataSetBytes(attributes: readonly Attribute[], syntax = EXPLICIT): Uint8Array {
  return encoded(attributes, { explicit: syntax !== IMPLICIT, little: syntax !== BIG });
}

/** A whole file. */
export function dicomFile(
  attributes: readonly Attribute[],
  { syntax = EXPLICIT, preamble = true, meta = true, object }: FileForm = {},
): Uint8Array<ArrayBuffer> {
  const form = { explicit: true, little: true };
  const ofObject: readonly Attribute[] = object
    ? [
        [0x00020002, 'UI', object.sopClass],
        [0x00020003, 'UI', object.instance],
      ]
    : [];
  const header = encoded(
    [[0x00020001, 'OB', Uint8Array.of(0, 1)], ...ofObject, [0x00020010, 'UI', syntax]],
    form,
  );
  const length = object ? [encoded([[0x00020000, 'UL', [header.length]]], form)] : [];
  const magic = Uint8Array.from([...new Array<number>(128).fill(0), 0x44, 0x49, 0x43, 0x4d]);
  return joined([
    ...(preamble ? [magic] : []),
    ...(meta ? [...length, header] : []),
    dataSetBytes(attributes, syntax),
  ]);
}

export interface TestImage {
  readonly width: number;
  readonly height: number;
  /** Pixel Data: numbers by Bits Allocated, or as `Value`. */
  readonly pixels: Value;
  readonly frames?: number;
  readonly samples?: number;
  readonly photometric?: string;
  readonly allocated?: number;
  readonly stored?: number;
  readonly high?: number;
  readonly signed?: boolean;
  readonly planar?: number;
  readonly modality?: string;
  /** Further attributes, which replace those with the same tag. */
  readonly more?: readonly Attribute[];
}

/** Attributes of an image of invented patient and study. */
export function imageAttributes(image: TestImage): Attribute[] {
  const { width, height, samples = 1, allocated = 16, stored = allocated } = image;
  const own: Attribute[] = [
    [0x00080005, 'CS', 'ISO_IR 100'],
    [0x00080016, 'UI', CR],
    [0x00080018, 'UI', '1.2.3.4.5'],
    [0x00080020, 'DA', '20200102'],
    [0x00080060, 'CS', image.modality ?? 'CR'],
    [0x00100010, 'PN', 'PLANTED^NAME'],
    [0x00100020, 'LO', 'PLANTEDID'],
    [0x0020000d, 'UI', '1.2.3.4.1'],
    [0x0020000e, 'UI', '1.2.3.4.2'],
    [0x00280002, 'US', [samples]],
    [0x00280004, 'CS', image.photometric ?? (samples === 3 ? 'RGB' : 'MONOCHROME2')],
    ...(samples === 3 ? ([[0x00280006, 'US', [image.planar ?? 0]]] as const) : []),
    ...(image.frames === undefined ? [] : ([[0x00280008, 'IS', String(image.frames)]] as const)),
    [0x00280010, 'US', [height]],
    [0x00280011, 'US', [width]],
    [0x00280100, 'US', [allocated]],
    [0x00280101, 'US', [stored]],
    [0x00280102, 'US', [image.high ?? stored - 1]],
    [0x00280103, 'US', [image.signed === true ? 1 : 0]],
    [0x7fe00010, allocated > 8 && !isFragments(image.pixels) ? 'OW' : 'OB', image.pixels],
  ];
  const all = new Map(own.map((attribute) => [attribute[0], attribute]));
  for (const attribute of image.more ?? []) all.set(attribute[0], attribute);
  return [...all.values()].sort(([a], [b]) => a - b);
}

export function imageFile(image: TestImage, form: FileForm = {}): Uint8Array {
  return dicomFile(imageAttributes(image), form);
}

function isFragments(value: Value): boolean {
  return typeof value === 'object' && 'fragments' in value;
}

function encoded(attributes: readonly Attribute[], form: Form): Uint8Array {
  return joined(attributes.map(([tag, vr, value]) => attributeBytes(tag, vr, value, form)));
}

function attributeBytes(tag: number, vr: string, value: Value, form: Form): Uint8Array {
  const open =
    typeof value === 'object' && ('fragments' in value || ('items' in value && value.open === true));
  const content = contentOf(vr, value, form);
  const long = LONG.has(vr);
  const head = new DataView(new ArrayBuffer(form.explicit && long ? 12 : 8));
  head.setUint16(0, tag >>> 16, form.little);
  head.setUint16(2, tag & 0xffff, form.little);
  if (form.explicit) {
    head.setUint8(4, vr.charCodeAt(0));
    head.setUint8(5, vr.charCodeAt(1));
    if (long) head.setUint32(8, open ? 0xffffffff : content.length, form.little);
    else head.setUint16(6, content.length, form.little);
  } else head.setUint32(4, open ? 0xffffffff : content.length, form.little);
  return joined([new Uint8Array(head.buffer), content]);
}

function contentOf(vr: string, value: Value, form: Form): Uint8Array {
  if (typeof value === 'string') {
    const text = Uint8Array.from(value, (char) => char.charCodeAt(0));
    return text.length % 2 === 0 ? text : joined([text, Uint8Array.of(vr === 'UI' ? 0 : 32)]);
  }
  if (value instanceof Uint8Array) return value.length % 2 === 0 ? value : joined([value, Uint8Array.of(0)]);
  if ('fragments' in value)
    return joined([
      ...value.fragments.flatMap((part) => [
        tagAndLength(0xe000, part.length + (part.length % 2), form),
        contentOf('OB', part, form),
      ]),
      tagAndLength(0xe0dd, 0, form),
    ]);
  if ('items' in value)
    return joined([
      ...value.items.flatMap((item) => {
        const bytes = encoded(item, form);
        return value.open === true
          ? [tagAndLength(0xe000, 0xffffffff, form), bytes, tagAndLength(0xe00d, 0, form)]
          : [tagAndLength(0xe000, bytes.length, form), bytes];
      }),
      ...(value.open === true ? [tagAndLength(0xe0dd, 0, form)] : []),
    ]);
  return numbers(vr, value, form.little);
}

function tagAndLength(element: number, length: number, { little }: Form): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0xfffe, little);
  view.setUint16(2, element, little);
  view.setUint32(4, length, little);
  return new Uint8Array(view.buffer);
}

function numbers(vr: string, values: readonly number[], little: boolean): Uint8Array {
  const size = vr === 'OB' ? 1 : vr === 'UL' ? 4 : vr === 'OV' ? 8 : 2;
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (const [i, value] of values.entries()) {
    if (size === 1) view.setUint8(i, value);
    else if (size === 2) view.setUint16(i * 2, value & 0xffff, little);
    else if (size === 4) view.setUint32(i * 4, value, little);
    else view.setBigUint64(i * 8, BigInt(value), little);
  }
  return contentOf(vr, new Uint8Array(view.buffer), { explicit: true, little });
}

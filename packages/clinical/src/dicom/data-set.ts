/**
 * A DICOM data set (PS3.5 7): where each attribute's bytes lie, and their values by type. Sequences are parsed when
 * asked for. Own code rather than dicom-parser's, which misreads the 64-bit types (the extended offset table has one),
 * accepts attributes that run past the end, and has no limit on their number or depth.
 */
import { textReader, type TextReader } from './character-set.js';
import { tooLarge, unreadable } from './faults.js';
import { printTag, TAG } from './tags.js';

/** Attributes visited in one file, those of sequences at each level; an enhanced CT of 1,000 frames has some 100,000. */
const MAX_ELEMENTS = 3_000_000;
/** Sequences within sequences; reports have some ten. */
const MAX_DEPTH = 64;
const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;

const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const SHORT = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));

/** Whether two bytes are a value representation of the standard. */
export function isVr(first: number, second: number): boolean {
  const vr = String.fromCharCode(first, second);
  return LONG.has(vr) || SHORT.has(vr);
}

/** Whether the length of such a value takes 32 bits in explicit files. */
export function isLongVr(first: number, second: number): boolean {
  return LONG.has(String.fromCharCode(first, second));
}

/** How a file's attributes are encoded. */
export interface Encoding {
  readonly explicit: boolean;
  readonly little: boolean;
}

export interface Element {
  /** Two letters; empty in implicit files. */
  readonly vr: string;
  /** First byte of the value. */
  readonly start: number;
  /** Bytes of the value, delimiters included if `open`. */
  readonly length: number;
  /** The file gave no length: a sequence, or Pixel Data in fragments. */
  readonly open: boolean;
}

/** What all data sets of a file share. */
interface File {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  elements: number;
}

export class DataSet {
  private read: TextReader | null = null;
  /** Parsed once: what is asked for again must not count towards the limit again. */
  private readonly sequences = new Map<number, DataSet[]>();

  private constructor(
    private readonly file: File,
    private readonly encoding: Encoding,
    private readonly elements: ReadonlyMap<number, Element>,
    private readonly parent: DataSet | null,
    private readonly depth: number,
  ) {}

  /**
   * Parses from `start` to Pixel Data, or the end. Zeros after the last attribute are padding.
   * @throws IMAGE_UNREADABLE, IMAGE_TOO_LARGE
   */
  static parse(bytes: Uint8Array, start: number, encoding: Encoding): DataSet {
    const file = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), elements: 0 };
    const { elements } = walk(file, encoding, start, bytes.length, 0, false);
    return new DataSet(file, encoding, elements, null, 0);
  }

  get bytes(): Uint8Array {
    return this.file.bytes;
  }

  get little(): boolean {
    return this.encoding.little;
  }

  has(tag: number): boolean {
    return (this.elements.get(tag)?.length ?? 0) > 0;
  }

  element(tag: number): Element | undefined {
    return this.elements.get(tag);
  }

  /** Bytes of a value, without copying; null if absent or empty. */
  value(tag: number): Uint8Array | null {
    const element = this.elements.get(tag);
    if (element === undefined || element.length === 0) return null;
    return this.file.bytes.subarray(element.start, element.start + element.length);
  }

  /** Values of a text of ASCII (CS, UI, DS, IS), trimmed. Empty if absent. */
  codes(tag: number): string[] {
    const value = this.value(tag);
    if (value === null) return [];
    let text = '';
    for (const byte of value.subarray(0, 4096)) text += String.fromCharCode(byte);
    return text.split('\\').map((part) => part.replace(/^[\0 ]+|[\0 ]+$/gu, ''));
  }

  code(tag: number): string {
    return this.codes(tag)[0] ?? '';
  }

  /** A UID; empty if absent or not one. */
  uid(tag: number): string {
    const text = this.code(tag);
    return text.length <= 64 && /^\d+(?:\.\d+)*$/u.test(text) ? text : '';
  }

  /** Text in the file's character set; null if absent. */
  text(tag: number): string | null {
    const element = this.elements.get(tag);
    if (element === undefined) return null;
    return this.reader()(this.value(tag) ?? new Uint8Array(0)).trim();
  }

  /** Numbers written in decimal (DS, IS). NaN for what is none. */
  decimals(tag: number): number[] {
    return this.codes(tag).map((text) =>
      /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u.test(text) ? Number(text) : Number.NaN,
    );
  }

  /** A finite number written in decimal; null if absent or none. */
  decimal(tag: number): number | null {
    const [value = Number.NaN] = this.decimals(tag);
    return Number.isFinite(value) ? value : null;
  }

  /** 16-bit numbers, sign by `signed`. */
  words(tag: number, signed = false): number[] {
    const element = this.elements.get(tag);
    if (element === undefined) return [];
    const out: number[] = [];
    for (let at = element.start; at + 2 <= element.start + element.length; at += 2)
      out.push(
        signed
          ? this.file.view.getInt16(at, this.encoding.little)
          : this.file.view.getUint16(at, this.encoding.little),
      );
    return out;
  }

  word(tag: number): number | null {
    const element = this.elements.get(tag);
    return element === undefined || element.length < 2
      ? null
      : this.file.view.getUint16(element.start, this.encoding.little);
  }

  /** 64-bit numbers; above 2^53 inexact. */
  longs(tag: number): number[] {
    const element = this.elements.get(tag);
    if (element === undefined) return [];
    const out: number[] = [];
    for (let at = element.start; at + 8 <= element.start + element.length; at += 8)
      out.push(Number(this.file.view.getBigUint64(at, this.encoding.little)));
    return out;
  }

  /** Items of a sequence; none if absent. @throws IMAGE_UNREADABLE, IMAGE_TOO_LARGE */
  items(tag: number): readonly DataSet[] {
    const known = this.sequences.get(tag);
    if (known !== undefined) return known;
    const items = this.parsedItems(tag);
    this.sequences.set(tag, items);
    return items;
  }

  private parsedItems(tag: number): DataSet[] {
    const element = this.elements.get(tag);
    if (element === undefined || element.length === 0) return [];
    const encoding = inside(this.encoding, element.vr);
    const depth = this.depth + 1;
    const out: DataSet[] = [];
    const end = element.start + element.length;
    for (let at = element.start; at + 8 <= end;) {
      const { tag: kind, length } = itemHeader(this.file, encoding, at, end);
      if (kind === SEQUENCE_END) break;
      at += 8;
      const walked = walk(
        this.file,
        encoding,
        at,
        length === UNDEFINED ? end : at + length,
        depth,
        length === UNDEFINED,
      );
      out.push(new DataSet(this.file, encoding, walked.elements, this, depth));
      at = walked.end;
    }
    return out;
  }

  private reader(): TextReader {
    if (this.read !== null) return this.read;
    const own = this.elements.has(TAG.characterSet) || this.parent === null;
    this.read = own ? textReader(this.codes(TAG.characterSet)) : this.parent.reader();
    return this.read;
  }
}

/** The content of an UN of unknown length is implicit, little endian (PS3.5 6.2.2). */
function inside(encoding: Encoding, vr: string): Encoding {
  return vr === 'UN' ? { explicit: false, little: true } : encoding;
}

function walk(
  file: File,
  encoding: Encoding,
  start: number,
  end: number,
  depth: number,
  open: boolean,
): { readonly elements: Map<number, Element>; readonly end: number } {
  if (depth > MAX_DEPTH) throw unreadable(`sequences are nested more than ${MAX_DEPTH} deep`);
  const elements = new Map<number, Element>();
  let at = start;
  while (at + 8 <= end) {
    const tag = tagAt(file, encoding, at);
    if (tag === ITEM_END && open) return { elements, end: at + 8 };
    if (tag === 0 && depth === 0) break; // padding after the last attribute
    const element = elementAt(file, encoding, at, end, depth, tag);
    elements.set(tag, element);
    at = element.start + element.length;
    if (tag === TAG.pixels && depth === 0) return { elements, end: at };
  }
  if (open) throw unreadable('an item of a sequence has no end');
  if (at < end && depth > 0) throw unreadable('an item of a sequence ends within an attribute');
  return { elements, end };
}

function elementAt(
  file: File,
  encoding: Encoding,
  at: number,
  end: number,
  depth: number,
  tag: number,
): Element {
  file.elements += 1;
  if (file.elements > MAX_ELEMENTS) throw tooLarge(`more than ${MAX_ELEMENTS} attributes`);
  const { vr, length, start } = headerAt(file, encoding, at, end, tag);
  if (length !== UNDEFINED) {
    // Native Pixel Data may be cut off: the reader of frames says by how much.
    if (start + length > end && !(tag === TAG.pixels && depth === 0))
      throw unreadable(`the file ends within attribute ${printTag(tag)}, or its length is wrong`);
    return { vr, start, length, open: false };
  }
  if (tag === TAG.pixels && depth === 0) return { vr, start, length: end - start, open: true };
  const stop = skipSequence(file, inside(encoding, vr), start, end, depth + 1);
  return { vr, start, length: stop - start, open: true };
}

function headerAt(
  { bytes, view }: File,
  { explicit, little }: Encoding,
  at: number,
  end: number,
  tag: number,
): { readonly vr: string; readonly length: number; readonly start: number } {
  if (!explicit) return { vr: '', length: view.getUint32(at + 4, little), start: at + 8 };
  const vr = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!);
  if (SHORT.has(vr)) return { vr, length: view.getUint16(at + 6, little), start: at + 8 };
  if (!LONG.has(vr)) throw unreadable(`attribute ${printTag(tag)} has no type of the standard`);
  if (at + 12 > end) throw unreadable(`the file ends within attribute ${printTag(tag)}`);
  return { vr, length: view.getUint32(at + 8, little), start: at + 12 };
}

/** Position behind a sequence of unknown length. */
function skipSequence(file: File, encoding: Encoding, start: number, end: number, depth: number): number {
  if (depth > MAX_DEPTH) throw unreadable(`sequences are nested more than ${MAX_DEPTH} deep`);
  for (let at = start; at + 8 <= end;) {
    const { tag, length } = itemHeader(file, encoding, at, end);
    at += 8;
    if (tag === SEQUENCE_END) return at;
    at = length === UNDEFINED ? walk(file, encoding, at, end, depth, true).end : at + length;
  }
  throw unreadable('a sequence has no end');
}

function itemHeader(
  file: File,
  encoding: Encoding,
  at: number,
  end: number,
): { readonly tag: number; readonly length: number } {
  file.elements += 1;
  if (file.elements > MAX_ELEMENTS) throw tooLarge(`more than ${MAX_ELEMENTS} attributes`);
  const tag = tagAt(file, encoding, at);
  const length = file.view.getUint32(at + 4, encoding.little);
  if (tag === SEQUENCE_END) return { tag, length };
  if (tag !== ITEM) throw unreadable('a sequence contains something that is no item');
  if (length !== UNDEFINED && at + 8 + length > end)
    throw unreadable('an item of a sequence is longer than the sequence');
  return { tag, length };
}

function tagAt({ view }: File, { little }: Encoding, at: number): number {
  return view.getUint16(at, little) * 65536 + view.getUint16(at + 2, little);
}

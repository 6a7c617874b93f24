/** Data sets in DICOM's JSON (PS3.18, annex F): what searching and storing answer. Nothing of them goes into messages. */
import { ReclmisError } from '@reclmis/core';
import { isUid } from './part10.js';

/** One data set; attributes by tag, eight hexadecimal digits in upper case. */
export class DataSet {
  constructor(private readonly attributes: Readonly<Record<string, unknown>>) {}

  /** Texts and numbers as text; of a person's name, the alphabetic part. Others and empty ones are left out. */
  texts(tag: string): string[] {
    return this.values(tag).flatMap((value) => {
      if (typeof value === 'string') return [value.trim()];
      if (typeof value === 'number') return [String(value)];
      const name = isRecord(value) ? value['Alphabetic'] : undefined;
      return typeof name === 'string' ? [name.trim()] : [];
    });
  }

  /** '' if absent. */
  text(tag: string): string {
    return this.texts(tag)[0] ?? '';
  }

  /** Null if absent or no whole number. */
  whole(tag: string): number | null {
    const text = this.text(tag);
    return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
  }

  /** '' if absent or malformed: it may become part of a path. */
  uid(tag: string): string {
    const uid = this.text(tag);
    return isUid(uid) ? uid : '';
  }

  items(tag: string): DataSet[] {
    return this.values(tag).flatMap((item) => (isRecord(item) ? [new DataSet(item)] : []));
  }

  private values(tag: string): readonly unknown[] {
    const attribute = Object.hasOwn(this.attributes, tag) ? this.attributes[tag] : undefined;
    const values = isRecord(attribute) ? attribute['Value'] : undefined;
    return Array.isArray(values) ? values : [];
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param text a list of data sets, or a single one. @throws PACS_INVALID */
export function parseDataSets(text: string): DataSet[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined; // the parser's message quotes the text
  }
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (isRecord(item)) return new DataSet(item);
    throw new ReclmisError('PACS_INVALID', 'the PACS’s answer is not DICOM JSON');
  });
}

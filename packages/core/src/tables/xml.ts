/**
 * Streams a workbook's XML as events, by sax in strict mode: memory grows only with what a handler keeps.
 * Document types, and so entities that expand or point to files, are refused.
 */
import sax from 'sax';
import { ReclmisError } from '../errors.js';
import { oneLine } from '../system-errors.js';
import { unreadable } from './columns.js';

/** A sheet has ten levels, a style thirty attributes. */
const MAX_DEPTH = 100;
const MAX_ATTRIBUTES = 200;
/** More would take a minute; a row with a note has seven. */
const MAX_ELEMENTS = 2_000_000;
const PIECE = 1 << 16;

/** Only XML's five entities; `@types/sax` lacks the first option. */
const OPTIONS = { strictEntities: true, position: false };

/** Names without prefix, except attributes: `r:id` and `id` differ. */
export type Attributes = Readonly<Record<string, string>>;

export interface XmlHandler {
  /** @param path element names from the outermost to its own. */
  open?(path: readonly string[], attributes: Attributes): void;
  text?(path: readonly string[], text: string): void;
  close?(path: readonly string[]): void;
}

/** Thrown by a handler to skip the rest. */
export class Enough extends Error {}

function decode(path: string, part: string, bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(
      path,
      `the workbook is damaged: ${part} is not ${encoding.toUpperCase()} text`,
      undefined,
      error,
    );
  }
}

/** Reads until the end or `Enough`. @throws NOTES_UNREADABLE for malformed XML, and what handlers throw */
export function readXml(path: string, part: string, bytes: Uint8Array, handler: XmlHandler): void {
  const damaged = (why: string, cause?: unknown): ReclmisError =>
    unreadable(
      path,
      `the workbook is damaged: ${part} ${why}`,
      'Open the workbook in a spreadsheet program and save it again as XLSX.',
      cause,
    );
  const names: string[] = [];
  let attributes = 0;
  let elements = 0;
  const parser = sax.parser(true, OPTIONS);
  parser.onerror = (error) => {
    throw damaged(`is not well-formed XML (${oneLine(error.message.split('\n')[0])})`, error);
  };
  parser.ondoctype = () => {
    throw damaged('has a document type, which no spreadsheet program writes');
  };
  parser.onattribute = () => {
    attributes += 1;
    if (attributes > MAX_ATTRIBUTES)
      throw damaged(`has an element of more than ${MAX_ATTRIBUTES} attributes`);
  };
  parser.onopentag = (tag) => {
    attributes = 0;
    elements += 1;
    if (elements > MAX_ELEMENTS)
      throw unreadable(
        path,
        `${part} has more than ${MAX_ELEMENTS} elements`,
        'Move the notes to a separate workbook.',
      );
    names.push(tag.name.slice(tag.name.indexOf(':') + 1));
    if (names.length > MAX_DEPTH) throw damaged(`has elements nested more than ${MAX_DEPTH} deep`);
    handler.open?.(names, tag.attributes as Attributes);
  };
  const text = (said: string): void => handler.text?.(names, said);
  parser.ontext = text;
  parser.oncdata = text;
  parser.onclosetag = () => {
    handler.close?.(names);
    names.pop();
  };
  const source = decode(path, part, bytes);
  if (source.trim() === '') throw damaged('is not well-formed XML (it is empty)');
  try {
    for (let at = 0; at < source.length; at += PIECE) parser.write(source.slice(at, at + PIECE));
    parser.close();
  } catch (error) {
    if (error instanceof Enough) return;
    if (error instanceof ReclmisError) throw error;
    throw damaged(`cannot be read (${oneLine(error)})`, error);
  }
}

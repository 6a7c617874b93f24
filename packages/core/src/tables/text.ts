/** Decodes text files: UTF-8, or UTF-16 as Excel's "Unicode text"; never a guess. */
import { type ErrorCode, ReclmisError } from '../errors.js';

interface Refusal {
  readonly code: ErrorCode;
  /** How to make such a file readable. */
  readonly remedy: string;
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function firstBadLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let from = 0; from < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    try {
      decoder.decode(bytes.subarray(from, end < 0 ? bytes.length : end));
    } catch {
      break;
    }
    if (end < 0) break;
    from = end + 1;
  }
  return line;
}

/**
 * A file's text without byte order mark and with LF line ends.
 * @throws the given code for another encoding (Excel's "CSV" is Windows-1252), or characters lost earlier
 */
export function decodeText(path: string, bytes: Uint8Array, { code, remedy }: Refusal): string {
  const refuse = (why: string, cause?: unknown): ReclmisError =>
    new ReclmisError(code, `${path}: ${why}`, { remedy, cause });
  const encoding = encodingOf(bytes);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw encoding === 'utf-8'
      ? refuse(`is not UTF-8 text: line ${firstBadLine(bytes)} has bytes of another encoding`, error)
      : refuse(`is not valid UTF-16 text, although its first bytes say so`, error);
  }
  const lines = text.replace(/\r\n?/gu, '\n');
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/u.exec(lines);
  if (bad === null) return lines;
  const line = lines.slice(0, bad.index).split('\n').length;
  throw refuse(
    bad[0] === '\ufffd'
      ? `line ${line} contains the replacement character U+FFFD: an earlier program saved the file in another encoding`
      : bad[0] === '\0'
        ? `line ${line} contains a NUL character, like UTF-16 without a byte order mark`
        : `line ${line} contains a control character (U+${bad[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()})`,
  );
}

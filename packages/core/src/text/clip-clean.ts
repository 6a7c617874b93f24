/**
 * The clean-up before CLIP's byte-pair encoding, as in OpenAI's `simple_tokenizer.py`
 * (github.com/openai/CLIP): `html.unescape` twice, single spaces, lower case, the cut into words. Of ftfy,
 * only composition (NFC) is kept: notes are UTF-8. Where Python and JavaScript disagree, Python wins, except
 * for the Unicode version of letters and numbers.
 */
import { decodeHTML } from 'entities';

/** `\s` of Python's `regex` (Unicode White_Space); JavaScript's lacks U+0085 and has U+FEFF. */
const SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const STRIPPED = `\\x1c-\\x1f${SPACE}`;

const SPACES = new RegExp(`[${SPACE}]+`, 'gu');
const STRIPPED_CHARACTER = new RegExp(`[${STRIPPED}]`, 'u');

/**
 * OpenAI's pattern. Ignoring case matters for two characters in lower-cased text: the long s equals s, and
 * U+0345, a mark with a letter as capital, is in no set.
 */
const WORD = new RegExp(
  `<\\|[s\u017f]tartoftext\\|>|<\\|endoftext\\|>|'[s\u017f]|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^${SPACE}\\p{L}\\p{N}\\u0345]+`,
  'gu',
);

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;

/** The characters 0x80 to 0x9f; its five gaps stay as they are. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** Composed, unescaped, single spaces, none at the ends, lower-case. */
export function cleanClipText(text: string): string {
  const plain = strip(unescapeHtml(unescapeHtml(text.normalize('NFC'))));
  return strip(plain.replace(SPACES, ' ')).toLowerCase();
}

/** Letters, one digit, punctuation, or a contraction such as 's. */
export function clipWords(cleaned: string): string[] {
  return cleaned.match(WORD) ?? [];
}

/** Python's `html.unescape`: HTML 5 names, also without semicolon, and numeric references. */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (whole: string, reference: string) =>
    reference.startsWith('#') ? numeric(reference) : decodeHTML(whole),
  );
}

/** The character for `#123;` or `#x7b;`; empty for invalid ones (Python drops some that HTML 5 keeps). */
function numeric(reference: string): string {
  const hex = /^#[xX]/.test(reference);
  const code = Number.parseInt(reference.slice(hex ? 2 : 1), hex ? 16 : 10);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code === 0x0d) return '\r';
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charAt(code - 0x80);
  const control = code < 0x09 || code === 0x0b || (code >= 0x0e && code <= 0x1f) || code === 0x7f;
  const noncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return control || noncharacter ? '' : String.fromCodePoint(code);
}

/** Python's `str.strip`. */
function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && STRIPPED_CHARACTER.test(text.charAt(start))) start++;
  while (end > start && STRIPPED_CHARACTER.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

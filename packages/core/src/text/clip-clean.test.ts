/** Expected values are those of Python 3.11 (`html.unescape`, `str`) and its `regex` module. */
import { describe, expect, it } from 'vitest';
import { cleanClipText, clipWords, unescapeHtml } from './clip-clean.js';

describe('unescapeHtml', () => {
  it.each([
    ['&amp;amp;', '&amp;'],
    ['&lt', '<'],
    ['&LT;b&gt', '<b>'],
    ['&notit;', '\u00acit;'],
    ['&notin;', '\u2209'],
    ['&NotEqualTilde;', '\u2242\u0338'],
    ['&CounterClockwiseContourIntegral;', '\u2233'],
    ['&#x80;', '\u20ac'],
    ['&#150;', '\u2013'],
    ['&#x81;', '\x81'],
    ['&#0;', '\ufffd'],
    ['&#13;', '\r'],
    ['a&#1;b', 'ab'],
    ['a&#xb;b', 'ab'],
    ['a&#x7f;b', 'ab'],
    ['a&#xfdd0;&#x1ffff;b', 'ab'],
    ['&#xD800;', '\ufffd'],
    ['&#x110000;', '\ufffd'],
    [`&#${'9'.repeat(300)};`, '\ufffd'],
    ['&#65g', 'Ag'],
    ['&#x1F637;', '\u{1f637}'],
    ['&#;&#x;&;& lt;', '&#;&#x;&;& lt;'],
    ['&nosuchname;', '&nosuchname;'],
  ])('%s', (text, expected) => expect(unescapeHtml(text)).toBe(expected));
});

describe('cleanClipText', () => {
  it.each([
    ['twice unescaped', '&amp;lt;b&amp;gt;', '<b>'],
    ['spaces of Python, which has U+0085', ' a\x85b\u3000\t c\u2028', 'a b c'],
    ['U+FEFF is no space to Python', '\ufeffa\ufeff', '\ufeffa\ufeff'],
    ['separators go at the ends alone', '\x1c a\x1cb \x1f', 'a\x1cb'],
    ['a space made by a reference', '&nbsp;a&nbsp;', 'a'],
    ['final sigma', 'ΟΔΟΣ ΣΑΣ. Σ', 'οδος σας. σ'],
    ['a capital that becomes two', 'İ', 'i\u0307'],
    ['composed, as ftfy 6.3.1 does', 'GRO\u0308\u00dfer \u1112\u1161\u11ab', 'gr\u00f6\u00dfer \ud55c'],
  ])('%s', (_, text, expected) => expect(cleanClipText(text)).toBe(expected));
});

describe('clipWords', () => {
  it.each([
    ["it's we'll i'd don't", ['it', "'s", 'we', "'ll", 'i', "'d", 'don', "'t"]],
    ['q12h 88%, ½', ['q', '1', '2', 'h', '8', '8', '%,', '½']],
    ['e\u0301te\u0345x', ['e', '\u0301', 'te', 'x']],
    ["'\u017f <|\u017ftartoftext|>", ["'\u017f", '<|\u017ftartoftext|>']],
    ['a<|startoftext|><|endoftext|>b', ['a', '<|startoftext|>', '<|endoftext|>', 'b']],
    ['', []],
  ])('%s', (text, expected) => expect(clipWords(text)).toEqual(expected));
});

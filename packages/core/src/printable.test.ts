import { describe, expect, it } from 'vitest';
import { printable, printableLine, quoted } from './printable.js';

describe('text for a terminal', () => {
  it.each([
    ['\u001b]0;PWNED\u0007\u001b[31m', '\\u001b]0;PWNED\\u0007\\u001b[31m'],
    ['a\rb\tc\u0000\u007f', 'a\\u000db\\u0009c\\u0000\\u007f'],
    ['\u009b2J\u0085', '\\u009b2J\\u0085'],
    ['gp\u202Egnp.exe\u2066\u200f', 'gp\\u202egnp.exe\\u2066\\u200f'],
    ['a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['schön 肺 \u{1f600}', 'schön 肺 \u{1f600}'],
  ])('has no command left: %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
    expect(printableLine(text)).toBe(expected);
  });

  it('keeps its lines, or is one', () => {
    expect(printable('a\nb')).toBe('a\nb');
    expect(printableLine('a\nb')).toBe('a\\u000ab');
  });

  it('means the same in JSON', () => {
    const value = { name: 'a\u001b[31m\u009b\u202e\u2028\u007f' };
    const text = printable(JSON.stringify(value, null, 2));
    expect(text).not.toMatch(/[\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(text)).toEqual(value);
  });

  it('is quoted shortly', () => {
    expect(quoted('a "b"\n\u202e\u009b')).toBe('"a \\"b\\"\\n\\u202e\\u009b"');
    expect(quoted('x'.repeat(101))).toBe(`"${'x'.repeat(100)}…"`);
  });
});

import { describe, expect, it } from 'vitest';
import { ReclmisError } from '../errors.js';
import { parseSpacing } from './spacing.js';

function refusal(text: string): string {
  try {
    parseSpacing(text, '--spacing');
  } catch (error) {
    if (error instanceof ReclmisError) return `${error.code} ${error.message} | ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

describe('parseSpacing', () => {
  it('reads one or two unambiguous numbers', () => {
    for (const text of ['0.143', ' 0.143 ', '.143', '0.143 mm', '0.143MM', '143e-3', '0.143\\0.143']) {
      expect(parseSpacing(text, '--spacing'), text).toEqual([0.143, 0.143]);
    }
    for (const text of [
      '0.1,0.2',
      '0.1 , 0.2',
      '0.1 0.2',
      '0.1\u00a00.2',
      '0.1;0.2',
      '0.1 x 0.2',
      '0.1X0.2',
      '0.1×0.2',
      '0.1 mm x 0.2 mm',
      '0.1 x 0.2 mm',
    ]) {
      expect(parseSpacing(text, '--spacing'), text).toEqual([0.1, 0.2]);
    }
    expect(parseSpacing('1 x 4', '--spacing')).toEqual([1, 4]);
    expect(parseSpacing('1;4', '--spacing')).toEqual([1, 4]);
    expect(parseSpacing('1.5,2', '--spacing')).toEqual([1.5, 2]);
    expect(parseSpacing('2', '--spacing')).toEqual([2, 2]);
  });

  it('refuses ambiguous texts, and names both readings', () => {
    expect(refusal('1,4')).toBe(
      'OPTION_INVALID --spacing: "1,4" can be read as 1.4 mm or as 1 x 4 mm | Write 1.4 for one number, with a decimal point, or 1 x 4 for width and height.',
    );
    expect(refusal('1,4 mm')).toContain('1.4 mm or as 1 x 4 mm');
    expect(refusal('12,125')).toContain('12.125 mm or as 12 x 125 mm');
    for (const text of ['1,234.5', '1.234,5', '1 400']) expect(refusal(text), text).toContain('thousands');
    expect(refusal('0.1\\0.2')).toContain(
      '0.1 wide and 0.2 high or as 0.2 wide and 0.1 high, as DICOM means',
    );
  });

  it('says how to write a decimal comma', () => {
    expect(refusal('0,143')).toBe(
      'OPTION_INVALID --spacing: expected a decimal point in the pixel size, got "0,143" | Write 0.143 with a decimal point.',
    );
    for (const text of ['0,1 x 0,2', '0,1;0,2', '0,1\t0,2', '0,1 mm x 0,2 mm'])
      expect(refusal(text), text).toContain('Write 0.1 x 0.2, with decimal points.');
  });

  it('refuses anything else', () => {
    for (const text of [
      '',
      '0',
      '-1',
      '1,2,3',
      '1,',
      'a',
      'Infinity',
      '0x10',
      '1/2',
      '0 x 1',
      'NaN',
      '1e999',
    ]) {
      expect(refusal(text), text).toMatch(
        /^OPTION_INVALID --spacing: expected the pixel size in millimetres/,
      );
    }
    expect(refusal('143 µm')).toContain('Convert it to millimetres');
    expect(refusal('0.0143 cm')).toContain('omit the unit cm');
  });
});

import { describe, expect, it } from 'vitest';
import { parseSpacing } from './spacing.js';

describe('parseSpacing', () => {
  it('reads one number or two, however they are parted', () => {
    expect(parseSpacing('0.143', '--spacing')).toEqual([0.143, 0.143]);
    for (const text of ['0.1,0.2', '0.1 0.2', '0.1;0.2', '0.1 x 0.2', ' 0.1 , 0.2 ']) {
      expect(parseSpacing(text, '--spacing')).toEqual([0.1, 0.2]);
    }
  });

  it('refuses what is no size', () => {
    for (const text of ['', '0', '-1', '1,2,3', '1,', 'a', 'Infinity']) {
      expect(() => parseSpacing(text, '--spacing')).toThrow(/--spacing: expected/);
    }
  });
});

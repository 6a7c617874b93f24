import { describe, expect, it } from 'vitest';
import { parseWindow, windowText } from './window-choice.js';

describe('a window', () => {
  it.each([
    ['-600/1500', { centre: -600, width: 1500 }],
    [' 40.5 / 400 ', { centre: 40.5, width: 400 }],
    ['.5/1', { centre: 0.5, width: 1 }],
    ['1', 1],
    ['LUNG', 'LUNG'],
    ['Lung 2/3 wide', 'Lung 2/3 wide'],
  ])('is read from %j', (text, due) => {
    expect(parseWindow(text, '--window')).toEqual(due);
    expect(parseWindow(windowText(due), '--window')).toEqual(due);
  });

  it.each(['', ' ', '40/0', '40/-1', 'x'.repeat(65)])('is refused from %j', (text) => {
    expect(() => parseWindow(text, '--window')).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

import { describe, expect, it } from 'vitest';
import { editDistance } from '../text/edit-distance.js';
import { type KnownWords, nearestWord } from './nearest-word.js';

const words = (text: string): KnownWords => {
  const all = new Set(text.split(' '));
  return { has: (word) => all.has(word), words: all };
};
const QATA = words(
  'bilateral unilateral pulmonary infection one two three infected area areas upper middle lower all left right lung and',
);

describe('editDistance', () => {
  it.each([
    ['middel', 'middle', 1], // two neighbours swapped
    ['lunng', 'lung', 1],
    ['uper', 'upper', 1],
    ['lower', 'power', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['same', 'same', 0],
    ['ca', 'abc', 3], // no letter is edited twice
  ])('%s to %s: %i', (a, b, steps) => {
    expect(editDistance(a, b)).toBe(steps);
    expect(editDistance(b, a)).toBe(steps);
  });

  it('gives up above its limit', () => expect(editDistance('kitten', 'sitting', 1)).toBe(2));
});

describe('nearestWord', () => {
  it.each([
    ['middel', 'middle'],
    ['rigth', 'right'],
    ['lfet', 'left'],
    ['lunge', 'lung'],
    ['infektion', 'infection'],
    ['pulmonray', 'pulmonary'],
    ['bilatral', 'bilateral'],
    ['thre', 'three'],
    ['tow', 'two'],
    ['2', 'two'],
    ['leftlung', 'left lung'],
    ['lowerleftlung', 'lower left lung'],
    ['infectedareas', 'infected areas'],
  ])('takes %s for %s', (word, nearest) => expect(nearestWord(word, QATA)).toBe(nearest));

  it.each(['rechten', 'herz', '左肺上叶', 'xyzzy', 'ab', '7', 'q'.repeat(2000)])(
    'has nothing near %s',
    (word) => expect(nearestWord(word, QATA)).toBeNull(),
  );

  it('never suggests the opposite', () => {
    expect(nearestWord('lll', words('rll'))).toBeNull();
    expect(nearestWord('lul', words('rul lung'))).toBeNull();
    expect(nearestWord('unilateral', words('bilateral'))).toBeNull();
    expect(nearestWord('irregularly', words('regularly'))).toBeNull();
    expect(nearestWord('unevenly', words('evenly'))).toBeNull();
    expect(nearestWord('leftsided', words('rightsided'))).toBeNull();
    expect(nearestWord('left', words('right'))).toBeNull();
    expect(nearestWord('interior', words('exterior'))).toBeNull();
  });

  it.each([
    ['hyperdense', 'hypodense'],
    ['hypodense', 'hyperdense'],
    ['isodense', 'hypodense'],
    ['macrocalcification', 'microcalcification'],
    ['microcalcifications', 'macrocalcifications'],
    ['interlobar', 'intralobar'],
    ['intrapulmonary', 'extrapulmonary'],
    ['preoperative', 'postoperative'],
    ['preoperative', 'perioperative'],
    ['increasing', 'decreasing'],
    ['decrease', 'increase'],
    ['inspiration', 'expiration'],
    ['unifocal', 'bifocal'],
    ['unifocal', 'multifocal'],
    ['anterior', 'posterior'],
    ['anterior', 'interior'],
    ['anterobasal', 'posterobasal'],
    ['supraclavicular', 'infraclavicular'],
    ['homogeneous', 'heterogeneous'],
    ['proximal', 'distal'],
    ['external', 'internal'],
    ['without', 'with'],
    ['upward', 'downward'],
    ['abduction', 'adduction'],
    ['asymmetric', 'symmetric'],
    ['disappeared', 'appeared'],
  ])('never offers for %s its opposite, %s, nor the other way round', (word, opposite) => {
    expect(nearestWord(word, words(opposite))).toBeNull();
    expect(nearestWord(opposite, words(word))).toBeNull();
  });

  it.each([
    ['hiperdense', 'hypodense'],
    ['hyperdens', 'hypodense'],
    ['hyprdense', 'hypodense'], // one letter from both
    ['anteriour', 'interior'],
    ['interlobr', 'intralobar'],
    ['macrocalcificaton', 'microcalcification'],
    ['inhomogeneous', 'in homogeneous'],
  ])('nor for a slip of it: %s is not %s', (word, opposite) => {
    expect(nearestWord(word, words(opposite))).toBeNull();
  });

  it.each([
    ['hypodens', 'hypodense'],
    ['hiperdense', 'hyperdense'],
    ['macrocalcificaton', 'macrocalcification'],
    ['decreasd', 'decreased'],
    ['nfection', 'infection'],
    ['homogenous', 'homogeneous'],
    ['postrior', 'posterior'],
  ])('still takes %s for %s', (word, nearest) => {
    const others = 'hypodense hyperdense microcalcification macrocalcification increased decreased anterior';
    expect(nearestWord(word, words(`${others} infection homogeneous posterior`))).toBe(nearest);
  });

  it('offers nothing if opposites are equally near, else the most similar', () => {
    expect(nearestWord('xll', words('rll lll'))).toBeNull();
    expect(nearestWord('lunf', words('lung lune'))).toBe('lune'); // both one letter off: alphabetical
    expect(nearestWord('araes', words('areas arms'))).toBe('areas'); // the same letters
  });
});

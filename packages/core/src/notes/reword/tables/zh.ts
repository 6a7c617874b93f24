/** Chinese. */
import type { BySet, Wording } from '../wording.js';

const NUMBERS = ['两', '三', '四', '五', '六', '七', '八', '九', '十'];
const SIDES = { s: ['左', '右'] } as const;

export const ZH: BySet<Wording> = {
  train: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: '{s}肺上野',
            middle: '{s}肺中野',
            lower: '{s}肺下野',
            'upper middle': '{s}肺上中野',
            'middle lower': '{s}肺中下野',
            'upper lower': '{s}肺上野及{s}肺下野',
            all: '整个{s}肺',
          },
          both: { upper: '双肺上野', middle: '双肺中野', lower: '双肺下野', all: '双肺' },
        },
      ],
    },
    and: ['及'],
    findings: [
      { one: ['一处斑片影', '单发斑片影'], many: '{n}处斑片影', some: '斑片影' },
      { one: ['一处浸润影'], many: '{n}处浸润影', some: '浸润影' },
    ],
    numbers: NUMBERS,
    sentences: ['{in}见{finding}。', '{in}有{finding}。'],
  },
  test: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: '{s}上肺',
            middle: '{s}中肺',
            lower: '{s}下肺',
            'upper middle': '{s}中上肺',
            'middle lower': '{s}中下肺',
            'upper lower': '{s}上肺、{s}下肺',
            all: '{s}侧全肺',
          },
          both: { upper: '双上肺', middle: '双中肺', lower: '双下肺' },
        },
      ],
    },
    and: ['、', '和'],
    findings: [
      { one: ['一个实变灶'], many: '{n}个实变灶', some: '实变灶' },
      { one: ['一个渗出灶'], many: '{n}个渗出灶', some: '渗出灶' },
    ],
    numbers: NUMBERS,
    sentences: ['{in}可见{finding}。', '胸片示{in}{finding}。', '{in}出现{finding}。'],
  },
};

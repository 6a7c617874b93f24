/** English as it is dictated in a hurry: lobes and zones by their letters. */
import type { BySet, Wording } from '../wording.js';

const DIGITS = ['2', '3', '4', '5', '6', '7', '8', '9', '10'];

export const ABBREVIATED: BySet<Wording> = {
  train: {
    sides: { L: ['L', 'R'] },
    places: {
      at: [
        {
          one: {
            upper: '{L}UL',
            middle: ['lingula', 'RML'],
            lower: '{L}LL',
            'upper middle': ['LUL + lingula', 'RUL + RML'],
            'middle lower': ['lingula + LLL', 'RML + RLL'],
            'upper lower': '{L}UL + {L}LL',
            all: 'whole {L} lung',
          },
        },
        {
          one: {
            upper: '{L}UL',
            middle: ['LMZ', 'RML'],
            lower: '{L}LL',
            'upper middle': ['LUL/LMZ', 'RUL/RML'],
            'middle lower': ['LMZ/LLL', 'RML/RLL'],
            'upper lower': '{L}UL/{L}LL',
            all: 'entire {L} lung',
          },
        },
      ],
    },
    and: [', ', ' + ', ' & '],
    findings: [
      { one: ['1 opac', 'single opac'], many: '{n} opacities', some: 'opac' },
      { one: ['1 infiltrate'], many: '{n} infiltrates', some: 'infiltrates' },
      { one: ['1 focus'], many: '{n} foci', some: 'foci' },
    ],
    numbers: DIGITS,
    sentences: ['{finding} {at}', '{at}: {finding}', '{finding}: {at}.', '{finding} in {at}.'],
    bilateral: ['Bilat. {finding}, {at}.', 'B/L {finding}: {at}'],
  },
  test: {
    sides: { L: ['L', 'R'], lt: ['lt', 'rt'] },
    places: {
      at: [
        {
          one: {
            upper: '{L}UZ',
            middle: ['LMZ', 'RMZ'],
            lower: '{L}LZ',
            'upper middle': '{L}UZ & {L}MZ',
            'middle lower': '{L}MZ & {L}LZ',
            'upper lower': '{L}UZ & {L}LZ',
            all: 'all of {L} lung',
          },
        },
        {
          one: {
            upper: '{lt} upper zone',
            middle: '{lt} mid zone',
            lower: '{lt} lower zone',
            'upper middle': '{lt} upper + mid zones',
            'middle lower': '{lt} mid + lower zones',
            'upper lower': '{lt} upper + lower zones',
            all: 'all {lt} lung',
          },
        },
      ],
    },
    and: [' and ', '; '],
    findings: [
      { one: ['1 area of consol'], many: '{n} areas of consol', some: 'consol' },
      { one: ['1 GGO'], many: '{n} GGOs', some: 'GGOs' },
      { one: ['1 patch ASD'], many: '{n} patches ASD', some: 'patches ASD' },
    ],
    numbers: DIGITS,
    sentences: ['{finding}, {at}', '{at} - {finding}.', '{finding} @ {at}', '{finding} ({at}).'],
    bilateral: ['Bilateral {finding} ({at})'],
  },
};

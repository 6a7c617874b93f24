/** English sentences in other words. */
import type { BySet, Wording } from '../wording.js';

export const NUMBERS = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const SIDES = { s: ['left', 'right'] } as const;

export const PARAPHRASED: BySet<Wording> = {
  train: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: 'in the {s} upper zone',
            middle: 'in the {s} mid zone',
            lower: 'in the {s} lower zone',
            'upper middle': 'in the {s} upper and mid zones',
            'middle lower': 'in the {s} mid and lower zones',
            'upper lower': 'in the {s} upper and lower zones',
            all: 'throughout the {s} lung',
          },
          both: {
            upper: 'in both upper zones',
            middle: 'in both mid zones',
            lower: 'in both lower zones',
            all: 'throughout both lungs',
          },
        },
        {
          one: {
            upper: 'in the upper third of the {s} lung',
            middle: 'in the middle third of the {s} lung',
            lower: 'in the lower third of the {s} lung',
            'upper middle': 'in the upper two thirds of the {s} lung',
            'middle lower': 'in the lower two thirds of the {s} lung',
            'upper lower': 'in the upper and lower thirds of the {s} lung',
            all: 'in the whole of the {s} lung',
          },
        },
      ],
      noun: [
        {
          one: {
            upper: '{s} upper zone',
            middle: '{s} mid zone',
            lower: '{s} lower zone',
            'upper middle': '{s} upper and mid zones',
            'middle lower': '{s} mid and lower zones',
            'upper lower': '{s} upper and lower zones',
            all: 'whole {s} lung',
          },
        },
      ],
    },
    and: [' and '],
    findings: [
      { one: ['a single opacity', 'one patchy opacity'], many: '{n} opacities', some: 'opacities' },
      { one: ['a single infiltrate', 'one infiltrate'], many: '{n} infiltrates', some: 'infiltrates' },
      {
        one: ['a single area of consolidation', 'one area of consolidation'],
        many: '{n} areas of consolidation',
        some: 'areas of consolidation',
      },
    ],
    numbers: NUMBERS,
    verbs: { is: ['is', 'are'] },
    sentences: [
      'There {is} {finding} {in}.',
      '{finding} {in}.',
      '{finding} {is} present {in}.',
      '{in} there {is} {finding}.',
      '{noun}: {finding}.',
      'The radiograph shows {finding} {in}.',
    ],
  },
  test: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: 'in the {s} upper lobe',
            middle: ['in the lingula', 'in the right middle lobe'],
            lower: 'in the {s} lower lobe',
            'upper middle': ['in the left upper lobe and lingula', 'in the right upper and middle lobes'],
            'middle lower': ['in the lingula and left lower lobe', 'in the right middle and lower lobes'],
            'upper lower': 'in the {s} upper and lower lobes',
            all: 'in the entire {s} lung',
          },
          both: {
            upper: 'in both upper lobes',
            lower: 'in both lower lobes',
          },
        },
        {
          one: {
            upper: 'at the {s} apex',
            middle: 'in the {s} perihilar region',
            lower: 'at the {s} base',
            'upper middle': 'at the {s} apex and in the {s} perihilar region',
            'middle lower': 'in the {s} perihilar region and at the {s} base',
            'upper lower': 'at the {s} apex and at the {s} base',
            all: 'from apex to base of the {s} lung',
          },
          both: { upper: 'at both apices', middle: 'in both perihilar regions', lower: 'at both bases' },
        },
      ],
      of: [
        {
          one: {
            upper: 'the {s} upper lobe',
            middle: ['the lingula', 'the right middle lobe'],
            lower: 'the {s} lower lobe',
            'upper middle': ['the left upper lobe and lingula', 'the right upper and middle lobes'],
            'middle lower': ['the lingula and left lower lobe', 'the right middle and lower lobes'],
            'upper lower': 'the {s} upper and lower lobes',
            all: 'the entire {s} lung',
          },
        },
      ],
    },
    and: [' and '],
    findings: [
      {
        one: ['a solitary shadow', 'just one hazy shadow'],
        many: '{n} hazy shadows',
        some: 'hazy shadows',
      },
      {
        one: ['a solitary focus of pneumonia', 'just one focus of pneumonia'],
        many: '{n} foci of pneumonia',
        some: 'foci of pneumonia',
      },
      {
        one: ['a solitary patch of airspace disease'],
        many: '{n} patches of airspace disease',
        some: 'patches of airspace disease',
      },
    ],
    numbers: NUMBERS,
    verbs: { is: ['is', 'are'], involves: ['involves', 'involve'] },
    sentences: [
      'I can see {finding} {in}.',
      '{finding} {is} seen {in}.',
      '{finding} {involves} {of}.',
      'Findings: {finding} {in}.',
      'The film demonstrates {finding} {in}.',
      'We note {finding} {in}.',
    ],
  },
};

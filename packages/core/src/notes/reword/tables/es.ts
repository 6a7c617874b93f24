/** Spanish. */
import type { BySet, Wording } from '../wording.js';

const NUMBERS = ['dos', 'tres', 'cuatro', 'cinco', 'seis', 'siete', 'ocho', 'nueve', 'diez'];
const SIDES = {
  o: ['izquierdo', 'derecho'],
  a: ['izquierda', 'derecha'],
  os: ['izquierdos', 'derechos'],
} as const;

export const ES: BySet<Wording> = {
  train: {
    sides: SIDES,
    places: {
      en: [
        {
          one: {
            upper: 'en el campo superior {o}',
            middle: 'en el campo medio {o}',
            lower: 'en el campo inferior {o}',
            'upper middle': 'en los campos superior y medio {os}',
            'middle lower': 'en los campos medio e inferior {os}',
            'upper lower': 'en los campos superior e inferior {os}',
            all: 'en todo el pulmón {o}',
          },
          both: {
            upper: 'en ambos campos superiores',
            middle: 'en ambos campos medios',
            lower: 'en ambos campos inferiores',
            all: 'en ambos pulmones',
          },
        },
      ],
    },
    and: [' y '],
    findings: [
      { one: ['una única opacidad', 'una opacidad única'], many: '{n} opacidades', some: 'opacidades' },
      { one: ['un único infiltrado', 'un infiltrado único'], many: '{n} infiltrados', some: 'infiltrados' },
    ],
    numbers: NUMBERS,
    verbs: { observa: ['se observa', 'se observan'] },
    sentences: ['{finding} {en}.', '{observa} {finding} {en}.', '{en} {observa} {finding}.'],
  },
  test: {
    sides: SIDES,
    places: {
      en: [
        {
          one: {
            upper: 'en el lóbulo superior {o}',
            middle: 'en la región perihiliar {a}',
            lower: 'en la base {a}',
            'upper middle': 'en el lóbulo superior {o} y en la región perihiliar {a}',
            'middle lower': 'en la región perihiliar {a} y en la base {a}',
            'upper lower': 'en el lóbulo superior {o} y en la base {a}',
            all: 'en la totalidad del pulmón {o}',
          },
          both: { lower: 'en ambas bases', upper: 'en ambos lóbulos superiores' },
        },
      ],
    },
    and: [', así como ', ' y también '],
    findings: [
      {
        one: ['una consolidación solitaria', 'una sola consolidación'],
        many: '{n} consolidaciones',
        some: 'consolidaciones',
      },
      {
        one: ['un foco neumónico solitario', 'un solo foco neumónico'],
        many: '{n} focos neumónicos',
        some: 'focos neumónicos',
      },
    ],
    numbers: NUMBERS,
    verbs: { aprecia: ['se aprecia', 'se aprecian'] },
    sentences: [
      '{aprecia} {finding} {en}.',
      'Hallazgos: {finding} {en}.',
      'La radiografía muestra {finding} {en}.',
    ],
  },
};

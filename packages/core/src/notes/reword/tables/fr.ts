/** French. */
import type { BySet, Wording } from '../wording.js';

const NUMBERS = ['deux', 'trois', 'quatre', 'cinq', 'six', 'sept', 'huit', 'neuf', 'dix'];
const SIDES = {
  m: ['gauche', 'droit'],
  f: ['gauche', 'droite'],
  ms: ['gauches', 'droits'],
} as const;

export const FR: BySet<Wording> = {
  train: {
    sides: SIDES,
    places: {
      dans: [
        {
          one: {
            upper: 'dans le champ supérieur {m}',
            middle: 'dans le champ moyen {m}',
            lower: 'dans le champ inférieur {m}',
            'upper middle': 'dans les champs supérieur et moyen {ms}',
            'middle lower': 'dans les champs moyen et inférieur {ms}',
            'upper lower': 'dans les champs supérieur et inférieur {ms}',
            all: 'dans tout le poumon {m}',
          },
          both: {
            upper: 'dans les deux champs supérieurs',
            middle: 'dans les deux champs moyens',
            lower: 'dans les deux champs inférieurs',
            all: 'dans les deux poumons',
          },
        },
      ],
    },
    and: [' et '],
    findings: [
      { one: ['une opacité unique', 'une seule opacité'], many: '{n} opacités', some: 'des opacités' },
      { one: ['un infiltrat unique', 'un seul infiltrat'], many: '{n} infiltrats', some: 'des infiltrats' },
    ],
    numbers: NUMBERS,
    sentences: ['{finding} {dans}.', 'On note {finding} {dans}.', 'Il existe {finding} {dans}.'],
  },
  test: {
    sides: SIDES,
    places: {
      dans: [
        {
          one: {
            upper: 'du lobe supérieur {m}',
            middle: 'de la région périhilaire {f}',
            lower: 'de la base {f}',
            'upper middle': 'du lobe supérieur {m} et de la région périhilaire {f}',
            'middle lower': 'de la région périhilaire {f} et de la base {f}',
            'upper lower': 'du lobe supérieur {m} et de la base {f}',
            all: 'de l’ensemble du poumon {m}',
          },
          both: { upper: 'des deux lobes supérieurs', lower: 'des deux bases' },
        },
      ],
    },
    and: [' ainsi que '],
    findings: [
      {
        one: ['un foyer isolé de condensation'],
        many: '{n} foyers de condensation',
        some: 'des foyers de condensation',
      },
      { one: ['une condensation isolée'], many: '{n} condensations', some: 'des condensations' },
    ],
    numbers: NUMBERS,
    sentences: [
      'On retrouve {finding} {dans}.',
      'La radiographie montre {finding} {dans}.',
      'Résultat : {finding} {dans}.',
    ],
  },
};

/** German. */
import type { BySet, Wording } from '../wording.js';

const NUMBERS = ['zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben', 'acht', 'neun', 'zehn'];
const SIDES = { en: ['linken', 'rechten'], seits: ['links', 'rechts'] } as const;

export const DE: BySet<Wording> = {
  train: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: 'im {en} Oberfeld',
            middle: 'im {en} Mittelfeld',
            lower: 'im {en} Unterfeld',
            'upper middle': 'im {en} Ober- und Mittelfeld',
            'middle lower': 'im {en} Mittel- und Unterfeld',
            'upper lower': 'im {en} Ober- und Unterfeld',
            all: 'in der gesamten {en} Lunge',
          },
          both: {
            upper: 'in beiden Oberfeldern',
            middle: 'in beiden Mittelfeldern',
            lower: 'in beiden Unterfeldern',
            all: 'in beiden Lungen',
          },
        },
      ],
    },
    and: [' und '],
    findings: [
      { one: ['eine einzelne Verschattung'], many: '{n} Verschattungen', some: 'Verschattungen' },
      { one: ['ein einzelnes Infiltrat'], many: '{n} Infiltrate', some: 'Infiltrate' },
    ],
    numbers: NUMBERS,
    verbs: { zeigt: ['zeigt sich', 'zeigen sich'] },
    sentences: ['{finding} {in}.', 'Es {zeigt} {finding} {in}.', '{in} {zeigt} {finding}.'],
  },
  test: {
    sides: SIDES,
    places: {
      in: [
        {
          one: {
            upper: 'im Oberlappen {seits}',
            middle: 'perihilär {seits}',
            lower: 'im Unterlappen {seits}',
            'upper middle': 'im Oberlappen {seits} und perihilär {seits}',
            'middle lower': 'perihilär {seits} und im Unterlappen {seits}',
            'upper lower': 'im Ober- und Unterlappen {seits}',
            all: 'in der ganzen Lunge {seits}',
          },
          both: {
            upper: 'in den Oberlappen beidseits',
            middle: 'perihilär beidseits',
            lower: 'in den Unterlappen beidseits',
          },
        },
      ],
    },
    and: [' sowie '],
    findings: [
      { one: ['eine solitäre Konsolidierung'], many: '{n} Konsolidierungen', some: 'Konsolidierungen' },
      { one: ['eine solitäre Eintrübung'], many: '{n} Eintrübungen', some: 'Eintrübungen' },
      {
        one: ['eine solitäre pneumonische Verdichtung'],
        many: '{n} pneumonische Verdichtungen',
        some: 'pneumonische Verdichtungen',
      },
    ],
    numbers: NUMBERS,
    verbs: { findet: ['findet sich', 'finden sich'] },
    sentences: ['Nachweisbar: {finding} {in}.', 'Es {findet} {finding} {in}.', 'Man erkennt {finding} {in}.'],
  },
};

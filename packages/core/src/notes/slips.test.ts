import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { type KnownWords, nearestWord } from './nearest-word.js';
import { flipNoteVertically, mirrorNote } from './note-mirror.js';
import { ORDINARY_WORDS } from './ordinary-words.js';
import { readSlip } from './slips.js';
import { misspelt, slipsOf } from '../testing/misspell.js';

const words = (text: string): KnownWords => {
  const all = new Set(text.split(' '));
  return { has: (word) => all.has(word), words: all };
};
/** Words of the training notes of QaTa-COV19 and MoNuSeg. */
const QATA =
  'all and area areas bilateral five four infected infection left lower lung middle one pulmonary right six three two unilateral upper';
const MONUSEG =
  'are around density distributed evenly high higher in irregularly is left lower nuclei right sparsely the upper';
const read = (word: string, known = QATA): string | null => readSlip(word, words(known))?.join(' ') ?? null;

/** How all slips of one letter of a vocabulary's words are read. */
function tally(known: string): { slips: number; right: number; wrong: readonly string[] } {
  const all = new Set(known.split(' '));
  const tried = [...all].flatMap((word) =>
    slipsOf(word)
      .filter((slip) => !all.has(slip))
      .map((slip) => ({ word, slip, as: read(slip, known) })),
  );
  return {
    slips: tried.length,
    right: tried.filter(({ word, as }) => as === word).length,
    wrong: tried
      .filter(({ word, as }) => as !== null && as !== word)
      .map(({ word, slip, as }) => `${word} ${slip} ${as ?? ''}`),
  };
}

describe('readSlip', () => {
  it.each([
    ['middel', 'middle'],
    ['rigth', 'right'],
    ['rignt', 'right'],
    ['lsft', 'left'],
    ['lefft', 'left'],
    ['uper', 'upper'],
    ['loewr', 'lower'],
    ['infektion', 'infection'],
    ['nfection', 'infection'],
    ['elft', 'left'],
    ['thre', 'three'],
    ['leftlung', 'left lung'],
    ['bilaterally', 'bilateral'],
  ])('reads %s as %s', (word, as) => expect(read(word)).toBe(as));

  it('reads no denial as what it denies, in any language of the vocabulary', () => {
    const known = 'ein eine einem einen einer eines zwei drei dans verschattung infiltrat';
    for (const word of 'kein keine keinem keinen keiner keines frei freie sans'.split(' '))
      expect([word, read(word, known)]).toEqual([word, null]);
    expect(read('verschatung', known)).toBe('verschattung');
  });

  it('reads no Chinese clause as one of another side, height or number', () => {
    const known = '左肺上野见一处斑片影 双肺上野有两处斑片影';
    for (const clause of ['右肺上野见一处斑片影', '左肺下野见一处斑片影', '双肺上野有三处斑片影'])
      expect([clause, read(clause, known)]).toEqual([clause, null]);
    expect(nearestWord('右肺上野见一处斑片影', words(known))).toBeNull(); // nor suggests it
  });

  it('reads no ordinary word as a word of the vocabulary', () => {
    const found = [...ORDINARY_WORDS].filter((word) => {
      const known = [QATA, MONUSEG].map((text) => text.split(' '));
      return known.some((all) => !all.includes(word) && read(word, all.join(' ')) !== null);
    });
    expect(found).toEqual([]);
    expect(read('there')).toBeNull();
    expect(read('light')).toBeNull();
    expect(read('for')).toBeNull();
    expect(read('are')).toBeNull();
  });

  it.each([
    'rechts',
    'links',
    'untere',
    'oberer',
    'apical',
    'basal',
    'lingula',
    'no',
    'not',
    'without',
    'tumour',
    '2',
    'lll',
    'mildly',
    'ohne',
    'his',
  ])('does not read %s', (word) => expect(read(word)).toBeNull());

  it('reads no slip as the opposite, and keeps what stands between two', () => {
    expect(read('unilatral', 'bilateral lung')).toBeNull();
    expect(read('rul', 'lul lll')).toBeNull();
    expect(read('interior', 'anterior lung')).toBeNull();
    expect(read('uninfected')).toBeNull();
  });

  it('exchanges sides and heights of a slip as of the word: what mirroring leaves is not read', () => {
    for (const known of [QATA, MONUSEG]) {
      for (const word of known.split(' ')) {
        for (const slip of slipsOf(word)) {
          const as = read(slip, known);
          if (as === null) continue;
          for (const exchange of [mirrorNote, flipNoteVertically]) {
            const other = exchange(as);
            expect(exchange(slip), slip).toBe(other === as ? slip : other);
          }
        }
      }
    }
  });

  // Models that exist read slips like this: other figures are another encoder, see the head of slips.ts.
  it('reads nine in ten slips of one letter, and three as another form of the word', () => {
    expect(tally(QATA)).toEqual({ slips: 494, right: 447, wrong: ['area areaa areas', 'areas ares area'] });
    expect(tally(MONUSEG)).toEqual({ slips: 433, right: 399, wrong: ['higher highr high'] });
  });

  it('misspells reproducibly, and never into another word of the vocabulary', () => {
    const known = new Set(QATA.split(' '));
    const note = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
    const once = misspelt(note, 3, Random.from('a'), known);
    expect(misspelt(note, 3, Random.from('a'), known)).toBe(once);
    const changed = once.split(' ').filter((word, i) => word !== note.split(' ')[i]);
    expect(changed).toHaveLength(3);
  });
});

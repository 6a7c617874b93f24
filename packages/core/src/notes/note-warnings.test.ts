import { describe, expect, it } from 'vitest';
import type { KnownWords } from './nearest-word.js';
import { type NoteSense, noteWarnings } from './note-warnings.js';
import { ResultChecks, wordReader } from '../result-checks.js';
import type { Warning } from '../warnings.js';
import { wordsOf } from '../text/words.js';
import { WordTokenizer } from './word-tokenizer.js';

const TRAINED = WordTokenizer.fromNotes([
  'Bilateral pulmonary infection, two infected areas, upper middle lower left lung and all right lung.',
]);
const check = (note: string, contextLength = 24): readonly Warning[] => {
  const read = wordReader(TRAINED, contextLength);
  return new ResultChecks(read).note(note);
};
const codes = (warnings: readonly Warning[]): string[] => warnings.map(({ code }) => code);

describe('notes for a words encoder', () => {
  it('of known words pass', () => {
    expect(check('Two infected areas, lower left lung.')).toEqual([]);
    expect(check('UPPER RIGHT LUNG')).toEqual([]);
  });

  it('that are mirrored for the model know the slips that mirroring mends', () => {
    const note = 'rigth lung and tumour';
    const checks = new ResultChecks(wordReader(TRAINED, 24));
    expect(checks.note(note)[0]?.message).toContain(
      '2 of 4 words are unknown to the model: "rigth" (right?), "tumour"',
    );
    expect(checks.note(note, true)[0]?.message).toBe('1 of 4 words is unknown to the model: "tumour"'); // it is given "left"
    expect(checks.note('rigth lung', true)).toEqual([]);
  });

  it('with slips get suggestions', () => {
    expect(check('Infection of the middel leftlung')).toEqual([
      {
        code: 'NOTE_WORDS_UNKNOWN',
        message:
          '4 of 5 words are unknown to the model: "of", "the", "middel" (middle?), "leftlung" (left lung?)',
        words: [
          { word: 'of' },
          { word: 'the' },
          { word: 'middel', nearest: 'middle' },
          { word: 'leftlung', nearest: 'left lung' },
        ],
      },
    ]);
    expect(check('pul monary infection')[0]?.message).toContain('"pul" (pulmonary?), "monary" (pulmonary?)');
  });

  it('with slips that the model reads are told so, and are not without words', () => {
    const reading = WordTokenizer.fromNotes(['two infected areas, middle left lung'], {
      unknownWords: 'nearest',
    });
    const checks = new ResultChecks(wordReader(reading, 24));
    expect(checks.note('Infected areas there, middel leftlung')).toEqual([
      {
        code: 'NOTE_WORDS_UNKNOWN',
        message:
          '3 of 5 words are unknown to the model: "there", "middel" (read as middle), "leftlung" (read as left lung)',
        words: [
          { word: 'there' },
          { word: 'middel', nearest: 'middle', read: true },
          { word: 'leftlung', nearest: 'left lung', read: true },
        ],
      },
    ]);
    expect(codes(checks.note('middel leftlung'))).toEqual(['NOTE_WORDS_UNKNOWN']);
    // Mirrored, it is given "right", which it does not know.
    expect(checks.note('lsft lung', true)[0]?.message).toBe(
      '1 of 2 words is unknown to the model: "lsft" (left?)',
    );
  });

  it.each([
    ['German', 'Beidseitige Entzündung, zwei Herde, Oberlappen rechts'],
    ['Chinese', '双侧肺部感染，两个感染区域'],
    ['nonsense', 'qwrt zxcv'],
  ])('in %s hold no word that it knows', (_, note) => {
    expect(codes(check(note))).toEqual(['NOTE_WORDS_UNKNOWN', 'NOTE_WITHOUT_WORDS']);
  });

  it.each(['', ' \n', '?!', '…'])('without words say so: %j', (note) => {
    expect(check(note)).toEqual([{ code: 'NOTE_WITHOUT_WORDS', message: 'the note contains no words' }]);
  });

  it('that are cut name only what is lost', () => {
    expect(check('two infected areas, upper left lung and lower rigth lung', 7)).toEqual([
      {
        code: 'NOTE_CUT',
        message: 'the model reads 7 tokens of a note; lost 3 words: "lower", "rigth", "lung"',
        words: [{ word: 'lower' }, { word: 'rigth' }, { word: 'lung' }],
      },
    ]);
  });

  it('quote at most five words, and shorten very long ones', () => {
    const many = Array.from({ length: 40 }, (_, i) => `q${'x'.repeat(i)}`).join(' ');
    const [warning] = check(many, 64);
    expect(warning?.words).toHaveLength(5);
    expect(warning?.message).toMatch(/ and 35 more$/);
    expect(check('a'.repeat(5000))[0]?.message.length).toBeLessThan(120);
  });
});

describe('notes for an encoder that has no unknown words', () => {
  const sense = (known: KnownWords | null): NoteSense => ({
    known,
    reader: {
      contextLength: 8,
      countTokens: (note) => wordsOf(note).length + 2,
      tokens: (note) => {
        const words = wordsOf(note);
        const pieces = words.slice(0, 6).map((text, word) => ({ kind: 'word' as const, text, word }));
        return { words, tokens: [...pieces] };
      },
    },
  });
  const known: KnownWords = { has: (word) => word === 'lung' || word === 'left', words: ['lung', 'left'] };

  it('are checked against the words of the training notes', () => {
    expect(codes(noteWarnings('left lung', sense(known)))).toEqual([]);
    expect(noteWarnings('linke Lunge', sense(known)).map(({ message }) => message)).toEqual([
      '2 of 2 words are unknown to the model: "linke", "lunge" (lung?)',
      'the model knows none of the note’s words',
    ]);
  });

  it('say what is possible if those words are unknown', () => {
    expect(noteWarnings('linke Lunge', sense(null))).toEqual([]);
    expect(codes(noteWarnings('左肺', sense(null)))).toEqual(['NOTE_WORDS_UNKNOWN', 'NOTE_WITHOUT_WORDS']);
    expect(noteWarnings('a b c d e f g h', sense(null))[0]).toMatchObject({
      code: 'NOTE_CUT',
      words: [{ word: 'g' }, { word: 'h' }],
    });
  });

  it('quotes one character of a clause without spaces, which may be the whole note with a name', () => {
    const clause = '患者张三左肺下叶感染伴胸腔积液';
    const told = JSON.stringify(noteWarnings(clause, sense(null)));
    expect(told).toContain('"患…"'.replaceAll('"', '\\"'));
    for (const sign of clause.slice(1)) expect(told).not.toContain(sign);
  });
});

/**
 * The reader of free notes on 520 annotated sentences, written before it. Its vocabulary has since been
 * extended for those it failed, so the share is a floor against regressions, not an estimate for new notes.
 */
import { describe, expect, it } from 'vitest';
import { confusionTables, LANGUAGES, scored } from './reader-scores.js';

const all = LANGUAGES.flatMap(scored);

describe('the reader on annotated sentences', () => {
  it('has 520 of them', () => {
    expect(LANGUAGES.map((one) => all.filter(({ language }) => language === one).length)).toEqual([
      280, 60, 60, 60, 60,
    ]);
  });

  it('reads at least 98 % completely and correctly', () => {
    const wrong = all.filter(({ right }) => !right).map(({ expected }) => expected.text);
    expect(wrong.slice(0, wrong.length > 0.02 * all.length ? undefined : 0)).toEqual([]);
  });

  it('takes no side for another', () => {
    expect(all.filter(({ wrongSide }) => wrongSide).map(({ expected }) => expected.text)).toEqual([]);
  });

  it('warns of every contradiction and alternative, without a place', () => {
    const nonsense = all.filter(({ expected }) => expected.nonsense);
    expect(nonsense.length).toBeGreaterThanOrEqual(28);
    expect(nonsense.filter(({ right }) => !right).map(({ expected }) => expected.text)).toEqual([]);
  });

  it('finds the language, or reads the same in another', () => {
    const other = all.filter(({ note, language, right }) => note.language !== language && !right);
    expect(other.map(({ expected }) => expected.text)).toEqual([]);
  });

  it('shows what was read in tables', () => {
    expect(confusionTables(all)).toContain('| uncertain: expected, read | false | true |');
  });
});

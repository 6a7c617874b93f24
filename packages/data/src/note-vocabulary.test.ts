/** Vocabularies in YAML: problems with their lines, and files of strangers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalText, readNote, vocabularyConflicts } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { checkVocabularyFile, readVocabulary } from './note-vocabulary.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-note-vocabulary-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(root, 'vocabulary.yaml');
  writeFileSync(path, text);
  return path;
}
const problems = (text: string) => checkVocabularyFile(file(text)).problems;

const SOUND = `
name: skin
canonical:
  paired: false
  sentences: { note: '{Count} (mole/moles)[, {places}].' }
languages:
  en:
    sides: { left: left, right: right }
    findings: { mole: mole(/s) }
    joins: { and: and }
    counts: { 1: 'a, one', 2: two }
`;

describe('readVocabulary', () => {
  it('reads YAML, numbers as keys included', () => {
    const vocabulary = readVocabulary(file(SOUND));
    expect(canonicalText(readNote('two moles left', vocabulary), vocabulary)).toBe('Two moles, left.');
  });

  it('reads the example, which has no conflicts, in both languages', () => {
    const path = fileURLToPath(new URL('../../../examples/vocabularies/polyps.yaml', import.meta.url));
    const vocabulary = readVocabulary(path);
    expect(vocabularyConflicts(vocabulary)).toEqual([]);
    const written = (text: string): string | null => canonicalText(readNote(text, vocabulary), vocabulary);
    for (const [text, sentence] of [
      [
        'There are two small polyps, one at the top left and one in the centre.',
        'Two polyps, upper left and middle.',
      ],
      ['Zwei Polypen: links oben und in der Mitte', 'Two polyps, upper left and middle.'],
      ['Einzelner Polyp rechts unten.', 'One polyp, lower right.'],
      ['Polyp in the upper right corner, no diverticula', 'polyp, upper right.'],
      ['Several polyps', 'polyps.'],
      ['No polyp.', null],
      ['Zorgblat polyp at the top left', null],
      ['Polyp top left or bottom left', null],
    ] as const)
      expect([text, written(text)]).toEqual([text, sentence]);
  });

  it('reads the smallest example of the guide', () => {
    const page = fileURLToPath(new URL('../../../docs/guide/own-vocabulary.md', import.meta.url));
    const [, yaml = ''] = /```yaml\n(name: [^]*?)```/.exec(readFileSync(page, 'utf8')) ?? [];
    const vocabulary = readVocabulary(file(yaml));
    expect(vocabularyConflicts(vocabulary)).toEqual([]);
    const text = canonicalText(readNote('There is a polyp at the top left', vocabulary), vocabulary);
    expect(text).toBe('One polyp, upper left.');
  });

  it('names file, line and key of each problem', () => {
    const text =
      SOUND.replace('{Count}', '{size}').replace('left: left', 'lfet: left') + '    named: { above: top }\n';
    expect(problems(text).map(({ line, key }) => [line, key])).toEqual([
      [8, 'languages.en.sides.lfet'],
      [12, 'languages.en.named.above'],
      [5, 'canonical.sentences.note'],
    ]);
    const path = file(text);
    expect(() => readVocabulary(path)).toThrow(
      expect.objectContaining({
        code: 'NOTE_VOCABULARY_INVALID',
        message: `${path}:8: languages.en.sides.lfet: there is no such key (and 2 more)`,
      }),
    );
  });

  it.each([
    ['no YAML', 'a: [', /^not valid YAML: /],
    ['a key twice', `${SOUND}name: again\n`, /^not valid YAML: Map keys must be unique/],
    ['a second document', `${SOUND}---\nname: other\n`, /^not valid YAML: .*multiple documents/],
    ['nothing', '', /^Invalid input/],
    ['a list', '- a\n', /^Invalid input/],
    ['aliases', 'a: &a [x]\nb: *a\n', /^aliases are not allowed$/],
    [
      'a bomb of aliases',
      `a0: &a0 [x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]\n`).join('')}`,
      /^aliases are not allowed$/,
    ],
    ['thousands of brackets', '['.repeat(100_000), /^(is nested too deeply|not valid YAML: .*)$/],
    ['a key that objects have', `${SOUND}__proto__: { name: x }\n`, /^there is no such key$/],
    ['a number for words', SOUND.replace('left: left', 'left: 3'), /^expected words with commas/],
  ])('refuses %s', (_, text, message) => {
    expect(problems(text)[0]?.message).toMatch(message);
  });

  it('refuses what is no file of its size', () => {
    const folder = join(root, 'folder');
    mkdirSync(folder);
    for (const path of [folder, join(root, 'missing.yaml'), file(`${SOUND}# ${'x'.repeat(2 ** 20)}`)])
      expect(() => readVocabulary(path)).toThrow(
        expect.objectContaining({
          code: 'NOTE_VOCABULARY_INVALID',
          message: expect.stringContaining('cannot be read') as string,
        }),
      );
  });
});

describe('vocabularyConflicts', () => {
  const conflicts = (text: string): string[] =>
    vocabularyConflicts(readVocabulary(file(text))).map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );

  it('finds words with two meanings, and slips that turn one into the other', () => {
    expect(conflicts(SOUND)).toEqual([]);
    expect(conflicts(SOUND.replace('right: right', "right: 'right, left'"))).toContain(
      'languages.en.sides.right: "left" is also in left',
    );
    expect(conflicts(`${SOUND}    filler: mole\n`)).toContain(
      'languages.en.filler: "mole" is also in findings.mole',
    );
    expect(conflicts(`${SOUND}    negation: { before: moles }\n`)[0]).toMatch(
      /"moles" is also in findings\.mole/,
    );
    expect(conflicts(`${SOUND}    zones: { upper: cranial, lower: crania }\n`)).toContain(
      'languages.en.zones.lower: "crania" is one letter away from "cranial" of upper: a slip would turn one into the other',
    );
  });

  it('finds sentences that the vocabulary does not read itself', () => {
    expect(conflicts(SOUND.replace('(mole/moles)', '(mole/moles) detected'))[0]).toMatch(
      /^canonical\.sentences: its own sentence "Two moles detected, .*" is not read completely$/,
    );
  });
});

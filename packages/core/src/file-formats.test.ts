import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ReclmisError } from './errors.js';
import { currentFormat, FILE_FORMATS, NEWER_REMEDY, readFormat, versionIn } from './file-formats.js';
import { parseManifest } from './manifest.js';
import { WordTokenizer } from './notes/word-tokenizer.js';

const fixture = (name: string): Record<string, unknown> =>
  JSON.parse(
    readFileSync(new URL(`../../../tests/fixtures/formats/${name}.json`, import.meta.url), 'utf8'),
  ) as Record<string, unknown>;

function refusal(act: () => unknown): Pick<ReclmisError, 'code' | 'message' | 'remedy'> {
  try {
    act();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('readFormat', () => {
  const place = { where: 'x.json', code: 'MODEL_INVALID', remedy: 'Make it again.' } as const;

  it('reads every version of the table, and the last one is written', () => {
    expect(
      FILE_FORMATS.model.map((version) => readFormat('model', `reclmis-model/${version}`, place)),
    ).toEqual([1, 2, 3]);
    expect(currentFormat('model')).toBe('reclmis-model/3');
  });

  it('says of a newer version that it is newer', () => {
    const { code, message, remedy } = refusal(() => readFormat('model', 'reclmis-model/4', place));
    expect([code, remedy]).toEqual(['MODEL_INVALID', NEWER_REMEDY]);
    expect(message).toBe(
      'x.json: expected format reclmis-model/1 or reclmis-model/2 or reclmis-model/3, got reclmis-model/4, made by a newer version of reclmis',
    );
  });

  it('says of one that is no longer read how to go on', () => {
    const { message, remedy } = refusal(() => readFormat('run', 'reclmis-run/0', place));
    expect(message).toMatch(/got reclmis-run\/0, which is no longer read$/);
    expect(remedy).toMatch(/^Use the version of reclmis that made it/);
  });

  it.each([undefined, null, 7, 'reclmis-run/1', 'reclmis-model/', 'reclmis-model/1.5', 'reclmis-model/x'])(
    '%j is another file',
    (found) => {
      const { message, remedy } = refusal(() => readFormat('model', found, place));
      expect(message).not.toMatch(/newer|no longer/);
      expect(remedy).toBe('Make it again.');
      expect(versionIn('model', found)).toBeNull();
    },
  );
});

describe('kept files', () => {
  it.each([1, 2, 3])('reclmis-model/%i is read', (version) => {
    const manifest = parseManifest(fixture(`model-${version}`), 'kept');
    expect([manifest.name, manifest.image.size, manifest.threshold]).toEqual(['tiny', 32, 0.5]);
    expect(manifest.segmenter.features).toEqual(version === 1 ? undefined : null);
    const interest = { output: 'interest', side: 2 };
    expect(manifest.segmenter.interest).toEqual(version === 3 ? interest : undefined);
  });

  it.each([
    [1, 'ignored'],
    [2, 'nearest'],
  ])('reclmis-words/%i is read: words that are not known are %s', (version, unknownWords) => {
    const words = WordTokenizer.fromJSON(fixture(`words-${version}`));
    expect([words.unknownWords, words.size]).toEqual([unknownWords, 4]);
    expect(words.toJSON()).toEqual(fixture(`words-${version}`));
  });

  it('of newer versions are refused', () => {
    const newer = [
      () => parseManifest({ ...fixture('model-3'), format: 'reclmis-model/9' }, 'kept'),
      () => WordTokenizer.fromJSON({ ...fixture('words-2'), version: 9 }),
    ];
    expect(newer.map((act) => refusal(act).remedy)).toEqual([NEWER_REMEDY, NEWER_REMEDY]);
    expect(newer.map((act) => refusal(act).code)).toEqual(['MODEL_INVALID', 'VOCABULARY_INVALID']);
  });
});

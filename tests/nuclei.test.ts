/** The vocabulary of nuclei on sentences that were annotated before the reader saw them (docs/measurements/reader.md). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalText, grammarOf, nuclei, parseNote, readNote } from '@reclmis/core';
import { readNotes } from '@reclmis/files';
import { describe, expect, it } from 'vitest';

const data = fileURLToPath(new URL('../../../shared/data/MoNuSeg/', import.meta.url));

interface Annotated {
  readonly text: string;
  /** `evenly`, `higher around`, `upper left high`; none: no sentence can say it. */
  readonly statements: readonly string[];
}

const written = (text: string): string | null => canonicalText(readNote(text, nuclei()), nuclei());

function annotated(name: string): Annotated[] {
  const url = new URL(`../../packages/core/src/notes/reader/fixtures/${name}.jsonl`, import.meta.url);
  const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Annotated);
}

function sentenceFor(statement: string): string {
  if (/^\w+ly$/.test(statement)) return `The nuclei are ${statement} distributed.`;
  if (statement === 'higher around') return 'The nuclei density is higher around.';
  return `The nuclei density in the ${statement.replace(/ (\w+)$/, ' is $1')}.`;
}

/** Sentences of a text, sorted: their order is the writer's. */
const sorted = (text: string | null): string[] =>
  (text?.match(/[^.]+\./g) ?? []).map((one) => one.trim()).sort();

function failures(name: string): { text: string; got: string | null }[] {
  return annotated(name)
    .map(({ text, statements }) => ({ text, got: written(text), wanted: statements.map(sentenceFor).sort() }))
    .filter(({ got, wanted }) => sorted(got).join() !== wanted.join())
    .map(({ text, got }) => ({ text, got }));
}

describe('the vocabulary of nuclei', () => {
  // It was extended for those it failed, so this guards against regressions only.
  it('puts sixty annotated sentences into MoNuSeg’s words', () => {
    expect(annotated('nuclei').length).toBe(60);
    expect(failures('nuclei')).toEqual([]);
  });

  it('puts all but two of forty later ones into them', () => {
    expect(annotated('nuclei-second').length).toBe(40);
    expect(failures('nuclei-second')).toEqual([
      { text: 'The nuclei form no clusters and are uniformly distributed.', got: null },
      { text: 'Equal numbers of nuclei on both sides.', got: null },
    ]);
  });

  it('writes only sentences of the grammar', () => {
    for (const { text } of [...annotated('nuclei'), ...annotated('nuclei-second')]) {
      const { nuclei: statements, remainder } = parseNote(written(text) ?? '');
      expect(remainder).toEqual([]);
      expect(statements.length).toBe(sorted(written(text)).length);
    }
  });

  it.skipIf(!existsSync(data))('writes every note of MoNuSeg as it is', async () => {
    for (const split of ['Train', 'Val', 'Test']) {
      const { notes } = await readNotes(join(data, `${split}_Folder`, `${split}_text.xlsx`));
      for (const note of notes.values()) expect(written(note)).toBe(note);
      expect(grammarOf(notes.values())).toBe('nuclei');
    }
  });
});

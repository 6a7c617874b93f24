/**
 * The reader of free notes on rewordings: of every note of LViT's grammar, and of QaTa-COV19's (skipped without
 * ../shared/data, not ours to publish). It may fail to understand, which it says; it must not misunderstand.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { canReword, type RewordOptions } from '@reclmis/core';
import { readNotes } from '@reclmis/files';
import { describe, expect, it } from 'vitest';
import { everyNote, tallyOf, WAYS } from './rewordings.js';

const QATA = fileURLToPath(new URL('../../../shared/data/QaTa-COV19', import.meta.url));
const TABLES = ['Train_Folder/Train_Val_text.xlsx', 'Test_Folder/Test_text.xlsx'];
const SEEDS = 3;
/** Read completely and correctly; others are at least 98 %. Typing errors can hit a word beyond recognition. */
const LEAST: Partial<Record<RewordOptions['kind'], number>> = {
  misspelt: 0.85,
  abbreviated: 0.9,
  reordered: 0.95,
};
const titled = WAYS.map((way) => ({ way, title: `${way.kind} ${way.language ?? ''} (${way.set})` }));

describe('the reader on rewordings of every note of the grammar', () => {
  const notes = everyNote();

  it.each(titled)('$title', ({ way }) => {
    const { texts, right, wrong, wrongSide } = tallyOf(way, notes, SEEDS);
    expect(texts).toBeGreaterThan(0.97 * SEEDS * notes.length);
    expect(wrongSide).toEqual([]);
    expect(wrong).toEqual([]);
    expect(right / texts).toBeGreaterThanOrEqual(LEAST[way.kind] ?? 0.98);
  });
});

describe.skipIf(!existsSync(QATA))('the reader on rewordings of the notes of QaTa-COV19', () => {
  it.each(titled)('$title', async ({ way }) => {
    const tables = await Promise.all(TABLES.map((name) => readNotes(join(QATA, name))));
    const notes = [...new Set(tables.flatMap((table) => [...table.notes.values()]))];
    expect(notes.filter((note) => !canReword(note))).toHaveLength(2); // "all lung", "all lower left lung"
    const { wrong, wrongSide } = tallyOf(way, notes, SEEDS);
    expect(wrongSide).toEqual([]);
    expect(wrong).toEqual([]);
  });
});
